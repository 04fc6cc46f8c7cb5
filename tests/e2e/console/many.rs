//! Keys by the hundred: found by what one knows of them, told apart, changed together.

use serde_json::{Value, json};
use tests::browser::keys;
use tests::console::{Console, PASSWORD};

fn rows(console: &Console) -> Value {
    let code = "return [...document.querySelectorAll('.key-name')].map((node) => node.textContent)";
    console.browser.script(code, &[])
}

fn address(console: &Console) -> String {
    let address = console.browser.script("return location.href", &[]);
    address.as_str().unwrap().to_owned()
}

#[test]
fn a_key_is_found_by_its_value_which_goes_into_no_address() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    let wanted = console
        .admin
        .create("wanted", json!({"description": "nightly batch"}));
    console.admin.create("other", json!({}));
    console.go("keys");
    browser.fill("[type=search]", &wanted.value);
    browser.see("The value is of this key.");
    browser.see("1–1 of 1");
    assert_eq!(rows(&console), json!(["wanted"]));
    assert!(!address(&console).contains(&wanted.value));
    let kept = browser.script("return document.querySelector('[type=search]').value", &[]);
    assert_eq!(
        kept,
        wanted.id.as_str(),
        "the value does not stay in the page"
    );
    let asked = "return performance.getEntriesByType('resource').map(({name}) => name).join(' ')";
    let asked = browser.script(asked, &[]);
    assert!(!asked.as_str().unwrap().contains(&wanted.value));
    assert!(!console.sidecar_log().contains(&wanted.value));

    let unknown = format!("{}x", &wanted.value);
    browser.fill("[type=search]", &unknown);
    browser.see("No key of this account has this value.");
    for part in [
        "NIGHTLY",
        &wanted.id[12..],
        &wanted.value[wanted.value.len() - 4..],
    ] {
        browser.fill("[type=search]", part);
        browser.see("1–1 of 1");
        assert_eq!(rows(&console), json!(["wanted"]), "{part}");
    }
    browser.assert_quiet();
}

#[test]
fn page_and_filters_are_kept_by_reload_and_on_the_way_back() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    let roomier = json!({"key_limit": 200});
    let (status, _) = console
        .admin
        .call("PATCH", "/v1/accounts/demo", Some(&roomier));
    assert_eq!(status, 200);
    for n in 0..120 {
        let name = format!("key {n:03}");
        console.admin.create_waiting(&name, json!({}), "?wait=none");
    }
    console
        .admin
        .create_waiting("other", json!({}), "?wait=none");
    console.go("keys");
    browser.see("1–50 of 121");
    browser.click("Name");
    browser.fill("[type=search]", "key");
    browser.see("1–50 of 120");
    browser.click("Next page");
    browser.see("51–100 of 120");
    browser.click("Next page");
    browser.see("101–120 of 120");
    browser.reload();
    browser.see("101–120 of 120");
    browser.click("key 110");
    browser.see("About");
    browser.script("history.back()", &[]);
    console.settle();
    browser.see("101–120 of 120");
    assert_eq!(rows(&console)[0], "key 100");
    browser.click("Previous page");
    browser.see("51–100 of 120");
    browser.click("Previous page");
    browser.see("1–50 of 120");
    // Whoever is impatient turns one page, since it is the page shown that is turned from.
    browser.script(
        "const [now, next] = [fetch, document.querySelector('[aria-label=\"Next page\"]')];
         window.fetch = async (...asked) => {
             await new Promise((resolve) => setTimeout(resolve, 200));
             return now(...asked);
         };
         next.click();
         requestAnimationFrame(() => requestAnimationFrame(() => next.click()));",
        &[],
    );
    browser.see("51–100 of 120");
    assert_eq!(rows(&console)[0], "key 050");
    browser.assert_quiet();
}

#[test]
fn columns_are_chosen_and_stay_chosen() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    let list = json!({"ip_allowlist": ["10.0.0.0/8"]});
    console.admin.create("listed", list);
    console.go("keys");
    browser.click("Columns");
    browser.click("IP allowlist");
    browser.click("Made by");
    browser.press(&[keys::ESCAPE]);
    browser.reload();
    browser.see("10.0.0.0/8");
    browser.see("token:");
    browser.assert_quiet();
}

#[test]
fn selected_keys_are_described_disabled_and_deleted_together() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    let twins = [(), ()].map(|()| console.admin.create("twin", json!({})).id);
    console.admin.create("kept", json!({}));
    let key = |id: &str| {
        let path = format!("/v1/keys/{id}");
        console.admin.call("GET", &path, None).1
    };
    console.go("keys");
    // Two keys of one name are told apart by their values.
    for id in &twins {
        let name = format!("Select twin ({})", key(id)["masked"].as_str().unwrap());
        browser.click_css(&format!("[aria-label={}]", json!(name)));
    }
    browser.see("2 selected");
    browser.click("Describe");
    browser.fill("dialog textarea", "to be replaced");
    browser.click("Save");
    browser.see("2 done.");
    browser.click("Done");

    browser.click_css("thead [type=checkbox]");
    browser.see("3 selected");
    browser.click_css("[aria-label^='Select kept']");
    browser.see("2 selected");
    browser.click("Disable");
    browser.see("401 api_key_disabled");
    browser.click("Disable");
    browser.see("2 done.");
    browser.click("Done");
    for id in &twins {
        let changed = key(id);
        let both = (&changed["description"], &changed["status"]);
        assert_eq!(both, (&json!("to be replaced"), &json!("disabled")));
    }
    assert_eq!(console.key("kept")["status"], "enabled");
    delete_all(&console, &twins);
    assert_eq!(rows(&console), json!(["kept"]));
    browser.assert_quiet();
}

/// Each needs a proof of its own, which is typed once.
fn delete_all(console: &Console, ids: &[String]) {
    let browser = &console.browser;
    for id in ids {
        browser.click_css(&format!("tr:has([href$='{id}']) [type=checkbox]"));
    }
    browser.see("2 selected");
    browser.click("Delete");
    browser.fill("[data-field=count] input", "3");
    browser.fill("[name=password]", PASSWORD);
    browser.click("Delete");
    browser.see("This is not the number of the keys.");
    browser.fill("[data-field=count] input", "2");
    browser.click("Delete");
    browser.see("2 done.");
    browser.click("Done");
}
