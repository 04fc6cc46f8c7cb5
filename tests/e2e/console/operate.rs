//! What an operator and an owner do beside keys: people, accounts, limits, catalog.

use envoy::StackOptions;
use serde_json::json;
use tests::browser::{Look, keys};
use tests::console::{Console, PASSWORD};

#[test]
fn an_owner_who_is_invited_asks_for_more_keys_and_the_operator_grants_them() {
    let options = StackOptions {
        sidecar_args: ["--key-limit-default", "1"].map(str::to_owned).to_vec(),
        ..StackOptions::default()
    };
    let Some(console) = Console::with(options, Look::default(), false) else {
        return;
    };
    let browser = &console.browser;
    console.admin.create("the only one", json!({}));
    console.go("people");
    browser.click("Invite");
    browser.fill("[data-field=name] input", "anna");
    browser.choose("[data-field=role] select", "owner");
    browser.click("Invite");
    browser.see("Prove who you are");
    browser.fill("[name=password]", PASSWORD);
    browser.click("Confirm");
    browser.see("Setup secret for anna");
    let secret = browser.script("return document.querySelector('.value').value", &[]);
    browser.click("Done");
    browser.click("Log out");

    browser.click("I have a setup secret");
    browser.fill("[name=setup_secret]", secret.as_str().unwrap());
    browser.fill("[name=new-password]", "a password of anna's");
    browser.click("Set your password");
    console.go("keys");
    browser.see("All 1 keys of this account are in use.");
    browser.click_css("#create");
    browser.fill("[name=key-name]", "one too many");
    browser.click("Create key");
    browser.see("The account has all the keys that it may have.");
    browser.click("Cancel");
    browser.click("Discard");
    browser.click("Ask for more keys");
    browser.fill("[data-field=key_limit] input", "7");
    browser.fill("[data-field=reason] textarea", "a key for each team");
    browser.click("Send request");
    browser.see("The request is sent.");
    browser.click("Log out");

    console.log_in("operator", PASSWORD);
    browser.see("Log out");
    console.go("limits");
    browser.see("a key for each team");
    browser.click("Grant");
    browser.see("Granted");
    console.go("keys");
    browser.see("1 of 7 keys used");
    browser.assert_quiet();
}

#[test]
fn the_catalog_is_imported_and_entries_come_back_by_undo() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    console.go("catalog");
    browser.click("Import models");
    browser.fill("dialog textarea", "{\"data\": [");
    browser.click("Import models");
    browser.see("EOF while parsing");
    let list = json!({"data": [{"id": "glm-5.1"}, {"id": "org/model:free"}]}).to_string();
    browser.fill("dialog textarea", &list);
    browser.click("Import models");
    browser.see("2 added, 0 were known before.");
    browser.click("Remove org/model:free");
    browser.click("Remove");
    browser.see("is removed.");
    browser.click("Undo");
    browser.see_no_more("is removed.");
    console.settle();
    browser.see("org/model:free");
    browser.assert_quiet();
}

#[test]
fn an_account_is_made_and_chosen() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    console.go("accounts");
    browser.click("Add account");
    browser.fill("[data-field=id] input", "Not A Handle");
    browser.fill("[data-field=name] input", "Team Two");
    browser.click("Add account");
    wait_for_fault(&console, "id");
    browser.fill("[data-field=id] input", "team-two");
    browser.click("Add account");
    browser.see("Team Two");
    browser.click_css("#pick-account");
    browser.type_text("Team T");
    browser.press(&[keys::ENTER]);
    console.go("keys");
    browser.click_css("#create");
    browser.fill("[name=key-name]", "of team two");
    browser.click("Create key");
    browser.see("Your new key");
    let (_, list) = console.admin.call("GET", "/v1/keys?account=team-two", None);
    assert_eq!(list["keys"][0]["name"], "of team two");
    browser.click("Copy");
    browser.click("Done");
    // Disabled, it says so where its keys are; what is left in it keeps it.
    console.go("accounts");
    browser.click("More for Team Two");
    browser.click("Disable");
    browser.click("Disable");
    browser.see("Disabled");
    console.go("keys");
    browser.see("“Team Two” is disabled: no key here is served.");
    console.go("accounts");
    browser.click("More for Team Two");
    browser.click("Delete");
    browser.click("Delete");
    browser.see("the account still has keys");
    browser.click("Cancel");
    browser.click("More for Team Two");
    browser.click("Enable");
    browser.see_no_more("Disabled");
    browser.assert_quiet();
}

#[test]
fn a_region_is_made_disabled_and_deleted() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    console.go("regions");
    browser.click("Add region");
    browser.fill("[data-field=id] input", "Not A Handle");
    browser.click("Add region");
    wait_for_fault(&console, "id");
    browser.fill("[data-field=id] input", "eu-west");
    browser.click("Add region");
    browser.see("eu-west");
    browser.click("More for eu-west");
    browser.click("Disable");
    browser.click("Disable");
    browser.see("Disabled");
    let (_, region) = console.admin.call("GET", "/v1/regions/eu-west", None);
    assert_eq!(region["status"], "disabled");
    browser.click("More for eu-west");
    browser.click("Delete");
    browser.click("Delete");
    browser.see_no_more("eu-west");
    browser.assert_quiet();
}

fn wait_for_fault(console: &Console, field: &str) {
    tests::wait_for("a fault beside the field", || {
        let code = "return document.querySelector(`[data-field=\"${arguments[0]}\"] .fault`).textContent !== ''";
        console.browser.script(code, &[json!(field)]) == true
    });
}
