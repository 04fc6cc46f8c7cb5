//! What is told as counted of a key: all of it, or that it is not known.

use keytable::{Tokens, UsageBatch, UsageOutcome, UsageRow};

use super::*;
use crate::domain::recommendation::{RecommendationKind, recommend};
use crate::store::tests::fixture::{NOW, Scratch, account, add_all, minted};

const DAY_MS: u64 = 86_400_000;

/// One request a row, all at `at`, of key 1.
fn report(store: &Store, sequence: u64, at: UnixMillis, resources: &[&str], count: u64) {
    let rows = resources.iter().map(|resource| UsageRow {
        key_id: minted(1).id,
        resource: (*resource).into(),
        outcome: UsageOutcome::Permitted,
        count,
        tokens: Tokens::default(),
        last_at_unix_ms: at.get(),
        last_address: Some("192.0.2.7".parse().unwrap()),
    });
    let batch = UsageBatch {
        source: [3; 16],
        sequence,
        rows: rows.collect(),
        charges: Vec::new(),
    };
    store.count_usage(&batch, at).unwrap();
}

fn later(days: u64) -> UnixMillis {
    UnixMillis::new(NOW.get() + days * DAY_MS)
}

fn first(store: &Store, now: UnixMillis) -> (Key, Observed) {
    store.examine(&account(), 0, 1, now).unwrap().keys.remove(0)
}

#[test]
fn what_was_counted_in_the_window_is_told() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add_all(&store, 1..=2);
    report(&store, 1, NOW, &["glm-5.1"], 60);
    report(&store, 2, later(10), &["glm-5.1", "ep-chat"], 60);
    let (key, observed) = first(&store, later(11));
    assert_eq!(observed.requests, 180);
    assert_eq!(
        observed.resources,
        Some(vec!["glm-5.1".into(), "ep-chat".into()])
    );
    assert_eq!(observed.addresses.as_deref().map(<[_]>::len), Some(1));
    let start = UnixMillis::new(NOW.get() - NOW.get() % DAY_MS);
    assert_eq!(observed.first_used_at, Some(start));
    assert_eq!(key.last_used_at, Some(later(10)));
    let (_, much_later) = first(&store, later(60));
    assert_eq!(much_later.requests, 0);
}

#[test]
fn what_is_not_wholly_known_is_not_told() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add_all(&store, 1..=1);
    report(&store, 1, NOW, &["glm-5.1", ""], 60);
    assert_eq!(first(&store, NOW).1.resources, None);
}

#[test]
fn keys_are_examined_part_by_part_and_advice_follows_from_the_numbers() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add_all(&store, 1..=3);
    let now = later(100);
    let lock = "UPDATE keys SET expires_at = NULL";
    store
        .write(|connection| Ok(connection.execute(lock, params![])?))
        .unwrap();
    let part = store.examine(&account(), 0, 2, now).unwrap();
    assert_eq!(part.keys.len(), 2);
    let rest = store
        .examine(&account(), part.next.unwrap(), 2, now)
        .unwrap();
    assert_eq!((rest.keys.len(), rest.next), (1, None));
    let (key, observed) = &part.keys[0];
    let kinds: Vec<_> = recommend(key, observed, now)
        .into_iter()
        .map(|advice| advice.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            RecommendationKind::NeverUsed,
            RecommendationKind::NeverRotated
        ]
    );
}
