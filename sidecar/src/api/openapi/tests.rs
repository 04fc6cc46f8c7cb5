//! The document: as it is checked in, whole in itself, and true to the routes.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            let schema = reference.and_then(|of| of.strip_prefix("#/components/schemas/"));
            found.extend(schema.map(str::to_owned));
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

/// Places of a document that have no description, and neither has what they refer to.
fn undescribed(value: &Value, place: &str, found: &mut Vec<String>) {
    let Value::Object(members) = value else {
        if let Value::Array(items) = value {
            let places = items.iter().enumerate();
            places.for_each(|(at, item)| undescribed(item, &format!("{place}/{at}"), found));
        }
        return;
    };
    for (name, member) in members {
        let place = format!("{place}/{name}");
        if let ("properties" | "schemas", Value::Object(described)) = (name.as_str(), member) {
            let bare = described
                .iter()
                .filter(|(_, schema)| schema.get("description").is_none());
            found.extend(bare.map(|(name, _)| format!("{place}/{name}")));
        }
        if let ("parameters", Value::Array(parameters)) = (name.as_str(), member) {
            let bare = parameters
                .iter()
                .filter(|parameter| parameter.get("description").is_none());
            found.extend(bare.map(|parameter| format!("{place}/{}", parameter["name"])));
        }
        undescribed(member, &place, found);
    }
}

#[test]
fn everything_is_described() {
    let mut found = Vec::new();
    undescribed(&document(), "", &mut found);
    assert_eq!(found, Vec::<String>::new());
}

/// What generators of clients make nothing useful of: constants, schemas that allow anything of an
/// answer, choices that are not told apart.
#[test]
fn no_shape_is_one_that_generators_choke_on() {
    let text = document().to_string();
    for word in [
        "\"const\"",
        "\"oneOf\"",
        "\"allOf\"",
        "\"unevaluatedProperties\"",
        "\"$defs\"",
    ] {
        assert!(!text.contains(word), "{word}");
    }
}
