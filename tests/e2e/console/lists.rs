//! Ten thousand keys: the list stays small, and finds what is looked for.

use envoy::StackOptions;
use serde_json::json;
use tests::browser::Look;
use tests::console::Console;
use tests::wait_for;

const KEYS: usize = 10_000;
const THREADS: usize = 8;

#[test]
fn ten_thousand_keys_are_searched_filtered_sorted_and_paged() {
    let sidecar_args = vec!["--key-limit-default".to_owned(), (KEYS * 2).to_string()];
    let options = StackOptions {
        sidecar_args,
        ..StackOptions::default()
    };
    let Some(console) = Console::with(options, Look::default(), false) else {
        return;
    };
    make_keys(&console);
    let browser = &console.browser;
    console.go("keys");
    browser.see("1–50 of 10,000");
    let rows = || browser.script("return document.querySelectorAll('tbody tr').length", &[]);
    assert_eq!(rows(), 50);
    browser.click("Next page");
    browser.see("51–100 of 10,000");
    browser.click("Previous page");
    browser.see("1–50 of 10,000");
    browser.click("Name");
    let first = || {
        let code = "return document.querySelector('.key-name')?.textContent";
        browser.script(code, &[])
    };
    wait_for("the first by name", || first() == "key 0 0000");
    browser.click("Name");
    wait_for("the last by name", || first() == "key 7 1249");
    browser.fill("[type=search]", "key 3 0777");
    browser.see("1–1 of 1");
    assert_eq!(first(), "key 3 0777");
    browser.choose("[aria-label=Status]", "disabled");
    browser.see("No match");
    browser.click("Clear filters");
    browser.see("of 10,000");
    browser.assert_quiet();
}

fn make_keys(console: &Console) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let admin = console.admin.clone();
            scope.spawn(move || {
                for n in 0..KEYS / THREADS {
                    admin.create_waiting(&format!("key {thread} {n:04}"), json!({}), "?wait=none");
                }
            });
        }
    });
}
