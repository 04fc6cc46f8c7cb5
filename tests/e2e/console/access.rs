//! Everybody can use every view: axe finds nothing, nothing is cut off on a phone.

use envoy::StackOptions;
use serde_json::{Value, json};
use tests::browser::{Browser, Look, axe, keys};
use tests::console::{Console, VIEWS};

fn furnished(look: Look) -> Option<Console> {
    let console = Console::with(StackOptions::default(), look, false)?;
    console.list_models(&["glm-5.1", "deepseek-v3.2", "ep-search"]);
    let admin = &console.admin;
    let scope = json!({"models": ["glm-5.1", "deepseek-*"], "services": ["ep-search"]});
    let key = admin.create(
        "Production chat",
        json!({"scope": scope, "description": "backend"}),
    );
    super::views::grow_old(&console, &key.id);
    admin.create(
        "Load test",
        json!({"status": "disabled", "expires_at": "2099-01-01T00:00:00Z", "limits": [
            {"unit": "requests", "window": "day", "amount": 100},
            {"unit": "tokens", "window": "minute", "amount": 100}]}),
    );
    admin.call(
        "POST",
        &format!("/v1/keys/{}/rotate?wait=none", key.id),
        Some(&json!({})),
    );
    let request = json!({"account": "demo", "key_limit": 90, "reason": "more teams"});
    admin.call("POST", "/v1/limit-requests", Some(&request));
    let user = json!({"account": "demo", "name": "anna", "role": "owner"});
    admin.call("POST", "/v1/users", Some(&user));
    Some(console)
}

/// What axe finds, grave or not.
fn findings(browser: &Browser, axe: &str) -> Vec<String> {
    browser.script(axe, &[]);
    let code = "const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];\
                return axe.run(document, {runOnly: tags}).then((found) => found.violations\
                  .map(({id, nodes}) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`))";
    let found = browser.script(code, &[]);
    let texts = found.as_array().unwrap().iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

#[test]
fn axe_finds_nothing_on_any_view_or_dialog_in_light_and_dark() {
    let Some(axe) = axe() else { return };
    for is_dark in [false, true] {
        let look = Look {
            is_dark,
            ..Look::default()
        };
        let Some(console) = furnished(look) else {
            return;
        };
        let browser = &console.browser;
        let mut found = Vec::new();
        let mut look = |what: &str| {
            let here = findings(browser, &axe);
            found.extend(
                here.into_iter()
                    .map(|one| format!("{what} (dark: {is_dark}): {one}")),
            );
        };
        for view in VIEWS {
            console.go(view);
            look(view);
        }
        console.go("usage");
        browser.choose("[aria-label=Time]", "month");
        browser.see("By model");
        look("usage of a month");
        console.go("keys");
        browser.click("Copy the key Load test");
        browser.see("Your password");
        look("proof");
        browser.click("Cancel");
        browser.click("Edit Load test");
        browser.click_css(".choice:last-child");
        browser.fill(".lines", "010.0.0.1");
        browser.click("Details");
        look("edit");
        browser.click("Cancel");
        browser.click("Discard");
        let id = console.key("Load test")["id"].as_str().unwrap().to_owned();
        console.go(&format!("keys/{id}"));
        look("key");
        console.go("keys");
        browser.click_css("tbody [type=checkbox]");
        browser.see("1 selected");
        look("selected");
        browser.click("Columns");
        look("columns");
        browser.press(&[keys::ESCAPE]);
        browser.click_css("#pick-account");
        look("accounts to choose from");
        browser.press(&[keys::ESCAPE]);
        browser.click("More for Load test");
        look("menu");
        browser.click("Delete");
        look("delete");
        browser.click("Cancel");
        browser.click_css("#create");
        browser.fill("[name=key-name]", "shown");
        browser.click("Create key");
        browser.see("Your new key");
        look("value");
        browser.click("Copy");
        browser.click("Done");
        browser.click("Log out");
        browser.see("I have a setup secret");
        look("door");
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn nothing_is_cut_off_at_phone_width() {
    let Some(console) = furnished(Look::PHONE) else {
        return;
    };
    let browser = &console.browser;
    browser.be_phone();
    let too_wide = || {
        let code = "return [...document.querySelectorAll('body *')]\
                      .filter((node) => node.getBoundingClientRect().right > innerWidth + 1\
                        && node.checkVisibility() && !node.closest('.sr-only, .nav, pre, .table-frame, .lines'))\
                      .map((node) => node.outerHTML.slice(0, 120))";
        browser.script(code, &[])
    };
    for view in VIEWS {
        console.go(view);
        assert_eq!(too_wide(), json!([]), "{view}");
    }
    console.go("keys");
    browser.click("Edit Load test");
    browser.click_css(".choice:last-child");
    browser.see("Available");
    assert_eq!(too_wide(), json!([]), "edit");
    browser.assert_quiet();
}
