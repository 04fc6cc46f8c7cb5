//! The document: as it is checked in, whole in itself, and true to the routes.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.insert(reference.rsplit('/').next().unwrap().to_owned());
            }
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn the_document_is_the_one_that_is_checked_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let written = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("LATCHKEY_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == written,
        "sidecar/openapi.json is not what the code says: read the difference, then run this test \
         with LATCHKEY_WRITE_GOLDEN=1"
    );
}

#[test]
fn every_shape_that_is_named_is_there_and_used() {
    let document = document();
    let mut named = BTreeSet::new();
    references(&document, &mut named);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let there: BTreeSet<String> = schemas.keys().cloned().collect();
    assert_eq!(named, there);
}

#[test]
fn every_body_has_an_example_with_members_that_it_may_have() {
    let document = document();
    for operation in operations::all() {
        let Some(schema) = operation.body else {
            continue;
        };
        let example = examples::of(schema).unwrap_or_else(|| panic!("{schema} has none"));
        let shape = &document["components"]["schemas"][schema];
        let shape = shape.get("oneOf").map_or(shape, |shapes| &shapes[0]);
        for member in example.as_object().unwrap().keys() {
            let known = shape["properties"].get(member).is_some();
            assert!(
                known || shape.get("properties").is_none(),
                "{schema}.{member}"
            );
        }
    }
}

#[test]
fn every_call_has_a_name_of_its_own() {
    let ids: Vec<_> = operations::all().map(|operation| operation.id).collect();
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
    let calls: BTreeSet<_> = operations::all().map(|o| (o.method, o.path)).collect();
    assert_eq!(calls.len(), ids.len());
}
