//! The frame around the views: the sidecar away, the focus where something was, an address of elsewhere.

use serde_json::json;
use tests::browser::{Browser, keys};
use tests::console::{Console, PASSWORD};
use tests::wait_for;

/// A menu that opens takes the focus a moment later.
fn wait_until_in_menu(browser: &Browser) {
    let code = "return document.activeElement.role";
    wait_for("the menu has the focus", || {
        browser.script(code, &[]) == "menuitem"
    });
}

#[test]
fn while_the_sidecar_is_away_that_is_said_and_nothing_that_was_typed_is_lost() {
    let Some(mut console) = Console::without_envoy() else {
        return;
    };
    console.browser.click_css("#create");
    console.browser.fill("[name=key-name]", "typed before");
    console.stack.stop_sidecar().unwrap();
    console.browser.click("Create key");
    console
        .browser
        .see("The sidecar cannot be reached. Trying again is safe.");
    console
        .browser
        .see("The sidecar cannot be reached. Trying again; nothing");
    console.stack.start_sidecar().unwrap();
    console.browser.see_no_more("Trying again; nothing");
    console.browser.click("Create key");
    console.browser.see("Your new key");
    assert_eq!(console.key("typed before")["status"], "enabled");
}

#[test]
fn a_view_that_cannot_load_says_so_and_loads_when_the_sidecar_is_back() {
    let Some(mut console) = Console::without_envoy() else {
        return;
    };
    console.go("usage");
    console.stack.stop_sidecar().unwrap();
    console.browser.click("Catalog");
    console.browser.see("This did not work");
    console.stack.start_sidecar().unwrap();
    console.browser.see("The catalog is empty");
    console.browser.see_no_more("This did not work");
}

#[test]
fn a_key_is_switched_edited_rotated_and_deleted_by_keyboard_alone_and_the_focus_is_never_lost() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    console.admin.create("first", json!({}));
    console.admin.create("second", json!({}));
    console.go("keys");
    let assert_focused = |after: &str| {
        console.settle();
        let code = "return document.activeElement.tagName";
        assert_ne!(browser.script(code, &[]), "BODY", "after {after}");
    };
    console.tab_to("Enabled: second");
    browser.press(&[keys::ENTER]);
    browser.see("401 api_key_disabled");
    browser.see("Requests in 24 hours");
    browser.press(&[keys::ENTER]);
    browser.see("is disabled.");
    assert_focused("the switch");

    browser.press(&[keys::ENTER]);
    browser.see("is enabled.");
    console.tab_to("Edit second");
    browser.press(&[keys::ENTER]);
    browser.see("the scope before is void");
    browser.type_text("by keyboard");
    console.tab_to("Save");
    browser.press(&[keys::ENTER]);
    browser.see("is changed.");
    assert_focused("the edit");
    assert_eq!(console.key("second")["description"], "by keyboard");

    console.tab_to("More for second");
    browser.press(&[keys::ENTER]);
    wait_until_in_menu(browser);
    browser.press(&[keys::ENTER]);
    browser.see("Both work during the grace.");
    console.tab_to("Rotate");
    browser.press(&[keys::ENTER]);
    browser.see("goes on until its grace is over");
    browser.press(&[keys::ENTER]);
    browser.see("Copied.");
    browser.press(&[keys::ESCAPE]);
    browser.see_no_more("goes on until its grace is over");
    assert_focused("the rotation");

    console.tab_to("More for first");
    browser.press(&[keys::ENTER]);
    wait_until_in_menu(browser);
    browser.press(&[keys::DOWN, keys::ENTER]);
    browser.see("Type first to confirm");
    browser.type_text("first");
    console.tab_to("Your password");
    browser.type_text(PASSWORD);
    browser.press(&[keys::ENTER]);
    browser.see("is deleted for good.");
    browser.press(&[keys::ENTER]);
    browser.see_no_more("is deleted for good.");
    assert_focused("the deletion");
    browser.assert_quiet();
}

#[test]
fn a_key_of_another_account_says_whose_it_is() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    let body = json!({"id": "team-two", "name": "Team Two"});
    console.admin.call("POST", "/v1/accounts", Some(&body));
    let key = console
        .admin
        .create("theirs", json!({"account": "team-two"}));
    console.go(&format!("keys/{}", key.id));
    browser.see("This key is of the account team-two");
    browser.click("Work in that account");
    browser.see_no_more("This key is of the account");
    let chosen = browser.script(
        "return document.querySelector('#pick-account').textContent",
        &[],
    );
    assert_eq!(chosen, "team-two");
    browser.assert_quiet();
}

#[test]
fn a_range_of_nothing_is_asked_for_twice_and_the_gate_says_what_a_key_may_do() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    console.list_models(&["glm-5.1"]);
    let browser = &console.browser;
    console.go("keys");
    browser.see("Clients reach Envoy at");
    browser.click_css("#create");
    browser.fill("[name=key-name]", "nothing");
    browser.click_css(".choice:last-child");
    browser.click("Create key");
    browser.see("A key that may call nothing?");
    browser.click("Cancel");
    browser.see("every request would be refused");
    browser.click_css(".choice:first-child");
    browser.click("Create key");
    browser.see("Your new key");
    browser.click("Try it");
    browser.see("Would be let through, for glm-5.1");
    browser.assert_quiet();
}

#[test]
fn the_docs_page_shows_schemas_and_asks_before_it_acts() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    browser.open(&format!("{}/docs", console.stack.console_url()));
    browser.see("POST /v1/regions");
    let in_call = |name: &str, css: &str| {
        let code = "const call = [...document.querySelectorAll('#calls details')]\
                      .find((one) => one.querySelector('summary code')?.textContent === arguments[0]);\
                    call.open = true; const node = call.querySelector(arguments[1]);\
                    node.scrollIntoView({block: 'center'}); node.click(); return call.textContent";
        browser.script(code, &[json!(name), json!(css)]).to_string()
    };
    let text = in_call("POST /v1/regions", ":scope > details > summary");
    browser.see("Its handle, which never changes");
    for said in ["Members of the body", "Answers", "201 ", "422 "] {
        assert!(text.contains(said), "{said}: {text}");
    }
    in_call("POST /v1/regions", ":scope > button");
    browser.see("Send this call? It may change something.");
    browser.click("Cancel");
    browser.see_no_more("It may change something.");
    let regions = || console.admin.call("GET", "/v1/regions", None).1.to_string();
    assert!(!regions().contains("eu-west"));
    in_call("POST /v1/regions", ":scope > button");
    browser.click("Send it");
    browser.see("201 Created");
    assert!(regions().contains("eu-west"));
    // What changes nothing is not asked about.
    in_call("GET /v1/regions", ":scope > button");
    browser.see("200 OK");
    browser.assert_quiet();
}
