//! Usage: what the gate counts, what a worker hands over, and what the agent reports.
//!
//! Does not repeat the batch's format, which is `keytable`'s. Invariant checked throughout: no
//! request is counted twice, and none is lost while there is room.

use crate::support::{Rig, record};
use filter::counts::{Counter, Counts};
use filter::reply::Refusal;
use filter::reporter::{Reported, Reporter};
use filter::tally::{Counted, Kept, Tally};
use keytable::limits::USAGE_ROWS_MAX;
use keytable::{ClientAddress, Denial, KeyHash, KeyId, Tokens, UsageBatch, UsageOutcome, UsageRow};

const SECOND_NS: u64 = 1_000_000_000;

fn hash(number: u16) -> KeyHash {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&number.to_le_bytes());
    KeyHash::from_bytes(bytes)
}

fn deny(tally: &mut Tally, key: u16, resource: &str) {
    assert_eq!(deny_from(tally, key, resource, ""), Kept::Yes);
}

fn deny_from(tally: &mut Tally, key: u16, resource: &str, address: &str) -> Kept {
    let key_hash = hash(key);
    let key_id = format!("ak-{key}");
    let counted = Counted {
        key_hash: &key_hash,
        key_id: &key_id,
        resource: "",
    };
    let refusal = Refusal::Denied(Denial::Disabled, Some(resource.to_owned()));
    tally.refused(&refusal, counted, || {
        ClientAddress::parse(address.as_bytes())
    })
}

fn row(resource: &str, count: u64, at: u64) -> UsageRow {
    UsageRow {
        key_id: KeyId::parse("ak-1").unwrap(),
        resource: resource.to_owned(),
        outcome: UsageOutcome::Permitted,
        count,
        tokens: Tokens::default(),
        last_at_unix_ms: at,
        last_address: None,
    }
}

fn handed(rows: Vec<UsageRow>) -> Vec<u8> {
    UsageBatch {
        source: [0; 16],
        sequence: 0,
        rows,
        charges: Vec::new(),
    }
    .encode()
}

#[test]
fn requests_of_one_kind_are_one_row_and_are_taken_once() {
    let mut tally = Tally::default();
    deny(&mut tally, 1, "glm-5.1");
    deny(&mut tally, 1, "glm-5.1");
    deny(&mut tally, 1, "kimi-k2.6");
    deny(&mut tally, 2, "glm-5.1");
    let mut rows = tally.take(77);
    rows.sort_by(|a, b| (&a.key_id, &a.resource).cmp(&(&b.key_id, &b.resource)));
    let seen: Vec<_> = rows
        .iter()
        .map(|r| (r.key_id.as_str(), r.resource.as_str(), r.count))
        .collect();
    assert_eq!(
        seen,
        [
            ("ak-1", "glm-5.1", 2),
            ("ak-1", "kimi-k2.6", 1),
            ("ak-2", "glm-5.1", 1)
        ]
    );
    assert!(
        rows.iter()
            .all(|r| r.outcome == UsageOutcome::Disabled && r.last_at_unix_ms == 77)
    );
    assert!(tally.take(78).is_empty());
}

#[test]
fn too_many_resources_are_counted_without_their_names() {
    let mut tally = Tally::default();
    for number in 0..1_000 {
        deny(&mut tally, 1, &format!("model-{number}"));
    }
    let rows = tally.take(1);
    assert!(rows.len() <= 65, "{}", rows.len());
    assert_eq!(rows.iter().map(|r| r.count).sum::<u64>(), 1_000);
}

#[test]
fn a_full_tally_keeps_counting_the_keys_that_it_knows_and_says_what_it_does_not_keep() {
    let mut tally = Tally::default();
    let known = u16::try_from(USAGE_ROWS_MAX).unwrap();
    (0..known).for_each(|key| deny(&mut tally, key, "glm-5.1"));
    assert!(tally.is_full());
    deny(&mut tally, 7, "glm-5.1");
    deny(&mut tally, 7, "kimi-k2.6");
    assert_eq!(deny_from(&mut tally, known, "glm-5.1", ""), Kept::No);
    let rows = tally.take(1);
    let of_seven = rows.iter().filter(|row| row.key_id.as_str() == "ak-7");
    let mut of_seven: Vec<_> = of_seven
        .map(|row| (row.resource.as_str(), row.count))
        .collect();
    of_seven.sort_unstable();
    assert_eq!(of_seven, [("", 1), ("glm-5.1", 2)]);
    assert_eq!(
        rows.iter().map(|row| row.count).sum::<u64>(),
        u64::from(known) + 2
    );
    deny(&mut tally, known, "glm-5.1");
}

