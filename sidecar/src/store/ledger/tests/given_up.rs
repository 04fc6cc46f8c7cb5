//! Agents that are gone: what they held is charged, and if they come back, nothing twice.

use super::*;

fn gone(held: u64) -> [GivenUp; 1] {
    [GivenUp {
        source: AGENT,
        held: vec![(lifetime(), held)],
    }]
}

#[test]
fn what_it_held_is_charged_and_what_it_settles_later_above_that_alone() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    charge(&store, &batch(1, &[(lifetime(), 5)]));
    store.charge(&[], &gone(100), NOW).unwrap();
    assert_eq!(used(&store), [0, 105]);
    drop(store);
    let store = scratch.open();
    let back = batch(2, &[(lifetime(), 70)]);
    let told = charge(&store, &back);
    assert_eq!(used(&store), [0, 105]);
    assert_eq!(told.advance(&back, &lifetime()), 30);
    assert_eq!(charge(&store, &back), told, "the answer was lost");
    let rest = batch(3, &[(lifetime(), 45)]);
    let told = charge(&store, &rest);
    assert_eq!(used(&store), [0, 120], "45 less the 30 that are left");
    assert_eq!(told.advance(&rest, &lifetime()), 0);
}

#[test]
fn one_that_was_never_charged_anything_is_known_all_the_same() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    store.charge(&[], &gone(100), NOW).unwrap();
    let first = batch(1, &[(lifetime(), 130)]);
    charge(&store, &first);
    charge(&store, &first);
    assert_eq!(used(&store), [0, 130]);
}

#[test]
fn the_advance_of_one_is_none_of_another() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    store.charge(&[], &gone(100), NOW).unwrap();
    let other = UsageBatch {
        source: [8; 16],
        ..batch(1, &[(lifetime(), 50)])
    };
    charge(&store, &other);
    charge(&store, &batch(1, &[(day(TODAY), 50)]));
    assert_eq!(used(&store), [50, 150]);
}

#[test]
fn agents_and_windows_are_forgotten_when_nobody_asks_any_more() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    charge(&store, &batch(1, &[(day(TODAY), 5), (lifetime(), 5)]));
    store.charge(&[], &gone(100), NOW).unwrap();
    let rows = |table: &str| rows(&store, table);
    let tables = ["ledger", "ledger_sources", "ledger_advances"];
    assert_eq!(tables.map(rows), [2, 1, 1]);
    let after = |days: u64| UnixMillis::new(NOW.get() + days * DAY_MS);
    store.charge(&[], &[], after(29)).unwrap();
    assert_eq!(tables.map(rows), [2, 1, 1]);
    store.charge(&[], &[], after(31)).unwrap();
    assert_eq!(tables.map(rows), [2, 0, 0]);
    store.charge(&[], &[], after(41)).unwrap();
    assert_eq!(tables.map(rows), [1, 0, 0], "a lifetime has no end");
}
