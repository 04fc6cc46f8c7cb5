//! What was used and who follows: usage, recommendations, audit, fleet.

use serde_json::json;
use tests::chat;
use tests::console::Console;
use tests::raw::post_chat_with;

#[test]
fn usage_fleet_and_audit_tell_what_envoy_has_done() {
    let console = Console::start();
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
        console.admin.call("GET", &usage, None).1["total"] == json!({"permitted": 3, "refused": 2})
    });
    console.go("usage");
    browser.see("40%");
    browser.see("Out of scope");
    browser.see("kimi-k2.6");
    let bars = "return [document.querySelectorAll('.bar-permitted').length, document.querySelectorAll('.bar-refused').length]";
    let bars = browser.script(bars, &[]);
    assert!(
        bars[0].as_u64().unwrap() >= 1 && bars[1].as_u64().unwrap() >= 1,
        "{bars}"
    );
    browser.click("As a table");
    browser.see("Let through");

    console.go("fleet");
    browser.see("Up to date");
    console.go("audit");
    browser.see("key.created");
    browser.fill("[type=search]", "session.logged_in");
    browser.press(&[tests::browser::keys::ENTER]);
    browser.see_no_more("key.created");
    browser.see("user:operator");
    browser.assert_quiet();
}

#[test]
fn advice_is_followed_by_one_click_and_taken_back() {
    let console = Console::start();
    let browser = &console.browser;
    let key = console.admin.create("wide", json!({}));
    let gate = console.stack.envoy_url();
    for _ in 0..110 {
        post_chat_with(&gate, &key.value, &chat("glm-5.1"));
    }
    let path = "/v1/recommendations?account=demo";
    tests::wait_for("advice", || {
        let (_, answer) = console.admin.call("GET", path, None);
        let all = answer["recommendations"].as_array().unwrap();
        all.iter().any(|one| one["kind"] == "wide_scope")
    });
    console.go("advice");
    browser.see("named 1 models or services");
    browser.click_css(".advice-item:has(.about) button");
    browser.click("Apply");
    browser.see("In force on 1 of 1 Envoys");
    browser.click("Undo");
    browser.see_no_more("In force on");
    let (_, now) = console
        .admin
        .call("GET", &format!("/v1/keys/{}", key.id), None);
    assert_eq!(now["scope"], json!({"models": "all", "services": "all"}));
    assert_eq!(now["ip_allowlist"], json!([]));
    browser.assert_quiet();
}
