//! Charged once, whatever is lost, doubled or restarted.

mod given_up;
mod restored;
mod told;

use keytable::{
    Amount, Charge, ExpectedTokens, KeyId, Limit, Limits, Unit, Unmetered, UtcOffset, WhenApart,
    Window, WindowKind,
};

use super::*;
use crate::domain::key::{KeyEdit, NewKey};
use crate::store::tests::fixture::{
    self, NOW, Scratch, account, act, insert, minted, new_key, target,
};
use crate::store::{AuditFilter, LimitOwner};

const AGENT: [u8; 16] = [7; 16];
const DAY_MS: u64 = 86_400_000;
/// Midnight before [`NOW`].
const TODAY: u64 = NOW.get() / DAY_MS * DAY_MS;

fn limit(window: Window, amount: u64) -> Limit {
    Limit {
        unit: Unit::Tokens,
        window,
        amount: Amount::new(amount).unwrap(),
        expected: ExpectedTokens::default(),
        when_apart: WhenApart::default(),
        unmetered: Unmetered::default(),
    }
}

fn limits(all: &[Limit]) -> Limits {
    Limits::new(all.to_vec()).unwrap()
}

/// A day's limit and a lifetime's.
fn both() -> Limits {
    let day = limit(Window::Day(UtcOffset::UTC), 100);
    limits(&[day, limit(Window::Lifetime, 1_000)])
}

/// A key with these limits, number 1.
fn limited(store: &Store, limits: Limits) {
    let new = NewKey {
        limits,
        ..new_key("local")
    };
    insert(store, new, minted(1)).unwrap();
}

fn counter(window: WindowKind, start_unix_ms: u64, resets: u32) -> CounterId {
    CounterId {
        subject: LimitSubject::Key(KeyId::parse("ak-1").unwrap()),
        unit: Unit::Tokens,
        window,
        start_unix_ms,
        resets,
    }
}

fn day(start_unix_ms: u64) -> CounterId {
    counter(WindowKind::Day, start_unix_ms, 1)
}

fn lifetime() -> CounterId {
    counter(WindowKind::Lifetime, 0, 2)
}

fn batch(sequence: u64, settled: &[(CounterId, u64)]) -> UsageBatch {
    let charge = |(counter, settled): &(CounterId, u64)| Charge {
        counter: counter.clone(),
        charged: *settled,
        held: 0,
        base: 0,
    };
    UsageBatch {
        source: AGENT,
        sequence,
        rows: Vec::new(),
        charges: settled.iter().map(charge).collect(),
    }
}

fn charge(store: &Store, batch: &UsageBatch) -> Charged {
    store.charge(&[batch], &[], NOW).unwrap()
}

/// How many rows a table has.
fn rows(store: &Store, table: &str) -> i64 {
    fixture::number(store, &format!("SELECT count(*) FROM {table}"))
}

/// What was used of each limit of key 1.
fn used_at(store: &Store, now: UnixMillis) -> Vec<u64> {
    let owner = LimitOwner::Key(target(1));
    let standing = store.limits(&owner, now).unwrap();
    standing.recorded.iter().map(|limit| limit.used).collect()
}

fn used(store: &Store) -> Vec<u64> {
    used_at(store, NOW)
}

#[test]
fn a_batch_is_charged_once_also_over_a_restart() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    let first = batch(1, &[(day(TODAY), 10), (lifetime(), 12)]);
    let told = charge(&store, &first);
    assert_eq!(told.used, [(day(TODAY), 10), (lifetime(), 12)].into());
    assert_eq!(charge(&store, &first), told, "the answer was lost");
    drop(store);
    let store = scratch.open();
    assert_eq!(charge(&store, &first), told);
    charge(&store, &batch(2, &[(day(TODAY), 5)]));
    charge(&store, &first);
    assert_eq!(used(&store), [15, 12]);
    let other = UsageBatch {
        source: [8; 16],
        ..first
    };
    charge(&store, &other);
    assert_eq!(used(&store), [25, 24], "another agent has its own numbers");
}

