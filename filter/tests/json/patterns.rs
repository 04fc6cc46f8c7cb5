//! Several places that name resources, also in lists: no name can hide from its pattern.
//!
//! Does not repeat what `json_cases` shows of one top-level member.

use filter::json::JsonError;

use super::cases::{Places, read, read_chunks};
use JsonError::{
    CaseVariant, Duplicate, NotAString, OddContainer, OddMember, OddName, TooManyNames,
};

const TOOLS: Places = &[
    &["model"],
    &["tools", "*", "model"],
    &["session", "model"],
    &["fallbacks", "*"],
];

fn names(body: &str) -> Vec<String> {
    let (names, result) = read(TOOLS, body.as_bytes());
    assert_eq!(result, Ok(()), "{body}");
    names
}

fn error(body: &str) -> JsonError {
    let (_, result) = read(TOOLS, body.as_bytes());
    result.expect_err(body)
}

#[test]
fn every_place_is_read_in_the_order_of_the_body() {
    let body = r#"{"tools":[{"model":"a"},{"x":1},{"y":{"model":"no"},"model":"b"}],
        "session":{"z":[1],"model":"c"},"fallbacks":["d","e"],"model":"f"}"#;
    assert_eq!(names(body), ["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn places_that_are_absent_or_empty_name_nothing() {
    assert!(names(r#"{"tools":[],"session":{},"fallbacks":[]}"#).is_empty());
    assert!(names(r#"{"x":{"tools":[{"model":"no"}],"fallbacks":["no"]}}"#).is_empty());
}

#[test]
fn duplicates_are_refused_at_each_level() {
    assert_eq!(error(r#"{"tools":[],"tools":[]}"#), Duplicate);
    assert_eq!(
        error(r#"{"tools":null,"tools":[{"model":"a"}]}"#),
        Duplicate
    );
    assert_eq!(error(r#"{"tools":[{"model":"a","model":"a"}]}"#), Duplicate);
    assert_eq!(
        error(r#"{"tools":[{},{"model":"a","mod\u0065l":"b"}]}"#),
        Duplicate
    );
    assert_eq!(
        error(r#"{"session":{},"session":{"model":"a"}}"#),
        Duplicate
    );
    assert_eq!(error(r#"{"fallbacks":["a"],"fallbacks":["b"]}"#), Duplicate);
    assert_eq!(
        names(r#"{"tools":[{"model":"a"},{"model":"b"},{"model":"a"}],"model":"b"}"#),
        ["a", "b"],
        "the same name at another place is no duplicate and is told once"
    );
}

#[test]
fn case_variants_are_refused_at_each_level() {
    assert_eq!(error(r#"{"Tools":[]}"#), CaseVariant);
    assert_eq!(error(r#"{"tool\u017f":[{"model":"a"}]}"#), CaseVariant);
    assert_eq!(error(r#"{"tools":[{"MODEL":"a"}]}"#), CaseVariant);
    assert_eq!(error(r#"{"session":{"mOdel":"a"}}"#), CaseVariant);
    assert_eq!(error("{\"fallbac\u{212a}s\":[]}"), CaseVariant);
    assert_eq!(error(r#"{"tools":[{"model\u0000":"a"}]}"#), OddMember);
    assert_eq!(names(r#"{"x":{"MODEL":"no","Tools":1}}"#), [""; 0]);
}

#[test]
fn an_object_where_a_list_belongs_cannot_hide_a_name() {
    assert_eq!(error(r#"{"tools":{"model":"bad-1"}}"#), OddContainer);
    assert_eq!(error(r#"{"tools":{"0":{"model":"bad-1"}}}"#), OddContainer);
    assert_eq!(error(r#"{"tools":{"*":{"model":"bad-1"}}}"#), OddContainer);
    assert_eq!(error(r#"{"fallbacks":{"0":"bad-1"}}"#), OddContainer);
}

#[test]
fn a_list_where_an_object_belongs_cannot_hide_a_name() {
    assert_eq!(error(r#"{"session":[{"model":"bad-1"}]}"#), OddContainer);
    assert_eq!(error(r#"{"tools":[[{"model":"bad-1"}]]}"#), OddContainer);
}

#[test]
fn scalars_on_the_way_name_nothing() {
    for scalar in ["null", "1", "true", r#""bad-1""#] {
        assert!(names(&format!(r#"{{"tools":{scalar},"session":{scalar}}}"#)).is_empty());
        assert!(names(&format!(r#"{{"tools":[{scalar},{scalar}]}}"#)).is_empty());
    }
}

#[test]
fn a_resource_that_is_no_string_is_refused_at_each_level() {
    for value in ["null", "1", "true", "[]", "{}", r#"["a"]"#] {
        assert_eq!(
            error(&format!(r#"{{"tools":[{{"model":{value}}}]}}"#)),
            NotAString
        );
        assert_eq!(
            error(&format!(r#"{{"session":{{"model":{value}}}}}"#)),
            NotAString
        );
        assert_eq!(
            error(&format!(r#"{{"fallbacks":["a",{value}]}}"#)),
            NotAString
        );
    }
    assert_eq!(error(r#"{"fallbacks":["a",""]}"#), OddName);
}

#[test]
fn a_place_that_may_be_a_list_or_an_object_is_two_patterns() {
    const BOTH: Places = &[&["a", "*", "model"], &["a", "model"]];
    let read = |body: &str| read(BOTH, body.as_bytes());
    assert_eq!(
        read(r#"{"a":[{"model":"x"}]}"#),
        (vec!["x".to_owned()], Ok(()))
    );
    assert_eq!(
        read(r#"{"a":{"model":"x"}}"#),
        (vec!["x".to_owned()], Ok(()))
    );
    assert_eq!(read(r#"{"a":{"model":"x","model":"y"}}"#).1, Err(Duplicate));
}

#[test]
fn patterns_deep_in_the_body_are_followed() {
    const DEEP: Places = &[&["a", "*", "b", "*", "*", "c"]];
    let body = r#"{"a":[{"b":[[{"c":"x"},{"d":{"c":"no"}}],[],[{"c":"y"}]]},{"b":[]}]}"#;
    let (names, result) = read(DEEP, body.as_bytes());
    assert_eq!(
        (names, result),
        (vec!["x".to_owned(), "y".to_owned()], Ok(()))
    );
}

#[test]
fn the_last_of_sixty_four_patterns_is_followed() {
    static MANY: [&[&str]; 64] = {
        let mut patterns: [&[&str]; 64] = [&["x"]; 64];
        patterns[63] = &["last"];
        patterns
    };
    let (names, result) = read(&MANY, br#"{"x":"a","last":"b"}"#);
    assert_eq!(
        (names, result),
        (vec!["a".to_owned(), "b".to_owned()], Ok(()))
    );
}

#[test]
fn names_are_bounded_in_number() {
    let list = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("\"n{n}\"")).collect();
        format!(r#"{{"fallbacks":[{}]}}"#, names.join(","))
    };
    let (names, result) = read_chunks(TOOLS, [list(256).as_bytes()]);
    assert_eq!((names.len(), result), (256, Ok(())));
    let same = format!(r#"{{"fallbacks":[{}]}}"#, vec![r#""a""#; 100_000].join(","));
    assert_eq!(
        read_chunks(TOOLS, [same.as_bytes()]),
        (vec!["a".to_owned()], Ok(()))
    );
    let body = list(257);
    assert_eq!(read_chunks(TOOLS, [body.as_bytes()]).1, Err(TooManyNames));
    assert_eq!(
        read_chunks(TOOLS, body.as_bytes().chunks(7)).1,
        Err(TooManyNames)
    );
}
