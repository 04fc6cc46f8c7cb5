//! Lists: their order and their parts.

use super::*;
use crate::domain::name::KeyName;
use crate::store::tests::fixture::{self, Scratch, account, act, insert, minted, new_key};

const SORTS: [Sort; 6] = [
    Sort::Newest,
    Sort::Oldest,
    Sort::Name,
    Sort::NameBackwards,
    Sort::LeastRecentlyUsed,
    Sort::MostRecentlyUsed,
];

fn of(account: &AccountId) -> KeyFilter {
    KeyFilter::of(account.clone())
}

/// Every page of a list, of three keys each.
fn read_through(store: &Store, filter: &KeyFilter, sort: Sort) -> Vec<Key> {
    let (mut cursor, mut keys) = (None, Vec::new());
    loop {
        let part = store.list(filter, sort, cursor.as_ref(), 3).unwrap();
        keys.extend(part.keys);
        cursor = part.next;
        if cursor.is_none() {
            return keys;
        }
    }
}

#[test]
fn every_order_is_read_whole_in_parts() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let names = [
        "beta", "Alpha", "beta", "gamma", "alpha", "键", "Beta", "delta",
    ];
    for (number, name) in (1..).zip(names) {
        let mut new = new_key("local");
        new.name = KeyName::parse(name).unwrap();
        insert(&store, new, minted(number)).unwrap();
    }
    let used = "UPDATE keys SET last_used_at = seq % 3 WHERE seq > 2";
    fixture::run(&store, used).unwrap();
    for sort in SORTS {
        let keys = read_through(&store, &of(&account()), sort);
        let mut ids: Vec<_> = keys.iter().map(|key| key.id.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((keys.len(), ids.len()), (8, 8), "{sort:?}");
        let in_order = keys.is_sorted_by_key(|key| {
            let name = key.name.as_str().to_ascii_lowercase();
            match sort {
                Sort::Newest | Sort::Oldest => (String::new(), 0),
                Sort::Name | Sort::NameBackwards => (name, 0),
                _ => (String::new(), key.last_used_at.map_or(0, UnixMillis::get)),
            }
        });
        let backwards = matches!(sort, Sort::NameBackwards | Sort::MostRecentlyUsed);
        assert_eq!(in_order, !backwards, "{sort:?}");
    }
}

#[test]
fn keys_that_were_not_used_since_are_found() {
    let scratch = Scratch::new();
    let store = scratch.open();
    for number in 1..=3 {
        insert(&store, new_key("local"), minted(number)).unwrap();
    }
    let used = "UPDATE keys SET last_used_at = created_at + 1000 WHERE id = 'ak-2'";
    fixture::run(&store, used).unwrap();
    let since = KeyFilter {
        unused_since: Some(UnixMillis::new(act().at.get() + 1)),
        ..of(&account())
    };
    assert_eq!(store.list(&since, Sort::Newest, None, 9).unwrap().total, 2);
}

#[test]
fn keys_are_found_by_exact_name_id_creator_and_label() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let labelled = |labels: &str| Labels::stored(labels).unwrap();
    let keys = [
        ("alpha", r#"{"team":"search","env":"prod"}"#),
        ("Alpha", r#"{"team":"search"}"#),
        ("alpha 2", r#"{"env":"\"é\" 键","team":"ads"}"#),
    ];
    for (number, (name, labels)) in (1..).zip(keys) {
        let mut new = new_key("local");
        new.name = KeyName::parse(name).unwrap();
        new.policy.labels = labelled(labels);
        insert(&store, new, minted(number)).unwrap();
    }
    let ids = |filter: KeyFilter| -> Vec<String> {
        let keys = read_through(&store, &filter, Sort::Oldest);
        keys.iter().map(|key| key.id.to_string()).collect()
    };
    let all = of(&account());
    let name = |name: &str| KeyFilter {
        name: Some(name.to_owned()),
        ..all.clone()
    };
    assert_eq!(ids(name("alpha")), ["ak-1"]);
    assert_eq!(ids(name("Alpha")), ["ak-2"]);
    assert!(ids(name("alph")).is_empty());
    let id = Some("ak-3".to_owned());
    assert_eq!(ids(KeyFilter { id, ..all.clone() }), ["ak-3"]);
    let creator = |creator: &str| KeyFilter {
        creator: Some(creator.to_owned()),
        ..all.clone()
    };
    assert_eq!(ids(creator("operator")).len(), 3);
    assert!(ids(creator("operato")).is_empty());
    let with = |labels: &str| KeyFilter {
        labels: labelled(labels),
        ..all.clone()
    };
    assert_eq!(ids(with(r#"{"team":"search"}"#)), ["ak-1", "ak-2"]);
    assert_eq!(ids(with(r#"{"env":"prod","team":"search"}"#)), ["ak-1"]);
    assert_eq!(ids(with(r#"{"env":"\"é\" 键"}"#)), ["ak-3"]);
    assert!(ids(with(r#"{"team":"sear"}"#)).is_empty());
    assert!(ids(with(r#"{"env":"search"}"#)).is_empty());
}
