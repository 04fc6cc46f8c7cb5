//! Rotation: who works until when, what counts, what cannot be done.

use keytable::{Axis, Scope};

use super::*;
use crate::domain::clock::UnixMillis;
use crate::domain::key::KeyEdit;
use crate::store::News;
use crate::store::tests::fixture::{
    self, NOW, Scratch, act, act_at, add, insert, minted, new_key, region, target,
};

const HOUR: u64 = 3_600;

/// A store with a key, number 1, that does not expire.
fn store(scratch: &Scratch) -> Store {
    let store = scratch.open();
    let mut new = new_key("local");
    new.policy.expires_at = None;
    insert(&store, new, minted(1)).unwrap();
    store
}

fn rotate(store: &Store, old: u32, new: u32, grace_s: u64) -> Result<Rotated, StoreError> {
    rotate_at(store, old, new, grace_s, NOW)
}

fn rotate_at(
    store: &Store,
    old: u32,
    new: u32,
    grace_s: u64,
    now: UnixMillis,
) -> Result<Rotated, StoreError> {
    let minted = Minted {
        predecessor: Some(target(old).id),
        ..minted(new)
    };
    let grace = Grace::of_seconds(grace_s).unwrap();
    match store.rotate(&target(old), minted, grace, None, &act_at(now))? {
        Idempotent::Done(stored) => Ok(stored.value),
        Idempotent::Repeated(_) => panic!("made before"),
    }
}

fn reset_to(store: &Store, number: u32, value: u32) -> Result<Stored<Key>, StoreError> {
    match store.reset(&target(number), &minted(value), None, &act())? {
        Idempotent::Done(stored) => Ok(stored),
        Idempotent::Repeated(_) => panic!("made before"),
    }
}

fn conflict<T>(outcome: Result<T, StoreError>) -> &'static str {
    match outcome {
        Err(StoreError::Conflict(advice)) => advice,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("done"),
    }
}

#[test]
fn a_successor_is_like_its_predecessor_which_ends() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    let rotated = rotate(&store, 1, 2, HOUR).unwrap();
    let (old, new) = (&rotated.predecessor, &rotated.successor);
    assert_eq!(
        (&new.name, &new.account, &new.region),
        (&old.name, &old.account, &old.region)
    );
    assert_eq!(new.policy.scope, old.policy.scope);
    assert_eq!(new.policy.addresses, old.policy.addresses);
    assert_eq!(new.policy.expires_at, None);
    assert_eq!(
        old.policy.expires_at,
        Some(UnixMillis::new(NOW.get() + HOUR * 1000))
    );
    assert_eq!(new.predecessor.as_ref(), Some(&old.id));
    assert_eq!(old.successor.as_ref(), Some(&new.id));
    let from = Some((store.epoch(), keytable::Generation::new(1)));
    let News::Changes { newest, changes } = store.news(&region("local"), from, NOW).unwrap() else {
        panic!("a gap");
    };
    assert_eq!((newest.get(), changes.len()), (3, 2));
    let stored = store.get(&target(1)).unwrap();
    assert_eq!(stored.successor, old.successor);
}

#[test]
fn a_key_that_is_replaced_does_not_count_and_only_one_of_them_is_kept() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    let limit = "UPDATE accounts SET key_limit = 2";
    fixture::run(&store, limit).unwrap();
    rotate(&store, 1, 2, HOUR).unwrap();
    assert_eq!(conflict(rotate(&store, 1, 3, HOUR)), HAS_SUCCESSOR);
    assert_eq!(conflict(rotate(&store, 2, 3, HOUR)), GRACE_RUNS);
    insert(&store, new_key("local"), minted(4)).unwrap();
    let full = insert(&store, new_key("local"), minted(5));
    assert!(matches!(full, Err(StoreError::LimitReached { limit: 2 })));
    let later = UnixMillis::new(NOW.get() + HOUR * 1000);
    rotate_at(&store, 2, 3, 0, later).unwrap();
    assert!(matches!(store.get(&target(1)), Err(StoreError::NotFound)));
    assert!(store.get(&target(2)).unwrap().has_expired(later));
}

