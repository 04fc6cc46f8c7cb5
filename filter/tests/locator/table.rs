//! Each built-in rule is found by its request, at each mount, and each name that it yields is
//! needed: with one of them out of scope, nothing is passed on whole.

use std::collections::{BTreeMap, BTreeSet};

use filter::headers::HeaderMap;
use filter::locator::{LocatorConfig, Locators};
use serde_json::Value;

use super::rows::{Row, profile, rows};
use crate::support::form::content_type;
use crate::support::{Exchange, Rig, form, names, record};
use keytable::Record;

const DEFAULT: &str = include_str!("../../../locator/src/rules/default.json");

/// The mounts of each profile.
fn mounts() -> BTreeMap<String, Vec<String>> {
    let built_in: Value = serde_json::from_str(DEFAULT).unwrap();
    let profiles = built_in["profiles"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    profiles
        .iter()
        .map(|profile| {
            let mounts = profile["mounts"].as_array().unwrap();
            (text(&profile["name"]), mounts.iter().map(text).collect())
        })
        .collect()
}

/// Method, path at a mount, whether it upgrades.
fn call(row: &Row, mount: &str) -> (String, String, bool) {
    let (method, path) = row.call.split_once(' ').unwrap();
    let is_upgrade = method == "WS";
    let method = if is_upgrade { "GET" } else { method };
    (method.to_owned(), path.replace("{m}", mount), is_upgrade)
}

fn send(exchange: Exchange, row: &Row, mount: &str) -> Exchange {
    let (method, path, is_upgrade) = call(row, mount);
    let exchange = exchange.with(":method", method).with(":path", path);
    let exchange = match is_upgrade {
        true => exchange.header("upgrade", "websocket"),
        false => exchange,
    };
    match &row.body {
        Value::String(fields) if fields.is_empty() => exchange.send_bodyless(),
        Value::String(fields) => {
            let fields: Vec<(&str, &str)> = fields
                .split(';')
                .map(|field| field.split_once('=').unwrap())
                .collect();
            exchange
                .with("content-type", content_type())
                .send(&[form(&fields).as_bytes()])
        }
        json => exchange.send(&[json.to_string().as_bytes()]),
    }
}

#[test]
fn each_built_in_rule_has_a_row() {
    let built_in: Value = serde_json::from_str(DEFAULT).unwrap();
    let profiles = built_in["profiles"].as_array().unwrap();
    let mut rules = BTreeSet::new();
    for profile in profiles {
        for rule in profile["rules"].as_array().unwrap() {
            let (name, id) = (profile["name"].as_str(), rule["id"].as_str());
            let is_new = rules.insert(format!("{}.{}", name.unwrap(), id.unwrap()));
            assert!(is_new, "{rule} stands twice");
        }
    }
    let rows: BTreeSet<String> = rows().into_iter().map(|row| row.rule).collect();
    assert_eq!(rules, rows);
}

#[test]
fn each_rule_is_found_at_each_mount() {
    let mounts = mounts();
    for row in &rows() {
        let config = LocatorConfig {
            profiles: vec![profile(row).to_owned()],
            ..LocatorConfig::default()
        };
        let locators = Locators::compile(&config).unwrap();
        for mount in &mounts[profile(row)] {
            let (method, path, is_upgrade) = call(row, mount);
            let upgrade: &[u8] = if is_upgrade { b"upgrade" } else { b"x-other" };
            let headers = HeaderMap::from_pairs(&[
                (b":method", method.as_bytes()),
                (b":path", path.as_bytes()),
                (upgrade, b"websocket"),
            ]);
            let located = locators.locate(&headers);
            let found = located.map(|located| located.rule.name.as_str());
            assert_eq!(found, Some(row.rule.as_str()), "{method} {path}");
        }
    }
}

#[test]
fn each_name_is_needed_and_all_of_them_are_enough() {
    let mounts = mounts();
    let all = rows();
    for name in mounts.keys() {
        let rows: Vec<&Row> = all.iter().filter(|row| profile(row) == name).collect();
        let records: Vec<Record> = rows.iter().flat_map(|row| keys_of(row)).collect();
        let records: Vec<Record> = records
            .into_iter()
            .enumerate()
            .map(|(n, keyed)| Record {
                scope: keyed.scope,
                ..record(n)
            })
            .collect();
        let settings = format!(r#""locators":{{"profiles":["{name}"]}}"#);
        let rig = Rig::configured(&records, &settings);
        let mut n = 0;
        for row in rows {
            let mount = &mounts[name][0];
            let granted = send(rig.post().bearer(n), row, mount);
            assert_eq!(granted.answered(), 200, "{} {}", row.rule, row.call);
            n += 1;
            for missing in &row.names {
                let refused = send(rig.post().bearer(n), row, mount);
                let status = refused.answered();
                assert!(
                    [403, 404].contains(&status),
                    "{}: {missing}: {status}",
                    row.rule
                );
                n += 1;
            }
        }
    }
}

/// A key for exactly what the row names, and one without each of the names.
fn keys_of(row: &Row) -> Vec<Record> {
    let without = |left: Option<&String>| -> Vec<&str> {
        let kept = row.names.iter().filter(|name| Some(*name) != left);
        kept.map(String::as_str).collect()
    };
    let scopes = [without(None)]
        .into_iter()
        .chain(row.names.iter().map(|name| without(Some(name))));
    scopes
        .map(|scope| Record {
            scope: names(&scope),
            ..record(0)
        })
        .collect()
}

#[test]
fn where_profiles_share_a_path_the_stricter_rule_is_first() {
    let locators = Locators::compile(&LocatorConfig::default()).unwrap();
    let shared = [
        ("POST /v1/rerank", "openai.rerank"),
        ("POST /v1/conversations", "openai.conversations"),
        ("POST /v1/agents", "openai.objects"),
        ("POST /v1/files", "openai.objects"),
        ("GET /v1/models", "openai.models.list"),
        ("GET /v1/models/a", "openai.models.item"),
        ("POST /v1/models/a:generateContent", "gemini.models.call"),
        ("POST /v1/chat", "cohere.call"),
        ("POST /v1/embeddings", "openai.embeddings"),
        ("POST /v1/batches", "openai.batches"),
        ("POST /api/v1/chat/completions", "openai.chat"),
        ("POST /api/chat", "ollama.infer"),
        ("POST /openai/v1/responses", "openai.responses"),
        ("POST /openai/responses", "azure.responses"),
        ("GET /v1/videos", "openai.objects"),
    ];
    for (call, rule) in shared {
        let (method, path) = call.split_once(' ').unwrap();
        let pairs: [(&[u8], &[u8]); 2] =
            [(b":method", method.as_bytes()), (b":path", path.as_bytes())];
        let headers = HeaderMap::from_pairs(&pairs);
        let found = locators.locate(&headers).map(|l| l.rule.name.clone());
        assert_eq!(found.as_deref(), Some(rule), "{call}");
    }
}
