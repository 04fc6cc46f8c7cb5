//! Cells: admission and settlement by their rules, refusals with their waits, and the bytes.
//!
//! Does not test processes and networks (`tests/model` does). Invariant: a refused request leaves a cell as it was.

#![cfg(test)]

use std::collections::BTreeSet;

use keytable::cell::{Ask, Cell, CellCounter, Charger, GateHolds, LimitRefusal, Spent};
use keytable::limits::CHARGES_MAX;
use keytable::{
    Amount, ExpectedTokens, KeyId, Limit, LimitSubject, RecordedLimit, Unit, Unmetered,
    UsageAnswer, UtcOffset, WhenApart, Window,
};
use proptest::prelude::*;

/// 2026-01-01.
const NOW_MS: u64 = 1_767_225_600_000;
const DAY_MS: u64 = 86_400_000;

fn subject(name: &str) -> LimitSubject {
    LimitSubject::Key(KeyId::parse(name).unwrap())
}

fn key() -> LimitSubject {
    subject("ak-1")
}

fn limit(unit: Unit, window: Window, amount: u64) -> RecordedLimit {
    RecordedLimit {
        limit: Limit {
            unit,
            window,
            amount: Amount::new(amount).unwrap(),
            expected: ExpectedTokens::new(10).unwrap(),
            when_apart: WhenApart::Serve,
            unmetered: Unmetered::Refuse,
        },
        resets: 0,
        start_unix_ms: window.span_at(NOW_MS).start_unix_ms,
        used: 0,
        full_until_unix_ms: None,
    }
}

fn daily(amount: u64) -> RecordedLimit {
    limit(Unit::Tokens, Window::Day(UtcOffset::UTC), amount)
}

fn ask(body_bytes: u64) -> Ask {
    Ask {
        gate: 7,
        now_unix_ms: NOW_MS,
        is_apart: false,
        body_bytes,
        is_provisional: false,
    }
}

fn only(cell: &Cell) -> &CellCounter {
    let [entry] = cell.entries() else {
        panic!("not one subject: {cell:?}");
    };
    let [counter] = entry.counters.as_slice() else {
        panic!("not one counter: {entry:?}");
    };
    counter
}

#[test]
fn a_request_holds_what_it_is_expected_to_use_and_is_charged_what_it_used() {
    let (mut cell, limits) = (Cell::default(), [daily(1_000)]);
    let admission = cell.admit(&key(), &limits, &ask(400)).unwrap();
    assert_eq!(only(&cell).known(), 110);
    assert_eq!(admission.standings[0].left, 1_000);
    cell.settle(&admission, Spent::Tokens(300), NOW_MS);
    assert_eq!((only(&cell).held(), only(&cell).settled()), (0, 300));
}

#[test]
fn a_large_body_is_expected_to_be_a_hundred_thousand_tokens() {
    let (mut cell, limits) = (Cell::default(), [daily(1_000_000)]);
    cell.admit(&key(), &limits, &ask(u64::MAX)).unwrap();
    assert_eq!(only(&cell).held(), 100_010);
}

#[test]
fn what_is_left_is_held_and_then_nothing_is_admitted() {
    let (mut cell, limits) = (Cell::default(), [daily(15)]);
    let first = cell.admit(&key(), &limits, &ask(0)).unwrap();
    let second = cell.admit(&key(), &limits, &ask(0)).unwrap();
    assert_eq!((first.taken[0].held, second.taken[0].held), (10, 5));
    let before = cell.clone();
    let refused = cell.admit(&key(), &limits, &ask(0)).unwrap_err();
    assert!(matches!(refused, LimitRefusal::Running(standing) if standing.left == 0));
    assert_eq!(cell, before);
    // What they did not use is left again; what they used beyond it is a debt.
    cell.settle(&first, Spent::Tokens(3), NOW_MS);
    assert!(cell.admit(&key(), &limits, &ask(0)).is_ok());
    cell.settle(&second, Spent::Tokens(500), NOW_MS);
    let refused = cell.admit(&key(), &limits, &ask(0)).unwrap_err();
    let LimitRefusal::Exhausted(standing) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(standing.resets_at_unix_ms, Some(NOW_MS + DAY_MS));
}

