//! Names and descriptions of every kind are shown as what they are: text.

use serde_json::{Value, json};
use tests::console::Console;

/// What somebody may call a key. Control characters and those that turn the direction of text are
/// refused by the API.
const NASTY: [&str; 14] = [
    "<img src=x onerror=\"document.title='pwned'\">",
    "</script><script>document.title='pwned'</script>",
    "\"><svg/onload=document.title='pwned'>",
    "{{7*7}} ${7*7} <%= 7*7 %> #{7*7}",
    "{name} {n} {0}",
    "javascript:document.title='pwned'",
    "' OR 1=1 --",
    "&lt;b&gt;&amp;&#x41;",
    "مفتاح الإنتاج abc",
    "𝒦𝑒𝓎 🔑👩‍👩‍👧 𠜎",
    "__proto__",
    "null",
    "../../../etc/passwd%00",
    "W\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}",
];

#[test]
fn nasty_names_and_descriptions_are_shown_literally_everywhere() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    let long = "w".repeat(128);
    let names: Vec<&str> = NASTY.iter().copied().chain([long.as_str()]).collect();
    let mut ids = Vec::new();
    for name in &names {
        ids.push(console.admin.create(name, json!({"description": name})).id);
    }
    console.go("keys");
    assert_eq!(shown(&console, ".key-name"), sorted(&names));
    assert_eq!(shown(&console, ".named .about"), sorted(&names));
    for (name, id) in names.iter().zip(&ids) {
        console.go(&format!("keys/{id}"));
        assert_eq!(shown(&console, "h1"), [*name]);
        assert_eq!(shown(&console, ".lead"), [*name]);
    }
    console.go("keys");
    browser.click(&format!("Edit {}", NASTY[0]));
    browser.see("Edit the key");
    let value = browser.script(
        "return document.querySelector('dialog textarea').value",
        &[],
    );
    assert_eq!(value, NASTY[0]);
    console.go("audit");
    assert_eq!(
        console.browser.script("return document.title", &[]),
        "Audit trail · Latchkey"
    );
    let foreign =
        "return document.querySelectorAll('#root :is(img, script, [onload], [onerror])').length";
    assert_eq!(browser.script(foreign, &[]), 0);
    browser.assert_quiet();
}

#[test]
fn a_text_cannot_become_markup_even_by_mistake() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let code = "try { document.body.innerHTML = '<b>x</b>'; return 'markup' } catch (error) { return error.name }";
    let in_page = format!(
        "const script = document.createElement('p'); return new Promise((done) => {{ \
         setTimeout(() => {{ done((() => {{ {code} }})()) }}) }})"
    );
    assert_eq!(console.browser.script(&in_page, &[]), "TypeError");
}

fn shown(console: &Console, css: &str) -> Vec<String> {
    let code =
        "return [...document.querySelectorAll(arguments[0])].map((node) => node.textContent)";
    let texts = console.browser.script(code, &[json!(css)]);
    let texts: Vec<&str> = texts
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    sorted(&texts)
}

fn sorted(texts: &[&str]) -> Vec<String> {
    let mut texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
    texts.sort();
    texts
}
