//! Searches: each condition, orders and pages, and what is not searched.

use keytable::{Axis, Scope, ScopeEntry};

use super::*;
use crate::domain::key::NewKey;
use crate::store::tests::fixture::{
    NOW, Scratch, account, act, insert, minted, new_key, region, target,
};

fn everything() -> Search {
    Search {
        account: account(),
        region: region("local"),
        origin: Origin::Standard,
        team: None,
        conditions: Vec::new(),
        order: SearchOrder::Created(false),
        offset: 0,
        limit: 100,
    }
}

fn named(name: &str, scope: Scope) -> NewKey {
    let mut new = new_key("local");
    new.name = KeyName::parse(name).unwrap();
    new.policy.scope = scope;
    new
}

fn list(names: &[&str]) -> Axis {
    let entries = names.iter().map(|name| ScopeEntry::parse(name).unwrap());
    Axis::Listed(entries.collect())
}

/// Keys 1 to 4 of the region: one of each shape.
fn filled(scratch: &Scratch) -> Store {
    let store = scratch.open();
    let shapes = [
        ("beta", Axis::All, Axis::All),
        ("Alpha", Axis::All, list(&["ep-1"])),
        ("gamma one", list(&["glm-5.1"]), Axis::All),
        ("delta", list(&[]), list(&[])),
    ];
    for (number, (name, models, services)) in (1..).zip(shapes) {
        let new = named(name, Scope { models, services });
        insert(&store, new, minted(number)).unwrap();
    }
    insert(&store, new_key("other"), minted(5)).unwrap();
    let plan = NewKey {
        origin: Origin::TokenPlan,
        team: Some(KeyName::parse("blue").unwrap()),
        ..new_key("local")
    };
    insert(&store, plan, minted(6)).unwrap();
    store
}

fn ids(store: &Store, search: &Search) -> Vec<String> {
    let found = store.search(search).unwrap();
    found.keys.iter().map(|key| key.id.to_string()).collect()
}

fn with(condition: Condition) -> Search {
    Search {
        conditions: vec![condition],
        ..everything()
    }
}

#[test]
fn texts_are_compared_exactly_partly_and_not() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let names = |matching, texts: &[&str]| {
        let texts = texts.iter().map(ToString::to_string).collect();
        ids(
            &store,
            &with(Condition::Text(TextField::Name, matching, texts)),
        )
    };
    assert_eq!(names(Matching::Exact, &["beta", "delta"]), ["ak-1", "ak-4"]);
    assert_eq!(names(Matching::Exact, &["alpha"]), [""; 0]);
    assert_eq!(names(Matching::Fuzzy, &["LPH", "one"]), ["ak-2", "ak-3"]);
    for pattern in ["%", "_", "a%a", "!", "\\"] {
        assert_eq!(names(Matching::Fuzzy, &[pattern]), [""; 0], "{pattern}");
    }
    assert_eq!(names(Matching::Not, &["beta", "delta"]), ["ak-2", "ak-3"]);
    assert_eq!(names(Matching::Exact, &[]), [""; 0]);
    let text = vec!["ak-3' OR 1=1 --".to_owned()];
    assert_eq!(
        ids(
            &store,
            &with(Condition::Text(TextField::Id, Matching::Exact, text))
        ),
        [""; 0]
    );
}

#[test]
fn shapes_statuses_and_use_are_told_apart() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let shape = |shape| ids(&store, &with(Condition::Shape(vec![shape])));
    assert_eq!(shape((true, true)), ["ak-1"]);
    assert_eq!(shape((true, false)), ["ak-2"]);
    assert_eq!(shape((false, true)), ["ak-3"]);
    assert_eq!(shape((false, false)), ["ak-4"]);
    let edit = crate::domain::key::KeyEdit {
        status: Some(Status::Disabled),
        ..Default::default()
    };
    store.edit(&target(2), edit, true, &act()).unwrap();
    assert_eq!(
        ids(&store, &with(Condition::Status(vec![Status::Disabled]))),
        ["ak-2"]
    );
    let usable = |usable, at| ids(&store, &with(Condition::Usable(usable, at))).len();
    assert_eq!((usable(true, NOW), usable(false, NOW)), (3, 1));
    // The keys expire a millisecond later.
    assert_eq!(usable(true, NOW.plus_ms(1)), 0);
}

#[test]
fn pages_have_an_order_and_the_total() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let page = |order, offset, limit| {
        let search = Search {
            order,
            offset,
            limit,
            ..everything()
        };
        assert_eq!(store.search(&search).unwrap().total, 4);
        ids(&store, &search)
    };
    let (name, backwards) = (SearchOrder::Name(false), SearchOrder::Name(true));
    assert_eq!(page(name, 0, 100), ["ak-2", "ak-1", "ak-4", "ak-3"]);
    assert_eq!(page(backwards, 1, 2), ["ak-4", "ak-1"]);
    assert_eq!(page(SearchOrder::Created(true), 0, 1), ["ak-4"]);
    assert_eq!(page(SearchOrder::Updated(false), 3, 5), ["ak-4"]);
    assert_eq!(page(name, 4, 5), [""; 0]);
}

#[test]
fn other_regions_origins_and_teams_are_not_searched() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let other = Search {
        region: region("other"),
        ..everything()
    };
    assert_eq!(ids(&store, &other), ["ak-5"]);
    let team = |team: Option<&str>| {
        let team = team.map(|team| KeyName::parse(team).unwrap());
        ids(
            &store,
            &Search {
                origin: Origin::TokenPlan,
                team,
                ..everything()
            },
        )
    };
    assert_eq!(team(None), ["ak-6"]);
    assert_eq!(team(Some("blue")), ["ak-6"]);
    assert_eq!(team(Some("demo")), [""; 0]);
}

#[test]
fn a_key_is_found_by_the_hash_of_its_value_in_its_account_only() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let hash = minted(3).hash;
    let found = store.key_by_hash(&account(), &hash).unwrap().unwrap();
    assert_eq!(found.id.as_str(), "ak-3");
    let stranger = AccountId::parse("stranger").unwrap();
    assert!(store.key_by_hash(&stranger, &hash).unwrap().is_none());
}
