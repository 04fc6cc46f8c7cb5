//! What scripts log in with: made and ended by the person whose they are.

use tests::console::{Console, PASSWORD};

#[test]
fn a_token_is_made_works_and_ends() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    console.go("profile");
    browser.click("Make an API token");
    browser.fill("[name=token-name]", "nightly");
    browser.click("keys:delete");
    browser.click_css("dialog [type=submit]");
    browser.see("Prove who you are");
    browser.fill("[name=password]", PASSWORD);
    browser.click("Confirm");
    browser.see("“nightly” is ready");
    let value = browser.script("return document.querySelector('.value').value", &[]);
    let status = || {
        let url = format!("{}/v1/keys?account=demo", console.stack.console_url());
        let bearer = format!("Bearer {}", value.as_str().unwrap());
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let answer = agent.get(url).header("authorization", bearer).call();
        answer.unwrap().status().as_u16()
    };
    assert_eq!(status(), 200);
    browser.click("Done");
    browser.see("keys:read, keys:delete");
    browser.click("End “nightly”?");
    browser.click("End");
    browser.see("has ended.");
    assert_eq!(status(), 401);
    browser.assert_quiet();
}

#[test]
fn an_access_key_is_made_and_shown_once() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    console.go("profile");
    browser.click("Make an access key");
    browser.fill("[data-field=name] input", "cloud");
    browser.click_css("dialog [type=submit]");
    browser.see("Prove who you are");
    browser.fill("[name=password]", PASSWORD);
    browser.click("Confirm");
    browser.see("“cloud” is ready");
    browser.see("SecretKey");
    browser.click("Done");
    browser.click("End “cloud”?");
    browser.click("End");
    browser.see("has ended.");
    browser.assert_quiet();
}
