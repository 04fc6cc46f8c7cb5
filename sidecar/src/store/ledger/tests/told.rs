//! What Envoys are told of limits: by the key table, in the records of keys and accounts.

use keytable::{Epoch, Generation, RecordedLimit};

use super::*;
use crate::domain::audit::{Actor, AuditAction, AuditEntry};
use crate::domain::identity::account::AccountEdit;
use crate::domain::limit::FOREVER;
use crate::domain::rotation::Grace;
use crate::domain::table_entry::{KeyEntry, TableEntry};
use crate::store::tests::fixture::{add, region};
use crate::store::{Minted, News, Stored};

type Position = Option<(Epoch, Generation)>;

fn position(store: &Store) -> Position {
    Some((store.epoch(), store.generation().unwrap()))
}

/// The records that changed since.
fn news(store: &Store, home: &str, since: Position) -> Vec<TableEntry> {
    match store.news(&region(home), since, NOW).unwrap() {
        News::Changes { changes, .. } => {
            changes.into_iter().filter_map(|(_, entry)| entry).collect()
        }
        News::Gap { .. } => panic!("a gap"),
    }
}

fn whole(store: &Store, home: &str) -> Vec<TableEntry> {
    let mut entries = Vec::new();
    store
        .table(&region(home), NOW, |entry| entries.push(entry))
        .unwrap();
    entries
}

fn keys(entries: &[TableEntry]) -> Vec<&KeyEntry> {
    let keys = entries.iter().filter_map(|entry| match entry {
        TableEntry::Key(entry) => Some(entry),
        TableEntry::Account(_) => None,
    });
    keys.collect()
}

fn used_in(limits: &[RecordedLimit]) -> Vec<u64> {
    limits.iter().map(|limit| limit.used).collect()
}

fn edit_limits(store: &Store, number: u32, new: Limits) {
    let edit = KeyEdit {
        limits: Some(new),
        ..KeyEdit::default()
    };
    store.edit(&target(number), edit, true, &act()).unwrap();
}

fn limit_account(store: &Store, new: Limits) -> Stored<()> {
    let edit = AccountEdit {
        limits: Some(new),
        ..AccountEdit::default()
    };
    let entry = AuditEntry {
        at: NOW,
        actor: Actor::System,
        address: None,
        account: Some(account()),
        action: AuditAction::AccountEdited,
        target: account().to_string(),
        detail: serde_json::json!({}),
    };
    let stored = store.edit_account(&account(), None, &edit, &entry).unwrap();
    Stored {
        value: (),
        generation: stored.generation,
    }
}

fn rotate(store: &Store, old: u32, new: u32) {
    let minted = Minted {
        predecessor: Some(target(old).id),
        ..minted(new)
    };
    let grace = Grace::of_seconds(3_600).unwrap();
    store
        .rotate(&target(old), minted, grace, None, &act())
        .unwrap();
}

#[test]
fn a_record_has_limits_with_what_was_used_when_it_was_made() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let before = position(&store);
    limited(&store, both());
    charge(&store, &batch(1, &[(day(TODAY), 10), (lifetime(), 12)]));
    for entries in [news(&store, "local", before), whole(&store, "local")] {
        let [entry] = keys(&entries)[..] else {
            panic!("not one key");
        };
        assert_eq!(used_in(&entry.limits), [10, 12]);
        let counters = entry.limits.iter().map(|limit| {
            let subject = LimitSubject::Key(entry.key.subject.clone());
            limit.counter_at(subject, NOW.get())
        });
        assert_eq!(counters.collect::<Vec<_>>(), [day(TODAY), lifetime()]);
    }
    assert_eq!(store.key_entry(&target(1), NOW).unwrap().limits.len(), 2);
}

#[test]
fn a_successor_shares_the_limits_and_each_change_of_them() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    charge(&store, &batch(1, &[(day(TODAY), 10)]));
    let before = position(&store);
    rotate(&store, 1, 2);
    let entries = news(&store, "local", before);
    let told: Vec<_> = keys(&entries)
        .iter()
        .map(|entry| used_in(&entry.limits))
        .collect();
    assert_eq!(told, [[10, 0], [10, 0]]);
    let (before, revision) = (position(&store), store.get(&target(2)).unwrap().revision);
    edit_limits(&store, 1, limits(&[limit(Window::Day(UtcOffset::UTC), 7)]));
    let successor = store.get(&target(2)).unwrap();
    assert_eq!(successor.limits.shown()[0]["amount"], 7);
    assert_eq!(successor.revision, revision + 1, "its tag is another");
    assert_eq!(keys(&news(&store, "local", before)).len(), 2);
    store.delete(&target(1), Some("a key"), &act()).unwrap();
    charge(&store, &batch(2, &[(day(TODAY), 5)]));
    let owner = LimitOwner::Key(target(2));
    let standing = store.limits(&owner, NOW).unwrap();
    assert_eq!(
        used_in(&standing.recorded),
        [15],
        "the subject outlives the first key"
    );
    store.delete(&target(2), Some("a key"), &act()).unwrap();
    assert_eq!(
        ["limits", "ledger"].map(|table| rows(&store, table)),
        [0, 0]
    );
}

