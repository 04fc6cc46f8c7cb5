//! One request that tries to have another model run than its key may call.
//!
//! Holds no key. Invariant: its bytes are sent as they were written, framed by their length.

use serde_json::{Value, json};

/// A request without its key.
#[derive(Clone)]
pub(super) struct Attack {
    /// What it tries, for messages.
    pub(super) name: String,
    path: String,
    lines: Vec<Vec<u8>>,
    body: Vec<u8>,
}

// === impl Attack ===

impl Attack {
    /// A POST of JSON.
    pub(super) fn json(name: impl Into<String>, path: &str, body: &Value) -> Self {
        Self::raw(name, path, body.to_string()).of_type("application/json")
    }

    /// A POST of any bytes, of no type.
    pub(super) fn raw(name: impl Into<String>, path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            path: path.to_owned(),
            lines: Vec::new(),
            body: body.into(),
        }
    }

    pub(super) fn of_type(self, content_type: &str) -> Self {
        self.with("content-type", content_type)
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let line = [name.as_bytes(), b": ", value.as_ref()].concat();
        self.lines.push(line);
        self
    }

    /// The request with a key.
    pub(super) fn bytes(&self, key: &str) -> Vec<u8> {
        let authorization = format!("authorization: Bearer {key}");
        let length = format!("content-length: {}", self.body.len());
        let mut lines: Vec<&[u8]> = vec![authorization.as_bytes(), length.as_bytes()];
        lines.extend(self.lines.iter().map(Vec::as_slice));
        let mut bytes = tests::raw::head("POST", &self.path, &lines);
        bytes.extend(&self.body);
        bytes
    }
}

/// Puts a value into a document, at a JSON pointer whose containers need not be there yet.
pub(super) fn put(document: &mut Value, pointer: &str, value: Value) {
    let mut at = document;
    for step in pointer.trim_start_matches('/').split('/') {
        at = match step.parse::<usize>() {
            Ok(index) => element(at, index),
            Err(_) => member(at, step),
        };
    }
    *at = value;
}

fn element(at: &mut Value, index: usize) -> &mut Value {
    if !at.is_array() {
        *at = json!([]);
    }
    let list = at.as_array_mut().unwrap();
    while list.len() <= index {
        list.push(Value::Null);
    }
    &mut list[index]
}

fn member<'a>(at: &'a mut Value, name: &str) -> &'a mut Value {
    if !at.is_object() {
        *at = json!({});
    }
    at.as_object_mut()
        .unwrap()
        .entry(name)
        .or_insert(Value::Null)
}
