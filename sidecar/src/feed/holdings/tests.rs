//! Who holds what, in whatever order it is said.

use keytable::{Charge, KeyId, LimitSubject, Unit, WindowKind};

use super::*;

const ONE: Source = [1; 16];
const OTHER: Source = [2; 16];

fn counter(start_unix_ms: u64) -> CounterId {
    CounterId {
        subject: LimitSubject::Key(KeyId::parse("ak-1").unwrap()),
        unit: Unit::Tokens,
        window: WindowKind::Day,
        start_unix_ms,
        resets: 1,
    }
}

fn batch(source: Source, sequence: u64, held: &[(u64, u64)]) -> UsageBatch {
    let charge = |(start, held): &(u64, u64)| Charge {
        counter: counter(*start),
        charged: 0,
        held: *held,
        base: 0,
    };
    UsageBatch {
        source,
        sequence,
        rows: Vec::new(),
        charges: held.iter().map(charge).collect(),
    }
}

fn said(batches: &[UsageBatch]) -> Holdings {
    let mut holdings = Holdings::new(Instant::now());
    for batch in batches {
        holdings.note(batch, |_| 0);
    }
    holdings
}

#[test]
fn each_sees_what_the_others_hold() {
    let holdings = said(&[
        batch(ONE, 1, &[(0, 10)]),
        batch(OTHER, 1, &[(0, 5), (1, 7)]),
    ]);
    assert_eq!(holdings.of(&counter(0)), 15);
    assert_eq!(holdings.of_others(&ONE, &counter(0)), 5);
    assert_eq!(holdings.of_others(&OTHER, &counter(0)), 10);
    assert_eq!(holdings.of_others(&[3; 16], &counter(0)), 15);
    assert_eq!(holdings.of_others(&OTHER, &counter(1)), 0);
    assert_eq!(holdings.of(&counter(2)), 0);
}

#[test]
fn the_newest_batch_counts_and_what_it_does_not_name_stays() {
    let first = batch(ONE, 1, &[(0, 10), (1, 3)]);
    let second = batch(ONE, 2, &[(0, 4)]);
    let holdings = said(&[first.clone(), second.clone(), second, first]);
    assert_eq!((holdings.of(&counter(0)), holdings.of(&counter(1))), (4, 3));
    let none = said(&[batch(ONE, 1, &[(0, 10)]), batch(ONE, 2, &[(0, 0)])]);
    assert_eq!(none.of(&counter(0)), 0);
}

#[test]
fn what_was_charged_in_advance_is_not_held_too() {
    let mut holdings = said(&[]);
    holdings.note(&batch(ONE, 1, &[(0, 10)]), |_| 4);
    assert_eq!(holdings.of(&counter(0)), 6);
    holdings.note(&batch(ONE, 2, &[(0, 3)]), |_| 4);
    assert_eq!(holdings.of(&counter(0)), 0);
}

#[test]
fn those_that_are_gone_leave_nothing_behind() {
    let mut holdings = said(&[
        batch(ONE, 1, &[(0, 10), (1, 3)]),
        batch(OTHER, 1, &[(0, 5)]),
    ]);
    let gone = holdings.of_gone(|source| *source == ONE);
    let wanted = GivenUp {
        source: ONE,
        held: vec![(counter(0), 10), (counter(1), 3)],
    };
    assert_eq!(gone, [wanted]);
    assert_eq!(holdings.of(&counter(0)), 15, "until it is charged");
    holdings.forget(&gone);
    assert_eq!((holdings.of(&counter(0)), holdings.of(&counter(1))), (5, 0));
    assert!(holdings.of_gone(|source| *source == ONE).is_empty());
}

#[test]
fn for_three_seconds_a_process_does_not_know_all() {
    let begun = Instant::now();
    let holdings = Holdings::new(begun);
    assert!(holdings.is_young(begun + Duration::from_millis(2_999)));
    assert!(!holdings.is_young(begun + Duration::from_secs(3)));
}
