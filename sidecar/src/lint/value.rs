//! What stands at a path of a configuration: lists, texts, switches, numbers.
//!
//! Does not judge. Invariant: what is not there is empty, off or nothing, never an error.

use serde_json::Value;

/// The list at a path; nothing if there is none.
pub(super) fn list<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    let found = value.pointer(path).and_then(Value::as_array);
    found.map_or(&[], Vec::as_slice)
}

/// The text at a path; empty if there is none.
pub(super) fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    let found = value.pointer(path).and_then(Value::as_str);
    found.unwrap_or_default()
}

/// Whether the switch at a path is on.
pub(super) fn is_on(value: &Value, path: &str) -> bool {
    value.pointer(path) == Some(&Value::Bool(true))
}

/// The number at a path; 64-bit numbers may be written as text.
pub(super) fn number(value: &Value, path: &str) -> Option<u64> {
    match value.pointer(path)? {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}
