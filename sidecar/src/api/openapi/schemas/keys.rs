//! The shapes of keys, what they may call, what they were used for, and of the Envoys.

use serde_json::{Value, json};

use super::{
    closed, count, handle, list, maybe, maybe_time, name, object, one_of, open, reference, status,
    text, time,
};

const ORIGINS: [&str; 3] = ["standard", "coding_plan", "token_plan"];

pub(super) fn schemas() -> Value {
    let key = key();
    let with = |more: &[(&'static str, Value)]| {
        let members: Vec<_> = more.iter().cloned().chain(key.clone()).collect();
        closed(&members)
    };
    let propagation = ("propagation", reference("Propagation"));
    json!({
        "Axis": json!({"oneOf": [
            {"type": "string", "const": "all"},
            {"type": "array", "items": {"type": "string"}},
        ]}),
        "Scope": closed(&[("models", reference("Axis")), ("services", reference("Axis"))]),
        "NewScope": open(&[("models", reference("Axis")), ("services", reference("Axis"))]),
        "Propagation": closed(&[
            ("generation", count()),
            ("envoys", count()),
            ("applied", count()),
            ("pending", list(reference("PendingEnvoy"))),
        ]),
        "PendingEnvoy": closed(&[
            ("envoy", text()),
            ("last_seen", time()),
            ("may_serve_until", maybe_time()),
        ]),
        "Key": closed(&key),
        "CreatedKey": with(&[("key", text()), propagation.clone()]),
        "ChangedKey": with(std::slice::from_ref(&propagation)),
        "DeletedKey": closed(&[("id", text()), ("deleted_at", time()), propagation.clone()]),
        "KeyList": closed(&[
            ("keys", list(reference("Key"))),
            ("next_cursor", maybe("string")),
            ("total", count()),
        ]),
        "RotatedKey": with(&[
            ("key", text()),
            ("replaced", reference("Key")),
            propagation,
        ]),
        "NewKey": new_key(&[]),
        "ImportedKey": new_key(&["key"]),
        "KeyEdit": open(&policy()),
        "EnvoyList": closed(&[("envoys", list(reference("Envoy")))]),
        "Envoy": closed(&[
            ("envoy", text()),
            ("instance", text()),
            ("region", handle()),
            ("version", maybe("string")),
            ("generation", maybe("integer")),
            ("lag_ms", count()),
            ("last_seen", time()),
            ("live", json!({"type": "boolean"})),
            ("lease_s", maybe("integer")),
            ("may_serve_until", maybe_time()),
            ("lease_over", json!({"type": "boolean"})),
            ("shares_name", json!({"type": "boolean"})),
            ("last_error", json!({"oneOf": [{"type": "null"}, reference("EnvoyError")]})),
        ]),
        "EnvoyError": closed(&[("error", text()), ("at", time())]),
    })
}

fn key() -> Vec<(&'static str, Value)> {
    vec![
        ("id", text()),
        ("masked", text()),
        ("name", name()),
        ("description", text()),
        ("account", handle()),
        ("region", handle()),
        ("origin", one_of(&ORIGINS)),
        ("status", status()),
        ("scope", reference("Scope")),
        ("ip_allowlist", list(text())),
        ("expires_at", maybe_time()),
        ("created_at", time()),
        ("updated_at", time()),
        ("last_used_at", maybe_time()),
        ("creator", text()),
        ("key_version", count()),
        ("value_set_at", time()),
        ("recoverable", json!({"type": "boolean"})),
        ("predecessor", maybe("string")),
        ("successor", maybe("string")),
    ]
}

/// What an admin may write at any time.
fn policy() -> Vec<(&'static str, Value)> {
    vec![
        ("description", json!({"type": "string", "maxLength": 1024})),
        ("status", status()),
        ("scope", reference("NewScope")),
        (
            "ip_allowlist",
            json!({"type": "array", "maxItems": 50, "items": text()}),
        ),
        ("expires_at", maybe_time()),
    ]
}

fn new_key(secrets: &[&'static str]) -> Value {
    let members: Vec<_> = [
        ("account", handle()),
        ("region", handle()),
        ("name", name()),
        ("origin", one_of(&ORIGINS)),
    ]
    .into_iter()
    .chain(policy())
    .chain(secrets.iter().map(|name| (*name, text())))
    .collect();
    object(&members, &[&["region", "name"], secrets].concat())
}