#[test]
fn a_key_that_is_replaced_is_only_narrowed() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    rotate(&store, 1, 2, HOUR).unwrap();
    let edit = |edit| store.edit(&target(1), edit, true, &act());
    let wider = KeyEdit {
        scope: Some(Scope::ALL),
        ..KeyEdit::default()
    };
    let longer = KeyEdit {
        expires_at: Some(None),
        ..KeyEdit::default()
    };
    let anywhere = KeyEdit {
        addresses: Some(Default::default()),
        ..KeyEdit::default()
    };
    for widening in [wider, longer, anywhere] {
        assert!(conflict(edit(widening)).contains("only be narrowed"));
    }
    let narrower = KeyEdit {
        scope: Some(Scope {
            models: Axis::Listed(Vec::new()),
            services: Axis::Listed(Vec::new()),
        }),
        ..KeyEdit::default()
    };
    edit(narrower).unwrap();
}

#[test]
fn a_grace_can_be_ended_and_then_stays_over() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    assert_eq!(conflict(store.end_grace(&target(1), &act())), NO_GRACE);
    rotate(&store, 1, 2, HOUR).unwrap();
    let ended = store.end_grace(&target(1), &act()).unwrap();
    assert!(ended.value.has_expired(NOW));
    let again = store.end_grace(&target(1), &act()).unwrap();
    assert_eq!(again.generation, ended.generation);
    rotate(&store, 2, 3, HOUR).unwrap();
}

#[test]
fn plan_keys_are_reset_and_others_rotated() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    let mut plan = new_key("local");
    plan.origin = Origin::TokenPlan;
    insert(&store, plan, minted(2)).unwrap();
    assert_eq!(conflict(rotate(&store, 2, 3, 0)), IS_PLAN);
    assert_eq!(conflict(reset_to(&store, 1, 3)), IS_STANDARD);
    let reset = reset_to(&store, 2, 3).unwrap();
    let key = &reset.value;
    assert_eq!(
        (key.id.as_str(), key.key_version, key.hash),
        ("ak-2", 2, minted(3).hash)
    );
    let from = Some((store.epoch(), keytable::Generation::new(2)));
    let News::Changes { changes, .. } = store.news(&region("local"), from, NOW).unwrap() else {
        panic!("a gap");
    };
    let mut told: Vec<_> = changes
        .iter()
        .map(|(hash, key)| (*hash, key.is_some()))
        .collect();
    told.sort_by_key(|(_, is_there)| *is_there);
    assert_eq!(told, [(minted(2).hash, false), (minted(3).hash, true)]);
    let back = reset_to(&store, 2, 2);
    assert!(
        matches!(back, Err(StoreError::Taken("value"))),
        "the old value is dead"
    );
}

#[test]
fn an_expired_key_is_not_rotated() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add(&store, 1, "local");
    let later = UnixMillis::new(NOW.get() + 10);
    assert_eq!(conflict(rotate_at(&store, 1, 2, 0, later)), HAS_EXPIRED);
}

/// Without this, one place in the limit would hold any number of keys that work: rotate with grace,
/// delete the successor, make another key, repeat.
#[test]
fn a_key_whose_successor_is_deleted_counts_again_and_can_be_rotated() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    let limit = "UPDATE accounts SET key_limit = 1";
    fixture::run(&store, limit).unwrap();
    let rotated = rotate(&store, 1, 2, HOUR).unwrap();
    let delete = |number| store.delete(&target(number), Some("a key"), &act());
    delete(2).unwrap();
    let full = insert(&store, new_key("local"), minted(3));
    assert!(matches!(full, Err(StoreError::LimitReached { limit: 1 })));

    let old = store.get(&target(1)).unwrap();
    assert_eq!(old.successor, None);
    assert_eq!(old.policy.expires_at, rotated.predecessor.policy.expires_at);
    assert!(
        old.revision > rotated.predecessor.revision,
        "its ETag changes"
    );
    assert_eq!(conflict(store.end_grace(&target(1), &act())), NO_GRACE);
    for successor in 4..8 {
        rotate(&store, 1, successor, HOUR).unwrap();
        assert_eq!(conflict(rotate(&store, 1, 9, HOUR)), HAS_SUCCESSOR);
        delete(successor).unwrap();
    }
    let longer = KeyEdit {
        expires_at: Some(None),
        ..KeyEdit::default()
    };
    store.edit(&target(1), longer, true, &act()).unwrap();
    rotate(&store, 1, 9, HOUR).unwrap();
    delete(1).unwrap();
    delete(9).unwrap();
    insert(&store, new_key("local"), minted(10)).unwrap();
    counts_are_right(&store);
}

/// What the schema keeps is what there is.
fn counts_are_right(store: &Store) {
    let sql = "SELECT counted_keys - (SELECT count(*) FROM keys WHERE account = accounts.id \
               AND origin = 'standard' AND successor IS NULL) FROM accounts";
    assert_eq!(fixture::number(store, sql), 0);
}
