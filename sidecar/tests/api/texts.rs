//! The page that lists every place where a text of somebody else goes is complete.
//!
//! Invariant: columns, members, parameters and host calls are read from where they are declared.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Scratch, Sidecar};

fn file(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read_to_string(root.join(path)).unwrap()
}

/// Everything that the page writes as code.
fn named() -> BTreeSet<String> {
    let page = file("docs/texts.md");
    page.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn assert_named(what: &str, wanted: impl IntoIterator<Item = String>, at_least: usize) {
    let named = named();
    let wanted: BTreeSet<_> = wanted.into_iter().collect();
    assert!(wanted.len() >= at_least, "{what}: {wanted:?}");
    let missing: Vec<_> = wanted.difference(&named).collect();
    assert!(
        missing.is_empty(),
        "docs/texts.md does not say where these go ({what}): {missing:?}"
    );
}

#[test]
fn every_column_of_text_is_there_and_no_other() {
    let scratch = Scratch::in_file();
    drop(Sidecar::start(&scratch));
    let database = rusqlite::Connection::open(scratch.data().join("latchkey.db")).unwrap();
    let sql = "SELECT t.name || '.' || c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
               WHERE t.type = 'table' AND c.type = 'TEXT'";
    let mut statement = database.prepare(sql).unwrap();
    let columns = statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap();
    let columns: BTreeSet<String> = columns.map(Result::unwrap).collect();
    let tables: BTreeSet<_> = columns
        .iter()
        .map(|name| name.split('.').next().unwrap().to_owned())
        .collect();
    assert_named("columns", columns.clone(), 50);
    let is_column = |name: &String| {
        name.split_once('.').is_some_and(|(table, column)| {
            tables.contains(table) && column.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        })
    };
    let gone: Vec<_> = named()
        .into_iter()
        .filter(is_column)
        .filter(|name| !columns.contains(name))
        .collect();
    assert!(
        gone.is_empty(),
        "docs/texts.md names columns that are not there: {gone:?}"
    );
}

#[test]
fn every_member_of_a_body_is_there() {
    let document = sidecar::api::openapi::document();
    let mut members = BTreeSet::new();
    for methods in document["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let schema = match schema["$ref"].as_str() {
                Some(place) => document.pointer(&place[1..]).unwrap(),
                None => schema,
            };
            let properties = schema["properties"].as_object().into_iter().flatten();
            members.extend(properties.map(|(name, _): (&String, &Value)| name.clone()));
        }
    }
    assert_named("members of bodies", members, 20);
}

/// Whatever the filter hands to Envoy goes through one of these.
#[test]
fn every_call_of_the_filter_is_there() {
    let traits = file("filter/src/host.rs");
    let calls = traits.split("\n    fn ").skip(1);
    let calls = calls
        .filter_map(|rest| rest.split('(').next())
        .map(str::to_owned);
    assert_named("calls of Envoy", calls, 20);
}
