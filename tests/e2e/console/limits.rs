//! Limits in the page: written with a key and with an account, told as gauges, begun anew.

use envoy::StackOptions;
use serde_json::{Value, json};
use tests::browser::Look;
use tests::chat;
use tests::console::Console;
use tests::raw::post_chat_with;

use crate::limits::keeping;

/// The limits of a key or an account, by the API.
fn limits(console: &Console, path: &str) -> Value {
    let (status, told) = console.admin.call("GET", path, None);
    assert_eq!(status, 200);
    told["limits"].clone()
}

#[test]
fn a_keys_limits_are_written_in_its_form_and_stand_on_its_page_as_gauges() {
    let options = keeping(StackOptions::default());
    let Some(console) = Console::with(options, Look::default(), true) else {
        return;
    };
    let browser = &console.browser;
    let gate = console.stack.envoy_url();
    let key = console.admin.create("limited", json!({}));
    let path = format!("/v1/keys/{}", key.id);
    console.go(&format!("keys/{}", key.id));
    browser.click("Edit");
    browser.click("Add a limit");
    browser.click("Save");
    browser.see("Fill this in.");
    browser.fill("[aria-label='Amount (1)']", "3");
    browser.choose("[aria-label='Unit (1)']", "requests");
    browser.click("Details");
    browser.fill("[aria-label='Where the day begins (+08:00) (1)']", "+08:00");
    browser.click("Save");
    browser.see("Requests a month");
    browser.see("0 of 3");
    let monthly = json!({"unit": "requests", "window": "month", "amount": 3, "start_day": 1,
        "utc_offset": "+08:00", "when_apart": "serve"});
    assert_eq!(limits(&console, &path), json!([monthly]));

    for _ in 0..3 {
        assert_eq!(
            post_chat_with(&gate, &key.value, &chat("glm-5.1")).status,
            200
        );
    }
    assert_eq!(
        post_chat_with(&gate, &key.value, &chat("glm-5.1")).status,
        429
    );
    let figures = format!("{path}/limits");
    tests::wait_for("the sidecar has heard", || {
        limits(&console, &figures)[0]["used"] == 3
    });
    browser.reload();
    browser.see("3 of 3");
    browser.see("Used up");
    browser.click("Begin new counters");
    browser.see("The audit keeps the figures.");
    browser.click("Begin new counters");
    browser.see("0 of 3");
    assert_eq!(
        post_chat_with(&gate, &key.value, &chat("glm-5.1")).status,
        200
    );

    // What the form does not show is kept, and a row that is taken out is gone.
    browser.click("Edit");
    browser.click("Add a limit");
    browser.fill("[aria-label='Amount (2)']", "9");
    browser.choose("[aria-label='Window (2)']", "minute");
    browser.click("Save");
    browser.see("Tokens a minute");
    browser.see("Each Envoy keeps it alone");
    assert_eq!(limits(&console, &path)[0], monthly);
    browser.click("Edit");
    browser.click("Remove (1)");
    browser.click("Save");
    browser.see_no_more("Requests a month");
    assert_eq!(limits(&console, &path)[0]["window"], "minute");
    browser.assert_quiet();
}

#[test]
fn an_accounts_limits_are_the_operators_and_everybody_sees_how_they_stand() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    console.go("accounts");
    browser.click("Edit demo");
    browser.click("Add a limit");
    browser.fill("[aria-label='Amount (1)']", "5000");
    browser.click("Details");
    browser.fill("[aria-label='Day on which a month begins (1)']", "32");
    browser.click("Save");
    browser.see("Value must be less than or equal to 31");
    browser.fill("[aria-label='Day on which a month begins (1)']", "31");
    browser.click("Save");
    browser.see_no_more("Details");
    console.go("limits");
    browser.see("Tokens a month");
    browser.see("0 of 5,000");
    let told = limits(&console, "/v1/accounts/demo");
    assert_eq!(told[0]["start_day"], 31);
    browser.assert_quiet();
}
