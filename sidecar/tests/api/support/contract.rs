//! Every answer that a test gets, held to the OpenAPI document.
//!
//! Knows as much of JSON Schema as the document has. Invariant: an answer of `/v1` whose status,
//! members or kinds of values are not the document's fails the test that got it.

use std::sync::LazyLock;

use serde_json::Value;

use super::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(sidecar::api::openapi::document);

/// Fails if an answer is none that the document has for the call.
pub(super) fn check(url: &str, method: &str, answer: &Answer) {
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let Some(operation) = operation(path, method) else {
        return;
    };
    let responses = &operation["responses"];
    let status = answer.status.to_string();
    let response = match responses.get(&status) {
        None if answer.status >= 400 => &responses["default"],
        None => panic!("{method} {path}: {status} is not in the document"),
        Some(response) => response,
    };
    let response = resolved(response);
    let place = format!("{method} /{path} {status}");
    match response.get("content").and_then(Value::as_object) {
        None => assert_eq!(answer.text, "", "{place}"),
        Some(content) => {
            let (media_type, content) = content.iter().next().unwrap();
            assert_eq!(answer.header("content-type"), media_type, "{place}");
            fits(&content["schema"], &answer.json(), &place);
        }
    }
}

/// The operation of a path, one without parameters before one with.
fn operation(path: &str, method: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let matching = paths
        .iter()
        .filter(|(template, _)| is_of(template.trim_start_matches('/'), path));
    let (_, methods) = matching.min_by_key(|(template, _)| template.matches('{').count())?;
    methods.get(method.to_lowercase())
}

fn is_of(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    let is_same = |(one, other): (&str, &str)| one.starts_with('{') || one == other;
    template.clone().count() == path.clone().count() && template.zip(path).all(is_same)
}

fn resolved(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

fn fits(schema: &'static Value, value: &Value, place: &str) {
    let schema = resolved(schema);
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let kinds = choices.iter().map(resolved);
        let mut fitting = kinds.filter(|choice| is_of_type(choice, value));
        let choice = fitting.next();
        return fits(
            choice.unwrap_or_else(|| panic!("{place}: {value}")),
            value,
            place,
        );
    }
    assert!(
        is_of_type(schema, value),
        "{place}: {value} is not {schema}"
    );
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        assert!(words.contains(value), "{place}: {value}");
    }
    match value {
        Value::Object(_) => members_fit(schema, value, place),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                fits(&schema["items"], item, &format!("{place}[{index}]"));
            }
        }
        _ => {}
    }
}

fn members_fit(schema: &'static Value, value: &Value, place: &str) {
    let members = value.as_object().unwrap();
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        assert!(members.contains_key(name), "{place}: {name} is missing");
    }
    for (name, member) in members {
        let place = format!("{place}.{name}");
        match (
            schema["properties"].get(name),
            &schema["additionalProperties"],
        ) {
            (Some(property), _) => fits(property, member, &place),
            (None, Value::Bool(false)) => panic!("{place} is not in the document"),
            (None, Value::Bool(true) | Value::Null) => {}
            (None, other) => fits(other, member, &place),
        }
    }
}

fn is_of_type(schema: &Value, value: &Value) -> bool {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    match &schema["type"] {
        Value::Null => true,
        Value::String(only) => only == kind,
        several => several.as_array().unwrap().iter().any(|one| one == kind),
    }
}
