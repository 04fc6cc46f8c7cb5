//! Usage: what the gate counts, what a worker hands over, and what the agent reports.
//!
//! Does not repeat the batch's format, which is `keytable`'s. Invariant checked throughout: no
//! request is counted twice, and none is lost while there is room.

use filter::reply::Refusal;
use filter::reporter::{Reported, Reporter};
use filter::tally::{Counted, Tally};
use keytable::{Denial, KeyHash, KeyId, UsageBatch, UsageOutcome, UsageRow};

const SECOND_NS: u64 = 1_000_000_000;

fn hash(byte: u8) -> KeyHash {
    KeyHash::from_bytes([byte; 32])
}

fn deny(tally: &mut Tally, key: u8, resource: &str) {
    let key_hash = hash(key);
    let key_id = format!("ak-{key}");
    let counted = Counted {
        key_hash: &key_hash,
        key_id: &key_id,
        resource: "",
    };
    let refusal = Refusal::Denied(Denial::Disabled, Some(resource.to_owned()));
    tally.refused(&refusal, counted, || None);
}

fn row(resource: &str, count: u64, at: u64) -> UsageRow {
    UsageRow {
        key_id: KeyId::parse("ak-1").unwrap(),
        resource: resource.to_owned(),
        outcome: UsageOutcome::Permitted,
        count,
        last_at_unix_ms: at,
        last_address: None,
    }
}

fn handed(rows: Vec<UsageRow>) -> Vec<u8> {
    UsageBatch {
        source: [0; 16],
        sequence: 0,
        rows,
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
fn a_batch_is_sent_until_it_is_taken_and_then_the_next() {
    let mut reporter = Reporter::new([9; 16]);
    assert!(reporter.due(0).is_none());
    reporter.gather(&handed(vec![row("a", 2, 5), row("b", 1, 5)]));
    reporter.gather(&handed(vec![row("a", 3, 9)]));
    let first = reporter.due(0).unwrap().to_vec();
    let batch = UsageBatch::decode(&first).unwrap();
    assert_eq!((batch.source, batch.sequence), ([9; 16], 1));
    assert_eq!(batch.rows, [row("a", 5, 9), row("b", 1, 5)]);

    reporter.sent(7);
    reporter.gather(&handed(vec![row("c", 1, 10)]));
    assert!(reporter.due(SECOND_NS).is_none(), "one at a time");
    assert_eq!(reporter.answer(8, 204, SECOND_NS), Reported::NotOurs);
    assert_eq!(reporter.answer(7, 503, SECOND_NS), Reported::Later);
    assert!(reporter.due(SECOND_NS).is_none(), "it backs off");
    assert_eq!(
        reporter.due(100 * SECOND_NS).unwrap(),
        first,
        "the same bytes again"
    );
    reporter.sent(9);
    assert_eq!(reporter.answer(9, 204, 100 * SECOND_NS), Reported::Taken);

    let second = UsageBatch::decode(reporter.due(200 * SECOND_NS).unwrap()).unwrap();
    assert_eq!((second.sequence, second.rows), (2, vec![row("c", 1, 10)]));
}

#[test]
fn a_batch_that_is_refused_for_good_does_not_block_the_next() {
    let mut reporter = Reporter::new([9; 16]);
    reporter.gather(&handed(vec![row("a", 1, 1)]));
    assert!(reporter.due(0).is_some());
    reporter.sent(1);
    assert_eq!(reporter.answer(1, 400, 0), Reported::Dropped(400));
    reporter.gather(&handed(vec![row("b", 1, 2)]));
    let next = UsageBatch::decode(reporter.due(100 * SECOND_NS).unwrap()).unwrap();
    assert_eq!((next.sequence, next.rows), (2, vec![row("b", 1, 2)]));
}

#[test]
fn what_is_no_batch_is_not_gathered() {
    let mut reporter = Reporter::new([9; 16]);
    reporter.gather(b"");
    reporter.gather(b"LKU1 nonsense");
    assert!(reporter.due(0).is_none());
}