/// Counts that nobody takes for a while still say when the newest came, and from where.
#[test]
fn a_row_has_time_and_address_of_the_newest_requests() {
    let mut tally = Tally::default();
    for (address, now) in [("192.0.2.1:1", 1_000), ("192.0.2.2:1", 2_000)] {
        assert_eq!(deny_from(&mut tally, 1, "a", address), Kept::Yes);
        tally.stamp(now);
    }
    assert_eq!(deny_from(&mut tally, 2, "a", "192.0.2.3:1"), Kept::Yes);
    tally.stamp(3_000);
    let mut rows = tally.take(9_000);
    rows.sort_by(|a, b| a.key_id.cmp(&b.key_id));
    let newest: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.count,
                row.last_at_unix_ms,
                row.last_address.unwrap().to_string(),
            )
        })
        .collect();
    let wanted = [(2, 2_000, "192.0.2.2"), (1, 3_000, "192.0.2.3")];
    assert_eq!(
        newest,
        wanted.map(|(count, at, from)| (count, at, from.to_owned()))
    );
}

/// The singleton that empties the queue has crashed, and nobody starts it again.
#[test]
fn nothing_is_handed_over_to_an_agent_that_is_dead() {
    let mut rig = Rig::with(&[record(1)]);
    let queued = |rig: &Rig| rig.host.shared.queue.borrow().len();
    let call = |rig: &Rig| drop(rig.post().bearer(1).send(&[b"{}"]));
    call(&rig);
    rig.shared.hand_over(&rig.host);
    assert_eq!(queued(&rig), 1);
    for _ in 0..50 {
        rig.host.advance_ms(1_000);
        call(&rig);
        rig.shared.hand_over(&rig.host);
    }
    assert_eq!(queued(&rig), 5, "until it is silent for five seconds");
    rig.agent.tick(&rig.host);
    rig.shared.hand_over(&rig.host);
    let queue = rig.host.shared.queue.borrow();
    let batches = queue.iter().map(|batch| UsageBatch::decode(batch).unwrap());
    let rows: Vec<_> = batches.flat_map(|batch| batch.rows).collect();
    assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 51);
    assert_eq!(
        rows.last().unwrap().last_at_unix_ms,
        rig.host.shared.unix_ms.get()
    );
    assert_eq!(rig.host.lost.get(), 0);
}

#[test]
fn a_full_tally_is_handed_over_at_once_and_what_no_agent_takes_is_counted_as_lost() {
    let keys = USAGE_ROWS_MAX + 100;
    let records: Vec<_> = (1..=keys).map(record).collect();
    let mut rig = Rig::with(&records);
    let call = |rig: &Rig, key| {
        let exchange = rig.post().bearer(key).send(&[b"{}"]);
        exchange.host.lost.get()
    };
    let lost: u64 = (1..=keys).map(|key| call(&rig, key)).sum();
    assert_eq!(lost, 0);
    assert!(
        !rig.host.shared.queue.borrow().is_empty(),
        "before any tick"
    );
    rig.shared.hand_over(&rig.host);
    rig.host.advance_ms(5_000);
    let lost: u64 = (1..=keys).map(|key| call(&rig, key)).sum();
    assert_eq!(lost, 100);
    rig.agent.tick(&rig.host);
    assert_eq!(call(&rig, keys), 0, "there is room again");
}

#[test]
fn what_workers_count_for_monitoring_is_added_by_the_agent() {
    let mut rig = Rig::with(&[record(1)]);
    let counts = Counts::default();
    assert_eq!(counts.take(), None);
    counts.add(Counter::Requests(filter::outcome::Outcome::Scope), 2);
    counts.add(Counter::UsageLost, 3);
    counts.add(Counter::HeadersRemoved("x-org"), 1);
    counts.add(Counter::HeadersRemoved("x-org"), 3);
    let message = counts.take().unwrap();
    rig.agent.gather(&rig.host, &message);
    for cut in [&message[1..], &message[..message.len() - 1], b"LKC1"] {
        rig.agent.gather(&rig.host, cut);
    }
    let wanted = [
        ("latchkey.requests.scope".to_owned(), 2),
        ("latchkey.usage_lost".to_owned(), 3),
        ("latchkey.headers_removed.x-org".to_owned(), 4),
    ];
    assert_eq!(*rig.host.shared.added.borrow(), wanted);
    assert_eq!(counts.take(), None, "once");
}

