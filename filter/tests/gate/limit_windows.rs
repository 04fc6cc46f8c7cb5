//! Days of limits in one Envoy whose clock, and the ledger's, is set forward and back: no day is granted twice, and
//! none is lost.
//!
//! Which day a time is in is `keytable`'s. Invariant: the ledger has what it was told, and nobody else uses anything.

use filter::follower::Answer;
use keytable::{RecordedLimit, Unit, UsageAnswer, UsageBatch, UtcOffset, Window};

use super::limits::{keeping, limit, limited};
use crate::support::{Exchange, Rig};

/// 2026-01-01.
const TODAY_MS: u64 = 1_767_225_600_000;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// The agent looks at each cell; four times so many are less than the lease.
const SWEEP_TICKS: usize = 270;
/// The number that the host gives the first post.
const FIRST_POST: u32 = 1_000_001;

/// Five requests a day, in a record that was made in the day that began then.
fn five_a_day(start_unix_ms: u64) -> RecordedLimit {
    RecordedLimit {
        start_unix_ms,
        ..limit(Unit::Requests, Window::Day(UtcOffset::UTC), 5)
    }
}

/// Time passes; gates tell, and the ledger answers at this time of its own clock.
fn pass(rig: &mut Rig, ticks: usize, ledger_unix_ms: u64) {
    for _ in 0..ticks {
        rig.host.advance_ms(50);
        let now_ns = rig.host.shared.monotonic_ns.get();
        rig.shared.limits.tell(&rig.host, now_ns);
        let told = rig.host.shared.queue.take();
        told.iter()
            .for_each(|message| rig.agent.gather(&rig.host, message));
        rig.host.shared.posts.borrow_mut().clear();
        rig.agent.tick(&rig.host);
        let posted = rig.host.shared.posts.borrow_mut().pop();
        if let Some((_, bytes)) = posted {
            let answer = UsageAnswer {
                sequence: UsageBatch::decode(&bytes).unwrap().sequence,
                ledger_unix_ms,
                next_ms: 0,
                figures: Vec::new(),
            };
            let (status, body) = (200, &answer.encode());
            rig.agent
                .answer(&rig.host, FIRST_POST, Answer::Http { status, body });
        }
    }
}

fn ask(rig: &Rig) -> Exchange {
    rig.post().bearer(1).send(&[br#"{"model":"m"}"#])
}

/// How many of so many requests are served.
fn served(rig: &Rig, count: usize) -> usize {
    (0..count).filter(|_| ask(rig).status() == 200).count()
}

#[test]
fn a_day_that_the_ledgers_clock_comes_back_to_is_not_granted_anew() {
    let mut rig = keeping(&[limited(1, &[five_a_day(TODAY_MS)])]);
    let (today, tomorrow) = (TODAY_MS + 7 * HOUR_MS, TODAY_MS + DAY_MS + 7 * HOUR_MS);
    rig.host.shared.unix_ms.set(today);
    let mut all = vec![served(&rig, 1)];
    for (unix_ms, count) in [(today, 2), (tomorrow, 3), (today, 9), (tomorrow, 9)] {
        pass(&mut rig, SWEEP_TICKS, unix_ms);
        all.push(served(&rig, count));
    }
    assert_eq!(all, [1, 2, 3, 2, 2]);
}

#[test]
fn a_day_is_not_lost_to_a_record_that_was_made_while_the_clock_was_ahead() {
    let marked = RecordedLimit {
        used: 5,
        full_until_unix_ms: Some(TODAY_MS + 2 * DAY_MS),
        ..five_a_day(TODAY_MS + DAY_MS)
    };
    let mut rig = keeping(&[limited(1, &[marked])]);
    rig.host.shared.unix_ms.set(TODAY_MS + DAY_MS);
    assert_eq!(served(&rig, 9), 0, "by Envoy's own clock");
    pass(&mut rig, 100, TODAY_MS);
    assert_eq!(served(&rig, 9), 5, "the day that it really is");
    pass(&mut rig, 100, TODAY_MS + DAY_MS);
    assert_eq!(served(&rig, 9), 0, "the day that was used up");
}

#[test]
fn an_envoy_whose_clock_is_behind_begins_with_the_window_of_the_record() {
    let used = RecordedLimit {
        used: 4,
        ..five_a_day(TODAY_MS)
    };
    let mut rig = keeping(&[limited(1, &[used])]);
    rig.host.shared.unix_ms.set(TODAY_MS - DAY_MS);
    assert_eq!(served(&rig, 9), 1, "before the ledger was heard");
    pass(&mut rig, 100, TODAY_MS + HOUR_MS);
    assert_eq!(served(&rig, 9), 0);
    rig.host.shared.unix_ms.set(TODAY_MS + 9 * DAY_MS);
    assert_eq!(served(&rig, 9), 0, "its own clock does not count any more");
}