#[test]
fn a_new_window_begins_with_nothing_and_what_runs_is_settled_in_its_own() {
    let (mut cell, limits) = (Cell::default(), [daily(10)]);
    let late = cell.admit(&key(), &limits, &ask(0)).unwrap();
    let tomorrow = Ask {
        now_unix_ms: NOW_MS + DAY_MS,
        ..ask(0)
    };
    assert!(cell.admit(&key(), &limits, &tomorrow).is_ok());
    cell.settle(&late, Spent::Tokens(8), NOW_MS + DAY_MS);
    let [yesterday, today] = cell.entries()[0].counters.as_slice() else {
        panic!("{cell:?}");
    };
    assert_eq!((yesterday.settled(), yesterday.held()), (8, 0));
    assert_eq!((today.settled(), today.held()), (0, 10));
}

#[test]
fn requests_are_charged_when_they_are_admitted_unless_another_subject_may_refuse() {
    let limits = [limit(Unit::Requests, Window::Lifetime, 2)];
    let mut cell = Cell::default();
    let admission = cell.admit(&key(), &limits, &ask(0)).unwrap();
    assert!(admission.taken.is_empty());
    assert_eq!((only(&cell).settled(), only(&cell).held()), (1, 0));
    let first = Ask {
        is_provisional: true,
        ..ask(0)
    };
    let held = cell.admit(&key(), &limits, &first).unwrap();
    assert_eq!((only(&cell).settled(), only(&cell).held()), (1, 1));
    cell.settle(&held, Spent::Nothing, NOW_MS);
    assert_eq!(only(&cell).known(), 1);
}

#[test]
fn the_refusal_that_holds_longest_is_told() {
    let limits = [
        limit(Unit::Requests, Window::Minute, 1),
        limit(Unit::Requests, Window::Lifetime, 1),
    ];
    let mut cell = Cell::default();
    cell.admit(&key(), &limits, &ask(0)).unwrap();
    let refused = cell.admit(&key(), &limits, &ask(0)).unwrap_err();
    assert!(
        matches!(refused, LimitRefusal::Exhausted(standing) if standing.window == keytable::WindowKind::Lifetime)
    );
}

#[test]
fn a_minute_says_how_long_to_wait_and_a_long_wait_is_none() {
    let limits = [limit(Unit::Tokens, Window::Minute, 60)];
    let mut cell = Cell::default();
    let admission = cell.admit(&key(), &limits, &ask(0)).unwrap();
    cell.settle(&admission, Spent::Tokens(89), NOW_MS);
    let refused = cell.admit(&key(), &limits, &ask(0)).unwrap_err();
    assert!(
        matches!(refused, LimitRefusal::Wait(_, 30_000)),
        "{refused:?}"
    );
    let later = Ask {
        now_unix_ms: NOW_MS + 30_000,
        ..ask(0)
    };
    let again = cell.clone().admit(&key(), &limits, &later).unwrap();
    assert_eq!(again.taken[0].held, 1);
    let admission = cell.admit(&key(), &limits, &later).unwrap();
    cell.settle(&admission, Spent::Tokens(1_000), NOW_MS + 30_000);
    let refused = cell.admit(&key(), &limits, &later).unwrap_err();
    assert!(matches!(refused, LimitRefusal::Exhausted(_)), "{refused:?}");
}

#[test]
fn a_mark_of_the_record_refuses_until_it_ends() {
    let marked = RecordedLimit {
        full_until_unix_ms: Some(NOW_MS + 5),
        ..daily(1_000)
    };
    let refused = Cell::default().admit(&key(), &[marked], &ask(0));
    assert!(matches!(refused, Err(LimitRefusal::Exhausted(_))));
    let later = Ask {
        now_unix_ms: NOW_MS + 5,
        ..ask(0)
    };
    assert!(Cell::default().admit(&key(), &[marked], &later).is_ok());
}

/// A clock was set forward, the day that it came to was used up, and it was set back.
#[test]
fn a_mark_says_nothing_of_the_window_before() {
    let marked = RecordedLimit {
        full_until_unix_ms: Some(NOW_MS + 2 * DAY_MS),
        ..daily(1_000)
    };
    let at = |now_unix_ms| Ask {
        now_unix_ms,
        ..ask(0)
    };
    let is_admitted = |ask: Ask| Cell::default().admit(&key(), &[marked], &ask).is_ok();
    assert!(is_admitted(at(NOW_MS + DAY_MS - 1)));
    assert!(!is_admitted(at(NOW_MS + DAY_MS)));
    assert!(!is_admitted(at(NOW_MS + 2 * DAY_MS - 1)));
    assert!(is_admitted(at(NOW_MS + 2 * DAY_MS)));
}

