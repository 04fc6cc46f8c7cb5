//! What was used and who follows: usage, recommendations, audit, fleet.

use std::process::Command;

use serde_json::json;
use tests::chat;
use tests::console::Console;
use tests::raw::post_chat_with;

#[test]
fn usage_fleet_and_audit_tell_what_envoy_has_done() {
    let Some(console) = Console::start() else {
        return;
    };
    let browser = &console.browser;
    let scope = json!({"scope": {"models": ["glm-5.1"]}});
    let key = console.admin.create("counted", scope);
    let gate = console.stack.envoy_url();
    for (model, times) in [("glm-5.1", 3), ("kimi-k2.6", 2)] {
        for _ in 0..times {
            post_chat_with(&gate, &key.value, &chat(model));
        }
    }
    let usage = format!("/v1/keys/{}/usage?period=hour", key.id);
    tests::wait_for("usage arrives", || {
        let total = console.admin.call("GET", &usage, None).1["total"].clone();
        (&total["permitted"], &total["refused"]) == (&json!(3), &json!(2))
    });
    console.go("usage");
    browser.see("40%");
    browser.see("Out of scope");
    browser.see("kimi-k2.6");
    let bars = "return ['permitted', 'refused'].map((kind) => document.querySelectorAll(`.bar-${kind}`).length)";
    let bars = browser.script(bars, &[]);
    assert!(
        bars[0].as_u64().unwrap() >= 1 && bars[1].as_u64().unwrap() >= 1,
        "{bars}"
    );
    browser.click("As a table");
    browser.see("Let through");
    browser.see("By model");
    browser.click("All accounts");
    browser.see("By account");

    console.go("fleet");
    browser.see("Up to date");
    console.go("audit");
    browser.see("key.created");
    browser.click("Every account");
    console.settle();
    browser.fill("[type=search]", "session.logged_in");
    browser.press(&[tests::browser::keys::ENTER]);
    browser.see_no_more("key.created");
    browser.see("user:operator");
    browser.assert_quiet();
}

#[test]
fn advice_is_followed_by_one_click_and_taken_back() {
    let Some(console) = Console::start() else {
        return;
    };
    let browser = &console.browser;
    let key = console.admin.create("wide", json!({}));
    grow_old(&console, &key.id);
    console.go("advice");
    browser.see("named 1 models or services");
    browser.click("Narrow: wide");
    browser.see("will be allowed to call only");
    browser.click("Apply");
    browser.see("In force on 1 of 1 Envoys");
    let scope = || console.key("wide")["scope"].clone();
    assert_eq!(scope(), json!({"models": ["glm-5.1"], "services": []}));
    browser.click("Undo");
    browser.see("named 1 models or services");
    assert_eq!(scope(), json!({"models": "all", "services": "all"}));
    browser.assert_quiet();
}

/// Gives a key a month of requests for one model, which no test can wait for.
pub(super) fn grow_old(console: &Console, key: &str) {
    let script = "import sqlite3, sys, time\n\
                  database = sqlite3.connect(sys.argv[1])\n\
                  today = int(time.time()) // 86400 * 86400\n\
                  for day in range(20):\n \
                    row = (sys.argv[2], 86400, today - day * 86400, 'glm-5.1', 1, 'demo', 50)\n \
                    database.execute('INSERT INTO usage (key, period_s, start_s, resource, outcome, account, '\
                                     'count) VALUES (?, ?, ?, ?, ?, ?, ?)', row)\n\
                  database.commit()";
    let database = console.stack.database();
    let done = Command::new("python3")
        .args(["-c", script])
        .arg(database)
        .arg(key)
        .status();
    assert!(done.unwrap().success());
}