#[test]
fn the_agent_says_what_it_has_no_room_for() {
    let mut rig = Rig::with(&[record(1)]);
    let rows = |from: usize, to: usize| {
        let key_id = |n| KeyId::parse(&format!("ak-{n}")).unwrap();
        let row = |n| UsageRow {
            key_id: key_id(n),
            ..row("a", 2, 1)
        };
        handed((from..to).map(row).collect())
    };
    rig.agent.gather(&rig.host, &rows(0, USAGE_ROWS_MAX));
    assert!(rig.host.shared.added.borrow().is_empty());
    rig.agent
        .gather(&rig.host, &rows(USAGE_ROWS_MAX, USAGE_ROWS_MAX + 5));
    assert_eq!(
        *rig.host.shared.added.borrow(),
        [("latchkey.usage_lost".to_owned(), 10)]
    );
}

/// Envoy's word that a call is over may never come.
#[test]
fn a_report_that_hangs_is_given_up_and_sent_again() {
    let mut reporter = Reporter::new([9; 16]);
    reporter.gather(&handed(vec![row("a", 1, 1)]));
    let first = reporter.due(0, None).unwrap().to_vec();
    reporter.sent(1, 0);
    assert!(
        reporter.due(20 * SECOND_NS, None).is_none(),
        "it may still come"
    );
    assert!(
        reporter.due(21 * SECOND_NS, None).is_none(),
        "given up, and backed off"
    );
    assert_eq!(reporter.due(30 * SECOND_NS, None).unwrap(), first);
    assert_eq!(
        reporter.answer(1, 204, &[], 30 * SECOND_NS),
        Reported::NotOurs
    );
    reporter.sent(2, 30 * SECOND_NS);
    assert_eq!(
        reporter.answer(2, 204, &[], 31 * SECOND_NS),
        Reported::Taken
    );
}

#[test]
fn a_batch_is_sent_until_it_is_taken_and_then_the_next() {
    let mut reporter = Reporter::new([9; 16]);
    assert!(reporter.due(0, None).is_none());
    reporter.gather(&handed(vec![row("a", 2, 5), row("b", 1, 5)]));
    reporter.gather(&handed(vec![row("a", 3, 9)]));
    let first = reporter.due(0, None).unwrap().to_vec();
    let batch = UsageBatch::decode(&first).unwrap();
    assert_eq!((batch.source, batch.sequence), ([9; 16], 1));
    assert_eq!(batch.rows, [row("a", 5, 9), row("b", 1, 5)]);

    reporter.sent(7, 0);
    reporter.gather(&handed(vec![row("c", 1, 10)]));
    assert!(reporter.due(SECOND_NS, None).is_none(), "one at a time");
    assert_eq!(reporter.answer(8, 204, &[], SECOND_NS), Reported::NotOurs);
    assert_eq!(reporter.answer(7, 503, &[], SECOND_NS), Reported::Later);
    assert!(reporter.due(SECOND_NS, None).is_none(), "it backs off");
    assert_eq!(
        reporter.due(100 * SECOND_NS, None).unwrap(),
        first,
        "the same bytes again"
    );
    reporter.sent(9, 100 * SECOND_NS);
    assert_eq!(
        reporter.answer(9, 204, &[], 100 * SECOND_NS),
        Reported::Taken
    );

    let second = UsageBatch::decode(reporter.due(200 * SECOND_NS, None).unwrap()).unwrap();
    assert_eq!((second.sequence, second.rows), (2, vec![row("c", 1, 10)]));
}

#[test]
fn a_batch_that_is_refused_for_good_does_not_block_the_next() {
    let mut reporter = Reporter::new([9; 16]);
    reporter.gather(&handed(vec![row("a", 1, 1)]));
    assert!(reporter.due(0, None).is_some());
    reporter.sent(1, 0);
    assert_eq!(reporter.answer(1, 400, &[], 0), Reported::Dropped(400));
    reporter.gather(&handed(vec![row("b", 1, 2)]));
    let next = UsageBatch::decode(reporter.due(100 * SECOND_NS, None).unwrap()).unwrap();
    assert_eq!((next.sequence, next.rows), (2, vec![row("b", 1, 2)]));
}

#[test]
fn what_is_no_batch_is_not_gathered() {
    let mut reporter = Reporter::new([9; 16]);
    reporter.gather(b"");
    reporter.gather(b"LKU1 nonsense");
    assert!(reporter.due(0, None).is_none());
}