#[test]
fn apart_a_limit_that_says_so_refuses_and_others_serve() {
    let mut strict = daily(1_000);
    strict.limit.when_apart = WhenApart::Refuse;
    let apart = Ask {
        is_apart: true,
        ..ask(0)
    };
    let mut cell = Cell::default();
    let refused = cell.admit(&key(), &[strict], &apart);
    assert_eq!(refused, Err(LimitRefusal::Apart));
    assert!(cell.admit(&key(), &[strict], &ask(0)).is_ok());
    assert!(cell.admit(&key(), &[daily(1_000)], &apart).is_ok());
}

#[test]
fn an_entry_begins_with_what_the_record_says() {
    let recorded = RecordedLimit {
        used: 995,
        ..daily(1_000)
    };
    let mut cell = Cell::default();
    let admission = cell.admit(&key(), &[recorded], &ask(0)).unwrap();
    assert_eq!(admission.taken[0].held, 5);
}

#[test]
fn what_was_given_up_is_charged_once() {
    let (mut cell, limits) = (Cell::default(), [daily(1_000)]);
    let low = cell.admit(&key(), &limits, &ask(0)).unwrap();
    let high = cell.admit(&key(), &limits, &ask(0)).unwrap();
    assert!(cell.give_up(|gate| gate == 7));
    assert!(!cell.give_up(|gate| gate == 7));
    assert_eq!((only(&cell).settled(), only(&cell).held()), (20, 0));
    cell.settle(&low, Spent::Tokens(4), NOW_MS);
    assert_eq!(only(&cell).settled(), 20);
    cell.settle(&high, Spent::Tokens(25), NOW_MS);
    assert_eq!(only(&cell).settled(), 35);
}

#[test]
fn a_gate_that_was_given_up_is_not_known_any_more() {
    let (mut cell, limits) = (Cell::default(), [daily(1_000)]);
    let mut holds = GateHolds::new(7);
    assert!(holds.is_known_in(&cell, &key()));
    let admission = cell.admit(&key(), &limits, &ask(0)).unwrap();
    holds.took(&admission);
    assert!(holds.is_known_in(&cell, &key()));
    cell.give_up(|_| true);
    assert!(!holds.is_known_in(&cell, &key()));
    assert!(holds.is_known_in(&cell, &subject("ak-2")));
    holds.gave_back(&admission);
    assert!(holds.is_known_in(&cell, &key()));
}

#[test]
fn an_acknowledged_charge_moves_into_the_base_and_what_came_since_stays() {
    let (mut cell, limits) = (Cell::default(), [daily(1_000)]);
    let admission = cell.admit(&key(), &limits, &ask(0)).unwrap();
    cell.settle(&admission, Spent::Tokens(30), NOW_MS);
    let [charge] = &cell.charges()[..] else {
        panic!("not one charge");
    };
    assert_eq!((charge.charged, charge.held, charge.base), (30, 0, 0));
    let charge = charge.clone();
    let admission = cell.admit(&key(), &limits, &ask(0)).unwrap();
    cell.settle(&admission, Spent::Tokens(5), NOW_MS);
    cell.acknowledge(&charge, None);
    assert_eq!((only(&cell).settled(), only(&cell).unsent()), (35, 5));
    let charge = cell.charges()[0].clone();
    assert_eq!((charge.charged, charge.base), (5, 30));
    cell.acknowledge(&charge, Some(500));
    assert_eq!((only(&cell).settled(), only(&cell).unsent()), (500, 0));
}

#[test]
fn a_cell_forgets_a_past_window_when_the_ledger_has_it() {
    let (mut cell, limits) = (Cell::default(), [daily(1_000)]);
    let admission = cell.admit(&key(), &limits, &ask(0)).unwrap();
    let later = NOW_MS + DAY_MS;
    assert!(!cell.tidy(later, |_| true));
    cell.settle(&admission, Spent::Tokens(30), NOW_MS);
    assert!(!cell.tidy(later, |_| true));
    let charge = cell.charges()[0].clone();
    cell.acknowledge(&charge, None);
    assert!(!cell.tidy(later - 1, |_| true));
    assert!(!cell.tidy(later, |_| false));
    assert!(cell.tidy(later, |_| true));
    assert_eq!(cell, Cell::default());
}

/// Uses so much of a day's limit at a time, and tells the ledger.
fn use_at(cell: &mut Cell, recorded: RecordedLimit, now_unix_ms: u64, tokens: u64) {
    let ask = Ask {
        now_unix_ms,
        ..ask(0)
    };
    let admission = cell.admit(&key(), &[recorded], &ask).unwrap();
    cell.settle(&admission, Spent::Tokens(tokens), now_unix_ms);
    for charge in cell.charges() {
        cell.acknowledge(&charge, None);
    }
}

