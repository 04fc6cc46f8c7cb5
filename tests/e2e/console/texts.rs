//! Both languages have every text, with the same places to fill in; and the page's own check of
//! addresses says what the API says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tests::console::Console;

pub(super) fn web() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sidecar/src/console/web")
}

/// The texts of a language, by key.
fn texts(name: &str) -> BTreeMap<String, String> {
    let file = fs::read_to_string(web().join(format!("lang/{name}.txt"))).unwrap();
    let mut section = String::new();
    let mut texts = BTreeMap::new();
    for line in file.lines() {
        match line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            Some(name) => section = format!("{name}."),
            None => {
                let (key, text) = line.split_once('=').unwrap();
                let earlier = texts.insert(format!("{section}{key}"), text.to_owned());
                assert!(earlier.is_none(), "{name}: {section}{key} stands twice");
            }
        }
    }
    texts
}

/// The `{name}`s of a text.
fn places(text: &str) -> BTreeSet<&str> {
    let parts = text.split('{').skip(1);
    parts
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn both_languages_have_every_text() {
    let (english, chinese) = (texts("en"), texts("zh"));
    let keys = |texts: &BTreeMap<String, String>| texts.keys().cloned().collect::<BTreeSet<_>>();
    let missing: Vec<_> = keys(&english)
        .symmetric_difference(&keys(&chinese))
        .cloned()
        .collect();
    assert!(missing.is_empty(), "in one language only: {missing:?}");
    for (key, text) in &english {
        assert_eq!(places(text), places(&chinese[key]), "{key}");
        assert!(
            !text.is_empty() && !chinese[key].is_empty(),
            "{key} is empty"
        );
    }
}

#[test]
fn every_text_that_the_page_names_exists() {
    let english = texts("en");
    let mut named = 0;
    let folders = [web(), web().join("parts"), web().join("views")];
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    for path in files.map(|file| file.unwrap().path()) {
        if path.extension().is_none_or(|end| end != "js") {
            continue;
        }
        let script = fs::read_to_string(&path).unwrap();
        for call in ["t('", "pieces('"] {
            let after = script.match_indices(call).filter(|(at, _)| {
                !script[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '.')
            });
            for (at, call) in after {
                let key = script[at + call.len()..].split('\'').next().unwrap();
                assert!(english.contains_key(key), "{}: {key}", path.display());
                named += 1;
            }
        }
    }
    assert!(named > 200, "the calls are found: {named}");
}

#[test]
fn the_page_speaks_chinese() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    console.browser.choose(".self select:nth-of-type(2)", "zh");
    console.browser.see("还没有密钥");
    assert_eq!(
        console
            .browser
            .script("return document.documentElement.lang", &[]),
        "zh"
    );
    console.browser.assert_quiet();
}

/// Addresses, good and bad, and what is wrong with the bad.
const ADDRESSES: [&str; 32] = [
    "10.0.0.0/8",
    "10.1.2.3",
    "0.0.0.0/0",
    "255.255.255.255",
    "::/0",
    "::1",
    "2001:db8::/32",
    "2001:DB8::7",
    "::ffff:0:0:1",
    "64:ff9b::192.0.2.33",
    "1:2:3:4:5:6:7:8",
    "10.1.2.3/8",
    "010.0.0.1",
    "10.0.0.1/08",
    "10.0.0.1/33",
    "10.0.0.1/",
    "10.0.0.1/8/8",
    "::/129",
    "::1%eth0",
    "::ffff:10.0.0.1",
    "::ffff:a00:1",
    "10.0.0",
    "10.0.0.0.1",
    "256.1.1.1",
    "localhost",
    "1:2:3",
    "1::2::3",
    "12345::",
    "2001:db8::1/32",
    "10.0.0.1/-1",
    "10.0.0.1/+8",
    "0x0a.0.0.1",
];

#[test]
fn the_page_judges_addresses_as_the_api_does() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let code = "return import('/console/parts/addresses.js')\
                .then(({judgeAll}) => arguments[0].map((line) => judgeAll([line])[0]))";
    let judged = console.browser.script(code, &[json!(ADDRESSES)]);
    let key = console.admin.create("addresses", json!({}));
    for (address, verdict) in ADDRESSES.iter().zip(judged.as_array().unwrap()) {
        let edit = |list: Value| {
            let body = json!({"ip_allowlist": list});
            let path = format!("/v1/keys/{}?wait=none", key.id);
            console.admin.call("PATCH", &path, Some(&body))
        };
        let (status, answer) = edit(json!([address]));
        assert_eq!(
            status == 200,
            verdict["fault"].is_null(),
            "{address}: {verdict} {answer}"
        );
        if status == 200 {
            assert_eq!(
                answer["ip_allowlist"],
                json!([verdict["key"]]),
                "the same canonical form"
            );
        }
        if verdict["fix"].is_string() {
            let (status, answer) = edit(json!([verdict["fix"]]));
            assert_eq!(
                status, 200,
                "what the page proposes for {address}: {answer}"
            );
        }
    }
}
