//! The schemas of the document, made from the types of the answers.
//!
//! Does not know any answer. Invariant: what an answer has is what its type says; nothing here adds a
//! member or takes one away.

use schemars::SchemaGenerator;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

/// Makes schemas of what is written, each named type once.
pub(super) fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        settings.contract = Contract::Serialize;
    });
    settings.into_generator()
}

/// The schemas of all types that a generator has met.
pub(super) fn met(mut generator: SchemaGenerator) -> Map<String, Value> {
    let mut schemas = generator.take_definitions(true);
    schemas.values_mut().for_each(plain);
    schemas
}

/// An object is closed unless it says otherwise; numbers have no width, texts no line breaks.
pub(super) fn plain(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let is_width = |format: &str| format.starts_with("uint") || format.starts_with("int");
            if members
                .get("format")
                .and_then(Value::as_str)
                .is_some_and(is_width)
            {
                members.remove("format");
            }
            if let Some(Value::String(text)) = members.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            if members.get("properties").is_some_and(Value::is_object) {
                members
                    .entry("additionalProperties")
                    .or_insert(json!(false));
            }
            members.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}