#[test]
fn an_account_has_a_record_in_each_region_and_its_keys_point_to_it() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add(&store, 1, "local");
    add(&store, 2, "other");
    let before = position(&store);
    limit_account(&store, Limits::default());
    assert!(news(&store, "local", before).is_empty(), "it never had any");
    limit_account(&store, both());
    for home in ["local", "other"] {
        for entries in [news(&store, home, before), whole(&store, home)] {
            assert_eq!(entries.len(), 2);
            let [key] = keys(&entries)[..] else {
                panic!("not one key");
            };
            assert!(key.is_account_limited && key.limits.is_empty());
        }
    }
    // From now on its own record changes alone.
    let before = position(&store);
    let subject = LimitSubject::Account(account());
    let spent = CounterId {
        subject: subject.clone(),
        ..lifetime()
    };
    charge(&store, &batch(1, &[(spent, 12)]));
    limit_account(&store, limits(&[limit(Window::Lifetime, 7)]));
    let [TableEntry::Account(record)] = &news(&store, "other", before)[..] else {
        panic!("not the account alone");
    };
    assert_eq!(
        (&record.account, used_in(&record.limits)),
        (&account(), vec![12])
    );
    limit_account(&store, Limits::default());
    let entries = whole(&store, "local");
    assert!(
        keys(&entries)[0].is_account_limited,
        "there is a record still"
    );
    let empty =
        |entry: &TableEntry| matches!(entry, TableEntry::Account(entry) if entry.limits.is_empty());
    assert!(entries.iter().any(empty));
}

#[test]
fn what_is_full_for_an_hour_is_marked_until_its_window_ends() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    let not_yet = charge(&store, &batch(1, &[(day(TODAY), 99), (lifetime(), 999)]));
    assert!(not_yet.full.is_empty());
    let told = charge(&store, &batch(2, &[(day(TODAY), 1), (lifetime(), 1)]));
    assert_eq!(told.full, [day(TODAY), lifetime()]);
    let before = position(&store);
    assert_eq!(store.mark_full(&told.full, NOW).unwrap().value, 2);
    let entries = news(&store, "local", before);
    let limits = &keys(&entries)[0].limits;
    let marks: Vec<_> = limits
        .iter()
        .map(|limit| limit.full_until_unix_ms)
        .collect();
    assert_eq!(marks, [Some(TODAY + DAY_MS), Some(FOREVER.get())]);
    // Once is enough, and a window that is about to end is not worth it.
    assert_eq!(store.mark_full(&told.full, NOW).unwrap().value, 0);
    let more = charge(&store, &batch(3, &[(day(TODAY), 1)]));
    assert!(more.full.is_empty());
    edit_limits(&store, 1, limits_of(101, 2_000));
    assert_eq!(
        store.key_entry(&target(1), NOW).unwrap().limits[0].full_until_unix_ms,
        None
    );
    let late = UnixMillis::new(TODAY + DAY_MS - 59 * 60_000);
    let full = store
        .charge(&[&batch(4, &[(day(TODAY), 1)])], &[], late)
        .unwrap();
    assert!(full.full.is_empty());
}

fn limits_of(of_day: u64, of_lifetime: u64) -> Limits {
    let day = limit(Window::Day(UtcOffset::UTC), of_day);
    limits(&[day, limit(Window::Lifetime, of_lifetime)])
}

/// The amount was raised between charge and mark.
#[test]
fn a_mark_rests_on_the_amount_of_its_own_transaction() {
    let scratch = Scratch::new();
    let store = scratch.open();
    limited(&store, both());
    let told = charge(&store, &batch(1, &[(day(TODAY), 100)]));
    edit_limits(&store, 1, limits_of(101, 1_000));
    let before = store.generation().unwrap();
    let marked = store.mark_full(&told.full, NOW).unwrap();
    assert_eq!((marked.value, marked.generation), (0, before));
}
