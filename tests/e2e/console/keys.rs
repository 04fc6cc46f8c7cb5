//! The life of a key in the page, and what Envoy makes of it.

use serde_json::json;
use tests::browser::keys;
use tests::chat;
use tests::console::{Console, PASSWORD};
use tests::raw::post_chat_with;

#[test]
fn a_key_made_in_the_page_works_through_envoy_until_the_page_disables_and_deletes_it() {
    let Some(console) = Console::start() else {
        return;
    };
    let browser = &console.browser;
    let gate = console.stack.envoy_url();
    browser.click_css("#create");
    browser.fill("[name=key-name]", "Production chat");
    browser.click("Create key");
    browser.see("Accepted by 1 of 1 Envoys");
    let shown = browser.script("return document.querySelector('.value').value", &[]);
    let curl = browser.script("return document.querySelector('pre').textContent", &[]);
    assert!(
        curl.as_str()
            .unwrap()
            .contains(&format!("{gate}/v1/chat/completions"))
    );

    browser.click("Done");
    browser.see("You have not copied the key.");
    browser.click("Stay");
    browser.click("Copy");
    browser.see("Copied.");
    browser.click("Done");
    browser.see_no_more("Your new key");
    let value = browser.paste();
    assert_eq!(shown, value.as_str(), "what is copied is what was shown");
    assert_eq!(post_chat_with(&gate, &value, &chat("glm-5.1")).status, 200);

    console.go("keys");
    browser.click("Enabled: Production chat");
    browser.see("401 api_key_disabled");
    browser.click("Disable");
    browser.see("Refused by 1 of 1 Envoys");
    let refused = post_chat_with(&gate, &value, &chat("glm-5.1"));
    assert_eq!(refused.refusal(), (401, "api_key_disabled".to_owned()));
    browser.click("Undo");
    browser.see_no_more("is disabled.");
    console.settle();
    assert_eq!(post_chat_with(&gate, &value, &chat("glm-5.1")).status, 200);

    browser.click("More for Production chat");
    browser.click("Delete");
    browser.fill("[data-field=confirm] input", "Production");
    browser.fill("[name=password]", PASSWORD);
    browser.click("Delete");
    browser.see("This is not the key’s name.");
    browser.fill("[data-field=confirm] input", "Production chat");
    browser.fill("[name=password]", "not the password");
    browser.click("Delete");
    browser.see("This is wrong.");
    browser.fill("[name=password]", PASSWORD);
    browser.click("Delete");
    browser.see("is deleted for good.");
    browser.see("Refused by 1 of 1 Envoys");
    let gone = post_chat_with(&gate, &value, &chat("glm-5.1"));
    assert_eq!(gone.refusal(), (401, "invalid_api_key".to_owned()));
    browser.click("Done");
    browser.see("No keys yet");
    browser.assert_quiet();
}

#[test]
fn the_value_of_a_key_is_copied_later_after_proof_of_identity() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    let key = console.admin.create("copied", json!({}));
    console.go("keys");
    browser.click("Copy the key copied");
    browser.fill("[name=password]", "not the password");
    browser.click("Confirm");
    browser.see("This is wrong.");
    browser.fill("[name=password]", PASSWORD);
    browser.click("Confirm");
    browser.see("Copied.");
    assert!(
        !browser.text().contains(&key.value),
        "it goes to the clipboard alone"
    );
    assert_eq!(browser.paste(), key.value);
    browser.click("Clear now");
    browser.see_no_more("Copied.");
    assert_eq!(browser.paste(), "", "it was cleared");
    browser.assert_quiet();
}

