//! Every view at every width, with the longest names and the most rows: nothing is cut off, heads stick.

use envoy::StackOptions;
use serde_json::{Value, json};
use tests::browser::{Browser, Look, keys};
use tests::console::{Console, VIEWS};

const WIDTHS: [u32; 7] = [320, 390, 768, 1024, 1185, 1440, 2560];

/// Names are longest with wide letters.
const WIDE: &str = "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW\
                    WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW";

const MODELS: usize = 300;
const ACCOUNTS: usize = 1_000;
const KEYS: usize = 2_000;
const THREADS: usize = 8;

/// What stands out of the window on either side, but for what scrolls by itself.
const OUTSIDE: &str = "\
    const scrolls = '.sr-only, .skip, pre, .table-frame.many, .lines-frame, select, .nav:not(.open)';\
    const isOut = ({left, right, width}) => width > 0 && (right > innerWidth + 1 || left < -1);\
    const out = [...document.querySelectorAll('#root *, dialog *')].filter((node) =>\
      node.checkVisibility() && !node.closest(scrolls) && isOut(node.getBoundingClientRect()));\
    const isWide = document.documentElement.scrollWidth > innerWidth;\
    return [isWide, out.slice(0, 5).map((node) => node.outerHTML.slice(0, 160))]";

fn furnished() -> Option<Console> {
    let sidecar_args = ["--key-limit-default", "5000"].map(str::to_owned).to_vec();
    let options = StackOptions {
        sidecar_args,
        ..StackOptions::default()
    };
    let console = Console::with(options, Look::default(), false)?;
    let names: Vec<String> = (0..MODELS - 1).map(|n| format!("model-{n:03}")).collect();
    let mut models: Vec<&str> = names.iter().map(String::as_str).collect();
    models.push(WIDE);
    console.list_models(&models);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let admin = console.admin.clone();
            scope.spawn(move || {
                for n in 0..KEYS / THREADS {
                    let about = json!({"description": WIDE, "ip_allowlist": ["10.0.0.0/8"]});
                    admin.create_waiting(WIDE, about, "?wait=none");
                    if n < ACCOUNTS / THREADS {
                        let id = format!("account-{thread}-{n:03}-{}", "w".repeat(40));
                        let body = json!({"id": id, "name": WIDE});
                        admin.call("POST", "/v1/accounts", Some(&body));
                    }
                }
            });
        }
    });
    let request = json!({"account": "demo", "key_limit": 6000, "reason": WIDE});
    console
        .admin
        .call("POST", "/v1/limit-requests", Some(&request));
    let user = json!({"account": "demo", "name": "w".repeat(64), "role": "viewer"});
    console.admin.call("POST", "/v1/users", Some(&user));
    let limited = json!({"limits": [{"unit": "tokens", "window": "month", "amount": 10_000_000_000_000_u64}]});
    let key = console.key(WIDE)["id"].as_str().unwrap().to_owned();
    for path in ["/v1/accounts/demo".to_owned(), format!("/v1/keys/{key}")] {
        let (status, answer) = console.admin.call("PATCH", &path, Some(&limited));
        assert_eq!(status, 200, "{answer}");
    }
    Some(console)
}

fn assert_inside(browser: &Browser, what: &str) {
    for width in WIDTHS {
        browser.be_wide(width);
        let outside = browser.script(OUTSIDE, &[]);
        assert_eq!(outside, json!([false, []]), "{what} at {width} px");
    }
}

#[test]
fn nothing_overflows_at_any_width_with_the_longest_names_and_the_most_rows() {
    let Some(console) = furnished() else { return };
    let browser = &console.browser;
    for view in VIEWS {
        console.go(view);
        assert_inside(browser, view);
    }
    let id = console.key(WIDE)["id"].as_str().unwrap().to_owned();
    console.go(&format!("keys/{id}"));
    browser.see("0 of 10,000,000,000,000");
    assert_inside(browser, "a key");
    console.go("keys");
    browser.click_css("tbody .button.small");
    browser.click_css(".choice:last-child");
    browser.see("Available");
    browser.click("Add a limit");
    browser.click("Details");
    assert_inside(browser, "the dialog of a key");
    assert_picker_scrolls(browser);
    browser.click("Cancel");
    browser.click("Discard");
    browser.be_wide(1280);
    assert_heads_stick(browser);
    assert_account_is_found(&console);
    browser.assert_quiet();
}

fn assert_picker_scrolls(browser: &Browser) {
    let code = "const {clientHeight, scrollHeight} = document.querySelector('dialog .options');\
                return [clientHeight, scrollHeight]";
    let heights = browser.script(code, &[]);
    let pixels = |at: usize| heights[at].as_u64().unwrap();
    assert!(pixels(0) < 400 && pixels(1) > 2 * pixels(0), "{heights}");
}

fn assert_heads_stick(browser: &Browser) {
    let code = "scrollTo(0, document.body.scrollHeight);\
                const bar = document.querySelector('.top').getBoundingClientRect();\
                const head = document.querySelector('th.name-cell').getBoundingClientRect();\
                return [scrollY > 500, Math.abs(head.top - bar.bottom) < 2]";
    assert_eq!(browser.script(code, &[]), json!([true, true]));
    browser.script("scrollTo(0, 0)", &[]);
}

/// One among a thousand, by keyboard.
fn assert_account_is_found(console: &Console) {
    let browser = &console.browser;
    browser.click_css("#pick-account");
    browser.type_text("account-7-101");
    browser.press(&[keys::ENTER]);
    console.settle();
    browser.see("0 of 5,000 keys used");
    let focused = browser.script("return document.activeElement.tagName", &[]);
    assert_eq!(focused, "H1", "the view begins anew at its heading");
}

/// A knob that has the colour of its ground is none.
#[test]
fn a_switch_keeps_its_knob_in_forced_colours() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    console.admin.create("on", json!({}));
    console.admin.create("off", json!({"status": "disabled"}));
    console.go("keys");
    console.browser.force_colours();
    let code = "return [...document.querySelectorAll('.switch')].map((node) =>\
                  [getComputedStyle(node).backgroundColor, getComputedStyle(node, '::after').backgroundColor])";
    let switches = console.browser.script(code, &[]);
    let switches = switches.as_array().unwrap();
    assert_eq!(switches.len(), 2);
    for colours in switches {
        assert_ne!(colours[0], colours[1]);
        assert_ne!(colours[1], Value::from("rgba(0, 0, 0, 0)"));
    }
}