#[test]
fn batches_that_come_together_are_one_change_of_each_counter() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    let batches: Vec<_> = (1..=9).map(|n| batch(n, &[(day(TODAY), n)])).collect();
    let told: Vec<&UsageBatch> = batches.iter().chain(&batches).collect();
    let charged = store.charge(&told, &[], NOW).unwrap();
    assert_eq!(charged.used[&day(TODAY)], 45);
    assert_eq!(used(&store), [45, 0]);
}

#[test]
fn a_window_ends_without_a_word() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    charge(&store, &batch(1, &[(day(TODAY), 10), (lifetime(), 10)]));
    let tomorrow = UnixMillis::new(TODAY + DAY_MS);
    let before = UnixMillis::new(TODAY + DAY_MS - 1);
    assert_eq!(used_at(&store, before), [10, 10]);
    assert_eq!(used_at(&store, tomorrow), [0, 10]);
    // What was admitted yesterday is charged to yesterday.
    let late = batch(2, &[(day(TODAY), 5)]);
    let told = store.charge(&[&late], &[], tomorrow).unwrap();
    assert_eq!(told.used, [(day(TODAY), 15)].into());
    assert_eq!(used_at(&store, tomorrow), [0, 10]);
}

/// An agent that has not heard our time yet, and whose own is a year ahead.
#[test]
fn a_window_that_is_far_from_beginning_is_charged_as_today() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    let far = day(TODAY + 365 * DAY_MS);
    assert_eq!(
        charge(&store, &batch(1, &[(far.clone(), 10)])).used,
        [(far, 10)].into()
    );
    assert_eq!(used(&store), [10, 0]);
}

/// Our own clock was a day ahead for a while.
#[test]
fn a_window_that_was_begun_by_our_own_clock_keeps_its_sum_when_that_is_set_back() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    let tomorrow = day(TODAY + DAY_MS);
    let ahead = UnixMillis::new(TODAY + DAY_MS);
    charge(&store, &batch(1, &[(day(TODAY), 3)]));
    let first = batch(2, &[(tomorrow.clone(), 10)]);
    store.charge(&[&first], &[], ahead).unwrap();
    let late = batch(3, &[(tomorrow.clone(), 5)]);
    assert_eq!(charge(&store, &late).used, [(tomorrow, 15)].into());
    assert_eq!(used(&store), [3, 0]);
    assert_eq!(used_at(&store, ahead), [15, 0]);
}

#[test]
fn counters_that_no_limit_has_are_not_charged() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    let unknown = CounterId {
        subject: LimitSubject::Account(account()),
        ..day(TODAY)
    };
    let charges = [
        (counter(WindowKind::Day, TODAY, 9), 10),
        (unknown, 10),
        (lifetime(), 1),
    ];
    assert_eq!(
        charge(&store, &batch(1, &charges)).used,
        [(lifetime(), 1)].into()
    );
    let edit = KeyEdit {
        limits: Some(limits(&[limit(Window::Lifetime, 5)])),
        ..KeyEdit::default()
    };
    store.edit(&target(1), edit, true, &act()).unwrap();
    charge(&store, &batch(2, &[(day(TODAY), 10), (lifetime(), 1)]));
    assert_eq!(used(&store), [2]);
}

#[test]
fn another_amount_keeps_what_was_used_and_a_reset_does_not() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    charge(&store, &batch(1, &[(day(TODAY), 10), (lifetime(), 12)]));
    let offset = UtcOffset::parse("+08:00").unwrap();
    let changed = [limit(Window::Lifetime, 7), limit(Window::Day(offset), 100)];
    let edit = KeyEdit {
        limits: Some(limits(&changed)),
        ..KeyEdit::default()
    };
    let edited = store.edit(&target(1), edit, true, &act()).unwrap();
    assert_eq!(used(&store), [12, 0]);
    let owner = LimitOwner::Key(target(1));
    let reset = store.reset_limits(&owner, &act()).unwrap();
    assert!(reset.generation > edited.generation);
    assert_eq!(used(&store), [0, 0]);
    charge(&store, &batch(2, &[(lifetime(), 12)]));
    assert_eq!(used(&store), [0, 0], "it was settled before the reset");
    let row = &store.audit(&AuditFilter::default(), 1).unwrap()[0];
    assert_eq!(row.action, "limits.reset");
    assert!(row.detail.contains("\"used\":[12,0]"), "{}", row.detail);
}
