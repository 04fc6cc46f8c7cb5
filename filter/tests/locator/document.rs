//! The table in `docs/locators.md` is the built-in rule set, rule by rule.
//!
//! `LATCHKEY_WRITE_DOCS=1 cargo test -p filter locator::document` writes it anew. Does not check
//! the text around it.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

const DEFAULT: &str = include_str!("../../../locator/src/rules/default.json");
const BEGIN: &str = "<!-- the built-in rules: generated -->\n";
const END: &str = "<!-- end of the built-in rules -->\n";

fn texts(value: &Value) -> Vec<&str> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).collect()
}

/// Each text as code; a bar would end a table's cell.
fn codes(texts: &[&str]) -> String {
    let code = |text: &&str| format!("`{}`", text.replace('|', "\\|"));
    texts.iter().map(code).collect::<Vec<_>>().join(" ")
}

fn table() -> String {
    let built_in: Value = serde_json::from_str(DEFAULT).unwrap();
    let profiles = built_in["profiles"].as_array().unwrap();
    let mut out = String::new();
    for profile in profiles {
        let name = profile["name"].as_str().unwrap();
        let mounts: Vec<&str> = texts(&profile["mounts"])
            .into_iter()
            .map(|mount| if mount.is_empty() { "/" } else { mount })
            .collect();
        let errors = profile["errors"].as_str().unwrap();
        writeln!(
            out,
            "\n### {name}\n\nMounts: {}. Errors: `{errors}`.",
            codes(&mounts)
        )
        .unwrap();
        for (member, said) in [
            ("refs", "In every JSON body indirect"),
            ("opaque", "Opaque"),
            ("open", "Searched again"),
        ] {
            let pointers = texts(&profile[member]);
            if !pointers.is_empty() {
                writeln!(out, "{said}: {}.", codes(&pointers)).unwrap();
            }
        }
        out.push_str(
            "\n| rule | requests | names | indirect | nothing named | held, MiB |\n|---|---|---|---|---|---|\n",
        );
        for rule in profile["rules"].as_array().unwrap() {
            writeln!(out, "{}", line(rule)).unwrap();
        }
    }
    out.push('\n');
    out
}

fn line(rule: &Value) -> String {
    let id = rule["id"].as_str().unwrap();
    let on = codes(&[rule["on"].as_str().unwrap()]);
    let upgrade = if rule["upgrade"] == true {
        " upgraded"
    } else {
        ""
    };
    let mut places = texts(&rule["take"]);
    places.extend(texts(&rule["also"]));
    let service = rule["service"].as_str().map(|service| codes(&[service]));
    let kind = rule["kind"].as_str().unwrap_or("infer");
    let names = match kind {
        "object" => format!("{} {}", service.unwrap(), codes(&places)),
        "infer" => codes(&places),
        _ => format!("*{kind}* {}", codes(&places)),
    };
    let absent = match (kind, rule["absent"].as_str()) {
        ("infer" | "item", None) => "400",
        (_, Some("indirect")) => "403",
        (_, Some("service")) => "`service`",
        _ => "",
    };
    let refs = codes(&texts(&rule["refs"]));
    let held = rule["hold_bytes_max"].as_u64();
    let held = held.map(|bytes| (bytes >> 20).to_string());
    format!(
        "| {id} | {on}{upgrade} | {} | {refs} | {absent} | {} |",
        names.trim(),
        held.unwrap_or_default()
    )
}

#[test]
fn the_page_shows_the_rules_in_force() {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/locators.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    if std::env::var_os("LATCHKEY_WRITE_DOCS").is_some() {
        let anew = [before, BEGIN, &table(), END, after].concat();
        fs::write(&page, anew).unwrap();
        return;
    }
    assert_eq!(
        written,
        table(),
        "write it anew: LATCHKEY_WRITE_DOCS=1 cargo test -p filter locator::document"
    );
}
