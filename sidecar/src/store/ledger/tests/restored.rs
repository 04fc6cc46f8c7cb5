//! A restore gives nothing back: what was used since the copy was made stays used.

use super::*;
use crate::domain::audit::{Actor, AuditAction, AuditEntry};
use crate::store::{CarriedOver, backup, restore};

fn restored(scratch: &Scratch, copy: &std::path::Path) -> Store {
    let entry = AuditEntry {
        at: NOW,
        actor: Actor::System,
        address: None,
        account: None,
        action: AuditAction::Restored,
        target: String::new(),
        detail: serde_json::json!({}),
    };
    let carried = restore(&scratch.0, copy, &entry).unwrap();
    assert_eq!(carried, CarriedOver::Deletions(0));
    std::fs::remove_file(copy).unwrap();
    scratch.open_file()
}

#[test]
fn the_larger_figure_counts_and_no_batch_twice() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    limited(&store, both());
    charge(&store, &batch(1, &[(day(TODAY), 10)]));
    let copy = scratch.0.with_extension("copy");
    backup(&scratch.0, &copy).unwrap();
    let late = batch(2, &[(day(TODAY), 5), (lifetime(), 7)]);
    charge(&store, &late);
    // A limit that the copy does not have: its number is not given again.
    let edit = |window: Window| KeyEdit {
        limits: Some(limits(&[
            limit(Window::Day(UtcOffset::UTC), 100),
            limit(Window::Lifetime, 1_000),
            limit(window, 5),
        ])),
        ..KeyEdit::default()
    };
    let first = UtcOffset::parse("+01:00").unwrap();
    let month = Window::Month(keytable::StartDay::FIRST, first);
    store.edit(&target(1), edit(month), true, &act()).unwrap();
    drop(store);
    let store = restored(&scratch, &copy);
    assert_eq!(used(&store), [15, 7]);
    charge(&store, &late);
    assert_eq!(used(&store), [15, 7]);
    store.edit(&target(1), edit(month), true, &act()).unwrap();
    let numbers = store.get(&target(1)).unwrap().limits;
    let numbers: Vec<u32> = numbers.iter().map(|one| one.resets).collect();
    assert_eq!(numbers, [1, 2, 4]);
}
