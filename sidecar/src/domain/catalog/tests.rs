//! What a scope may name, and what is said where it names something else.

use super::*;

fn catalog(names: &[&str]) -> Catalog {
    Catalog::of(names.iter().map(|name| ResourceName::parse(name).unwrap()))
}

fn listed(entries: &[&str]) -> Axis {
    Axis::Listed(
        entries
            .iter()
            .map(|e| ScopeEntry::parse(e).unwrap())
            .collect(),
    )
}

fn unlisted(known: &[&str], models: Axis, services: Axis) -> Vec<(String, String)> {
    let found = catalog(known).unlisted(&Scope { models, services });
    found.into_iter().map(|u| (u.field, u.advice)).collect()
}

#[test]
fn known_names_and_prefixes_with_a_match_are_fine() {
    let known = ["glm-5.1", "deepseek-v3.2", "ep-chat", "@team/bot"];
    let models = listed(&["glm-5.1", "deepseek-*"]);
    let services = listed(&["ep-chat", "@team/*"]);
    assert_eq!(unlisted(&known, models, services), []);
    assert_eq!(unlisted(&known, Axis::All, Axis::All), []);
    assert_eq!(unlisted(&known, listed(&[]), listed(&[])), []);
}

#[test]
fn an_unknown_entry_is_named_with_the_nearest_known_one() {
    let known = ["glm-5.1", "deepseek-v3.2", "ep-chat"];
    let found = unlisted(&known, listed(&["glm-5.1", "glm-5.2"]), Axis::All);
    assert_eq!(found[0].0, "scope.models[1]");
    assert!(
        found[0]
            .1
            .contains("glm-5.2 is no model of this region: did you mean glm-5.1?")
    );
    let found = unlisted(&known, listed(&["gpt-*"]), listed(&["ep-chats", "ep-chat"]));
    assert_eq!(found.len(), 2);
    assert!(found[0].1.contains("gpt-* covers no model"), "{found:?}");
    assert!(found[1].1.contains("did you mean ep-chat?"), "{found:?}");
}

#[test]
fn an_entry_on_the_wrong_axis_is_unknown() {
    let known = ["glm-5.1", "ep-chat"];
    let found = unlisted(&known, listed(&["ep-chat"]), listed(&["glm-5.1"]));
    let fields: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["scope.models[0]", "scope.services[0]"]);
}

#[test]
fn an_empty_catalog_says_nothing() {
    assert_eq!(unlisted(&[], listed(&["anything"]), listed(&["ep-1"])), []);
}

#[test]
fn names_have_the_kind_of_their_axis() {
    let kind = |text| ResourceName::parse(text).unwrap().kind();
    assert_eq!(kind("glm-5.1"), "model");
    assert_eq!(kind("ep-1"), "service");
    assert_eq!(kind("@team/bot"), "service");
    for text in ["", "a*", " a", "a\u{200b}", &"a".repeat(257)] {
        assert_eq!(ResourceName::parse(text), Err(ResourceNameError), "{text}");
    }
}
