//! The shapes of bodies and answers.

mod identity;
mod keys;
mod knowledge;

use serde_json::{Map, Value, json};

/// Every schema, by name.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    let parts = [
        common(),
        identity::schemas(),
        keys::schemas(),
        knowledge::schemas(),
    ];
    for part in parts {
        if let Value::Object(schemas) = part {
            all.extend(schemas);
        }
    }
    Value::Object(all)
}

fn common() -> Value {
    json!({
        "Problem": {
            "type": "object",
            "description": "RFC 9457",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string", "format": "uri"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "errors": {"type": "array", "items": closed(&[
                    ("field", text()),
                    ("detail", text()),
                ])},
                "request_id": {"type": "string"},
            },
        },
        "Nothing": closed(&[]),
        "Deleted": closed(&[("id", text()), ("deleted_at", time())]),
        "StatusEdit": closed(&[("status", status())]),
    })
}

/// An object that has all of these members and no other.
fn closed(members: &[(&str, Value)]) -> Value {
    let required: Vec<_> = members.iter().map(|(name, _)| *name).collect();
    object(members, &required)
}

/// An object that may have any of these members and no other.
fn open(members: &[(&str, Value)]) -> Value {
    object(members, &[])
}

/// An object that has the `required` of these members and no other member.
fn object(members: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<_, _> = members
        .iter()
        .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn text() -> Value {
    json!({"type": "string"})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn maybe(kind: &str) -> Value {
    json!({"type": [kind, "null"]})
}

fn maybe_time() -> Value {
    json!({"type": ["string", "null"], "format": "date-time"})
}

fn one_of(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn status() -> Value {
    one_of(&["enabled", "disabled"])
}

fn list(item: Value) -> Value {
    json!({"type": "array", "items": item})
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A name of 1 to 128 characters.
fn name() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 128})
}

/// The handle of an account or region.
fn handle() -> Value {
    json!({"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"})
}
