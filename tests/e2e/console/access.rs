//! Everybody can use every view: axe finds nothing serious, nothing is cut off on a phone.

use envoy::StackOptions;
use serde_json::{Value, json};
use tests::browser::{Browser, Look, axe};
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
    admin.create(
        "Load test",
        json!({"status": "disabled", "expires_at": "2099-01-01T00:00:00Z"}),
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

/// What axe finds that is serious or critical.
fn findings(browser: &Browser, axe: &str) -> Vec<String> {
    browser.script(axe, &[]);
    let code = "const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];\
                return axe.run(document, {runOnly: tags}).then((found) => found.violations\
                  .filter(({impact}) => ['serious', 'critical'].includes(impact))\
                  .map(({id, nodes}) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`))";
    let found = browser.script(code, &[]);
    let texts = found.as_array().unwrap().iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

#[test]
fn axe_finds_nothing_serious_on_any_view_in_light_and_dark() {
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
        console.go("keys");
        browser.click("Copy the key Load test");
        browser.see("Your password");
        look("proof");
        browser.click("Cancel");
        browser.click("Edit Load test");
        browser.click_css(".choice:last-child");
        browser.fill(".lines", "010.0.0.1");
        look("edit");
        browser.click("Cancel");
        browser.click("Discard");
        let id = console.key("Load test")["id"].as_str().unwrap().to_owned();
        console.go(&format!("keys/{id}"));
        look("key");
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
