//! The number of keys that count against a limit: kept by the schema, whatever becomes of a key.

use super::*;
use crate::domain::rotation::Grace;
use crate::store::tests::fixture::{
    self, Scratch, account, act, add_all, insert, minted, new_key, target,
};
use crate::store::{Minted, Store, lock};

/// What the schema keeps, and what there is.
fn counts(store: &Store) -> (u64, u64) {
    let kept = store.read(|connection| counted_keys(connection, &account()));
    let sql = "SELECT count(*) FROM keys WHERE origin = 'standard' AND successor IS NULL";
    let there = fixture::number(store, sql);
    (kept.unwrap().0, u64::try_from(there).unwrap())
}

fn rotate(store: &Store, number: u32, successor: u32) {
    let minted = Minted {
        predecessor: Some(target(number).id),
        ..minted(successor)
    };
    let grace = Grace::of_seconds(60).unwrap();
    store
        .rotate(&target(number), minted, grace, None, &act())
        .unwrap();
}

#[test]
fn the_number_that_counts_is_that_of_the_keys_there_are() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add_all(&store, 1..=3);
    assert_eq!(counts(&store), (3, 3));
    let plan = NewKey {
        origin: Origin::TokenPlan,
        ..new_key("local")
    };
    insert(&store, plan, minted(4)).unwrap();
    store.reset(&target(4), &minted(5), None, &act()).unwrap();
    assert_eq!(counts(&store), (3, 3), "plan keys do not count");
    rotate(&store, 1, 6);
    assert_eq!(
        counts(&store),
        (3, 3),
        "a key with a successor does not count"
    );
    store.end_grace(&target(1), &act()).unwrap();
    store
        .edit(&target(2), Default::default(), true, &act())
        .unwrap();
    rotate(&store, 6, 7);
    assert_eq!(counts(&store), (3, 3));
    let delete = |number| {
        store
            .delete(&target(number), Some("a key"), &act())
            .unwrap()
    };
    delete(7);
    assert_eq!(
        counts(&store),
        (3, 3),
        "without its successor it counts again"
    );
    for number in [6, 2, 4] {
        delete(number);
    }
    assert_eq!(counts(&store), (1, 1));
}

#[test]
fn keys_from_before_the_number_was_kept_count() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    add_all(&store, 1..=3);
    fixture::run(&store, fixture::WITHOUT_LIMITS).unwrap();
    fixture::run(&store, fixture::BEFORE_PORTABLE).unwrap();
    lock(&store.file().writer)
        .execute_batch(
            "DROP INDEX keys_in_order; DROP TRIGGER keys_count_when_made; DROP TRIGGER keys_count_until_deleted; \
             DROP TRIGGER keys_count_until_succeeded; DROP TRIGGER keys_lose_their_successor; \
             DROP INDEX keys_by_successor; \
             DROP INDEX access_keys_by_maker; ALTER TABLE access_keys DROP COLUMN maker; \
             ALTER TABLE keys DROP COLUMN labels; \
             ALTER TABLE usage DROP COLUMN input; ALTER TABLE usage DROP COLUMN cached; \
             ALTER TABLE usage DROP COLUMN output; ALTER TABLE usage DROP COLUMN reasoning; \
             ALTER TABLE usage DROP COLUMN input_estimated; ALTER TABLE usage DROP COLUMN cached_estimated; \
             ALTER TABLE usage DROP COLUMN output_estimated; ALTER TABLE usage DROP COLUMN reasoning_estimated; \
             ALTER TABLE accounts DROP COLUMN counted_keys; ALTER TABLE meta DROP COLUMN home; \
             PRAGMA user_version = 5;",
        )
        .unwrap();
    drop(store);
    assert_eq!(counts(&scratch.open_file()), (3, 3));
}
