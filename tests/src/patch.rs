//! How control planes put pieces of one's own into what they tell Envoy: merging protobuf messages
//! (in their JSON form) and JSON Patch.
//!
//! Only what the shipped patches need: no removal, no copy; of JSON paths `$.list[*]` alone.
//! Invariant: a patch that finds nothing to change ends the test.

use serde_json::Value;

/// Merges a message into another of the same type: members that are there win, messages are merged,
/// lists are appended.
pub fn merge(base: &mut Value, patch: &Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            let (one, other) = (base.get("@type"), patch.get("@type"));
            assert!(
                one.is_none() || other.is_none() || one == other,
                "{other:?}"
            );
            for (name, value) in patch {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(base), Value::Array(patch)) => base.extend(patch.iter().cloned()),
        (base, patch) => *base = patch.clone(),
    }
}

/// Applies an operation of JSON Patch (RFC 6902), at `path` or at `path` below each match of
/// `jsonPath`.
pub fn apply(document: &mut Value, operation: &Value) {
    assert_eq!(operation["op"], "add", "{operation}");
    let path = operation["path"].as_str().unwrap();
    let value = &operation["value"];
    match operation["jsonPath"].as_str() {
        None => add(document, path, value),
        Some(matching) => {
            let list = matching
                .strip_prefix("$.")
                .and_then(|rest| rest.strip_suffix("[*]"));
            let list = list.unwrap_or_else(|| panic!("{matching} is not understood here"));
            let items = document[list].as_array_mut().expect(list);
            assert!(!items.is_empty(), "{matching} matches nothing");
            for item in items {
                add(item, path, value);
            }
        }
    }
}

fn add(document: &mut Value, path: &str, value: &Value) {
    let (parent, last) = path.rsplit_once('/').expect("a path begins with /");
    let parent = document.pointer_mut(parent);
    match parent.unwrap_or_else(|| panic!("there is no parent of {path}")) {
        Value::Array(items) if last == "-" => items.push(value.clone()),
        Value::Array(items) => items.insert(last.parse().expect(path), value.clone()),
        Value::Object(members) => drop(members.insert(last.to_owned(), value.clone())),
        other => panic!("{path} is in {other}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_are_merged_and_lists_appended() {
        let mut base = json!({"a": {"b": 1, "c": [1]}, "d": "0s"});
        merge(&mut base, &json!({"a": {"c": [2], "e": true}, "d": "600s"}));
        assert_eq!(
            base,
            json!({"a": {"b": 1, "c": [1, 2], "e": true}, "d": "600s"})
        );
    }

    #[test]
    #[should_panic(expected = "other")]
    fn messages_of_different_types_are_not_merged() {
        merge(&mut json!({"@type": "one"}), &json!({"@type": "other"}));
    }

    #[test]
    fn an_item_is_inserted_and_a_member_added_to_every_match() {
        let mut document = json!({"list": [{"n": 1}, {"n": 2}]});
        let insert = json!({"op": "add", "path": "/list/0", "value": {"n": 0}});
        apply(&mut document, &insert);
        let each = json!({"op": "add", "jsonPath": "$.list[*]", "path": "/m", "value": 9});
        apply(&mut document, &each);
        let expected = json!([{"n": 0, "m": 9}, {"n": 1, "m": 9}, {"n": 2, "m": 9}]);
        assert_eq!(document["list"], expected);
    }

    #[test]
    #[should_panic(expected = "there is no parent of /a/b")]
    fn a_path_that_leads_nowhere_is_an_error() {
        let operation = json!({"op": "add", "path": "/a/b", "value": 1});
        apply(&mut json!({}), &operation);
    }
}