#[test]
fn every_refusal_stands_beside_its_field_and_each_line_of_addresses_is_judged() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    console.list_models(&["glm-5.1", "kimi-k2.6"]);
    let browser = &console.browser;
    let fault = |field: &str| {
        let code =
            "return document.querySelector(`[data-field=\"${arguments[0]}\"] .fault`).textContent";
        browser
            .script(code, &[json!(field)])
            .as_str()
            .unwrap()
            .to_owned()
    };
    console.go("keys");
    browser.click_css("#create");
    browser.click("Create key");
    browser.see("Fill this in.");
    browser.fill("[name=key-name]", "two\u{202e}ways");
    browser.fill(".lines", "10.1.2.3/8\n10.0.0.0/8\n010.0.0.1");
    browser.see("3 of 50 entries");
    browser.see("Line 1 10.1.2.3/8 has bits set");
    browser.see("Line 3 010.0.0.1 has leading zeros");
    browser.click("Create key");
    browser.see("Some lines need a look.");
    browser.click("Write 10.0.0.0/8");
    browser.see("Line 2 10.0.0.0/8 stands earlier");
    let many: Vec<String> = (0..51).map(|n| format!("10.0.0.{n}")).collect();
    browser.fill(".lines", &many.join("\n"));
    browser.click("Create key");
    browser.see("At most 50: remove 1, or write networks.");
    browser.fill(".lines", "10.0.0.0/8");
    browser.click_css(".choice:last-child");
    browser.fill(".picker-search", "glm-6");
    browser.press(&[keys::ENTER]);
    browser.see("Some names are not in the catalog");
    browser.click("Create key");
    browser.see("direction");
    assert!(
        !fault("name").is_empty(),
        "the direction of text cannot be turned"
    );
    browser.fill("[name=key-name]", "one way");
    browser.click("Create key");
    browser.see("glm-6: ");
    assert!(fault("scope").contains("glm-6"), "{}", fault("scope"));
    browser.assert_quiet();
}

#[test]
fn a_scope_is_picked_from_the_catalog_by_keyboard_alone() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    console.list_models(&["deepseek-r2", "deepseek-v3.2", "glm-5.1", "ep-search"]);
    let browser = &console.browser;
    console.go("keys");
    console.tab_to("Create key");
    browser.press(&[keys::ENTER]);
    browser.see("Create an API key");
    browser.type_text("by keyboard");
    console.tab_to("Everything");
    browser.press(&[keys::DOWN]);
    console.tab_to("Search, or type a prefix*");
    browser.type_text("deep");
    browser.press(&[keys::DOWN, keys::DOWN, keys::ENTER]);
    browser.see("Selected (1)");
    browser.press(&[" "]);
    browser.see("Selected (2)");
    console.tab_to("Create key");
    browser.press(&[keys::ENTER]);
    browser.see("Your new key");
    let mut models = console.key("by keyboard")["scope"]["models"].clone();
    models
        .as_array_mut()
        .unwrap()
        .sort_by_key(ToString::to_string);
    assert_eq!(models, json!(["deepseek-r2", "deepseek-v3.2"]));
    browser.press(&[keys::ESCAPE]);
    browser.see("You have not copied the key.");
    browser.press(&[keys::ENTER]);
    browser.see_no_more("Your new key");
    browser.assert_quiet();
}

/// Over a line on which every call takes its time: each step waits for what it caused.
#[test]
fn a_key_is_edited_with_undo_and_rotated_with_grace() {
    let Some(console) = Console::start() else {
        return;
    };
    let browser = &console.browser;
    browser.be_far(300);
    let gate = console.stack.envoy_url();
    let key = console
        .admin
        .create("edited", json!({"description": "before"}));
    console.go("keys");
    browser.click("Edit edited");
    browser.see("To change the value, rotate the key.");
    browser.fill("[data-field=description] textarea", "after");
    browser.fill(".lines", "10.0.0.0/8");
    browser.fill("[data-field=labels] textarea", "team");
    browser.click("Save");
    browser.see("Write NAME=VALUE: team");
    browser.fill("[data-field=labels] textarea", "team=search\nenv=prod");
    browser.click("Save");
    browser.see("In force on 1 of 1 Envoys");
    let refused = post_chat_with(&gate, &key.value, &chat("glm-5.1"));
    assert_eq!(refused.refusal(), (403, "ip_not_allowed".to_owned()));
    let edited = console.key("edited");
    assert_eq!(edited["description"], "after");
    assert_eq!(edited["labels"], json!({"env": "prod", "team": "search"}));
    browser.click("Undo");
    browser.see_no_more("In force on");
    console.settle();
    assert_eq!(console.key("edited")["description"], "before");
    assert_eq!(console.key("edited")["labels"], json!({}));

    browser.click("More for edited");
    browser.click("Rotate");
    browser.choose("[data-field=grace_s] select", "3600");
    browser.click("Rotate");
    browser.see("goes on until its grace is over");
    let value = browser.script("return document.querySelector('.value').value", &[]);
    for value in [key.value.as_str(), value.as_str().unwrap()] {
        assert_eq!(post_chat_with(&gate, value, &chat("glm-5.1")).status, 200);
    }
    browser.click("Copy");
    browser.see("Copied.");
    browser.click("Done");
    browser.see("Being replaced");
    browser.assert_quiet();
}