#[test]
fn a_window_that_a_clock_may_come_back_to_is_not_forgotten_for_a_later_one() {
    let mut cell = Cell::default();
    use_at(&mut cell, daily(1_000), NOW_MS, 30);
    use_at(&mut cell, daily(1_000), NOW_MS + DAY_MS, 40);
    assert!(!cell.tidy(NOW_MS, |_| true));
    let of_both: Vec<_> = cell.entries()[0].counters.iter().collect();
    let settled: Vec<_> = of_both.iter().map(|counter| counter.settled()).collect();
    assert_eq!(settled, [30, 40]);
    assert!(cell.tidy(NOW_MS + DAY_MS, |_| true));
    assert_eq!(only(&cell).settled(), 40);
}

#[test]
fn a_counter_that_was_begun_anew_is_forgotten_at_once() {
    let again = RecordedLimit {
        resets: 1,
        ..daily(1_000)
    };
    let mut cell = Cell::default();
    use_at(&mut cell, daily(1_000), NOW_MS, 30);
    use_at(&mut cell, again, NOW_MS, 40);
    assert!(cell.tidy(NOW_MS, |_| true));
    assert_eq!((only(&cell).resets, only(&cell).settled()), (1, 40));
}

/// A cell of so many subjects, each of which has used something.
fn full_cell(index: u16, subjects: u16) -> Cell {
    let mut cell = Cell::default();
    for n in 0..subjects {
        let subject = subject(&format!("ak-{index}-{n}"));
        let admission = cell.admit(&subject, &[daily(1_000)], &ask(0)).unwrap();
        cell.settle(&admission, Spent::Tokens(1), NOW_MS);
    }
    cell
}

#[test]
fn what_does_not_fit_into_a_batch_is_told_with_the_next() {
    let (cells, subjects) = (30, 500);
    let mut charger = Charger::default();
    (0..cells).for_each(|cell| charger.touch(cell));
    let (mut told, mut batches) = (BTreeSet::new(), Vec::new());
    while charger.has_news() {
        let charges = charger.begin(|index| Some(full_cell(index, subjects)));
        batches.push(charges.len());
        told.extend(charges.into_iter().map(|charge| charge.counter));
        charger.acknowledged(&UsageAnswer {
            sequence: 1,
            ledger_unix_ms: NOW_MS,
            next_ms: 0,
            figures: Vec::new(),
        });
    }
    assert_eq!(batches, [CHARGES_MAX, 5_000]);
    assert_eq!(told.len(), usize::from(cells) * usize::from(subjects));
}

#[test]
fn subjects_are_spread_and_an_account_is_no_key() {
    let cells: BTreeSet<_> = (0..1_000)
        .map(|n| Cell::index_of(&subject(&format!("ak-{n}"))))
        .collect();
    assert!(cells.len() > 950 && cells.iter().all(|cell| *cell < keytable::cell::CELLS));
    let account = LimitSubject::Account(keytable::AccountId::parse("ak-1").unwrap());
    assert_ne!(Cell::index_of(&account), Cell::index_of(&key()));
}

proptest! {
    #[test]
    fn a_cell_is_read_as_it_is_written(
        steps in proptest::collection::vec((0u8..4, 0u8..3, 0u64..5_000), 0..40),
    ) {
        let mut cell = Cell::default();
        let limits = [
            daily(100_000),
            limit(Unit::Tokens, Window::Minute, 100_000),
            limit(Unit::Requests, Window::Lifetime, 1_000),
        ];
        let mut running = Vec::new();
        for (step, name, number) in steps {
            let now_unix_ms = NOW_MS + number * 100_000;
            let asked = Ask { gate: u32::from(name), now_unix_ms, ..ask(number) };
            match step {
                0 | 1 => running.extend(cell.admit(&subject(&format!("ak-{name}")), &limits, &asked)),
                2 => drop(running.pop().map(|one| cell.settle(&one, Spent::Tokens(number), now_unix_ms))),
                _ => drop(cell.give_up(|gate| gate == asked.gate)),
            }
            let bytes = cell.encode();
            prop_assert_eq!(Cell::decode(&bytes), Some(cell.clone()));
            prop_assert_eq!(Cell::decode(&bytes[..bytes.len() - 1]), None);
        }
    }

    #[test]
    fn bytes_that_are_no_cell_are_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Cell::decode(&bytes), None);
    }
}
