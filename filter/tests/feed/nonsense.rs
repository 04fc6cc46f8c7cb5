//! Whatever the sidecar, or something in its place, answers: the table in force stays as it is.

use crate::support::{FakeSidecar, Rig, held, list, record};
use filter::follower::Answer;
use keytable::{Change, Delta, Epoch, Generation, Record, RecordView};

fn rig() -> Rig {
    Rig::with(&[
        record(1),
        Record {
            scope: list(&["m"]),
            ..record(2)
        },
    ])
}

fn delta(epoch: u8, from: u64, to: u64, changes: Vec<Change<'_>>) -> Vec<u8> {
    Delta {
        epoch: Epoch::from_bytes([epoch; 16]),
        from: Generation::new(from),
        to: Generation::new(to),
        changes,
    }
    .encode()
}

/// Delivers an answer; the whole table must stay as it is. Then waits out the back-off.
fn ignored(rig: &mut Rig, answer: Answer<'_>) {
    let before = rig.host.table();
    let request = rig.request().expect("the agent goes on asking");
    rig.answer(&request, answer);
    assert!(rig.host.table() == before, "{answer:?} changed the table");
    rig.rest();
}

fn ignored_body(rig: &mut Rig, body: &[u8]) {
    ignored(rig, Answer::Http { status: 200, body });
}

/// Afterwards the agent follows as if nothing had been.
fn still_follows(mut rig: Rig) {
    rig.rest();
    while !rig.exchange() {}
    rig.change(|sidecar| sidecar.put(&record(3)));
    assert_eq!(held(&rig.host), rig.sidecar.table);
    assert!(rig.find(3).unwrap().is_some());
}

#[test]
fn other_statuses() {
    let mut rig = rig();
    let body = rig.sidecar.delta(2);
    for status in [
        0, 100, 201, 204, 206, 301, 304, 400, 401, 403, 404, 413, 429, 500, 502, 503, 504,
    ] {
        ignored(
            &mut rig,
            Answer::Http {
                status,
                body: &body,
            },
        );
    }
    ignored(&mut rig, Answer::Failed);
    still_follows(rig);
}

#[test]
fn bodies_that_are_no_frame() {
    let mut rig = rig();
    let bodies: [&[u8]; 9] = [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"<html><body>503 Service Unavailable</body></html>",
        b"LKF1",
        b"LKH1\x01\x00",
        b"\0\0\0\0\0\0\0\0",
        &[0xff; 4096],
    ];
    for body in bodies {
        ignored_body(&mut rig, body);
    }
    let head = rig.host.shared.slots.borrow()["latchkey.head"].clone();
    ignored_body(&mut rig, &head);
    ignored_body(&mut rig, &record(3).encode().unwrap());
    still_follows(rig);
}

#[test]
fn frames_that_are_cut_or_longer() {
    let mut rig = rig();
    rig.sidecar.put(&record(3));
    rig.sidecar.remove(&record(1).key_hash);
    let whole = rig.sidecar.delta(2);
    for length in 0..whole.len() {
        ignored_body(&mut rig, &whole[..length]);
    }
    ignored_body(&mut rig, &[whole.as_slice(), b"\0"].concat());
    ignored_body(&mut rig, &[whole.as_slice(), &whole].concat());
    still_follows(rig);
}

#[test]
fn frames_with_a_flipped_bit() {
    let mut rig = rig();
    rig.sidecar.put(&record(3));
    let whole = rig.sidecar.delta(2);
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        ignored_body(&mut rig, &flipped);
    }
    still_follows(rig);
}

#[test]
fn pages_with_a_flipped_bit() {
    let mut rig = Rig::cold(FakeSidecar::with(&[record(1)]));
    let first = rig.sidecar.answer("/feed/v1/table?region=local");
    for bit in 0..first.len() * 8 {
        let mut flipped = first.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        ignored_body(&mut rig, &flipped);
    }
    assert!(rig.find(1).is_err());
    still_follows(rig);
}

#[test]
fn deltas_of_another_epoch() {
    let mut rig = rig();
    ignored_body(&mut rig, &delta(2, 2, 2, vec![]));
    ignored_body(
        &mut rig,
        &delta(2, 2, 3, vec![Change::Remove(record(1).key_hash)]),
    );
    still_follows(rig);
}

/// Cases.
#[test]
fn deltas_that_do_not_start_here() {
    for (from, to) in [
        (0, 2),
        (1, 2),
        (1, 3),
        (3, 3),
        (3, 4),
        (0, 0),
        (1, 1),
        (u64::MAX, u64::MAX),
    ] {
        let mut rig = rig();
        let bytes = record(9).encode().unwrap();
        let changes = match from == to {
            true => vec![],
            false => vec![Change::Put(RecordView::parse(&bytes).unwrap())],
        };
        ignored_body(&mut rig, &delta(1, from, to, changes));
        still_follows(rig);
    }
}

/// Case R-10.
#[test]
fn a_delta_that_arrives_twice() {
    let mut rig = rig();
    rig.sidecar.put(&record(3));
    let body = rig.sidecar.delta(2);
    let request = rig.request().unwrap();
    rig.deliver(&request, &body);
    let table = rig.host.table();
    rig.deliver(&request, &body);
    assert_eq!(rig.host.table(), table, "the request was answered before");
    ignored_body(&mut rig, &body);
    still_follows(rig);
}

#[test]
fn an_answer_to_no_open_request() {
    let mut rig = rig();
    rig.sidecar.put(&record(3));
    let body = rig.sidecar.delta(2);
    let open = rig.request().unwrap();
    let before = rig.host.table();
    for token in [0, open.token - 1, open.token + 1, u32::MAX] {
        for answer in [
            Answer::Failed,
            Answer::Http {
                status: 200,
                body: &body,
            },
        ] {
            rig.agent.answer(&rig.host, token, answer);
            assert_eq!(rig.host.table(), before);
        }
    }
    assert!(rig.request().is_none(), "the open request is still open");
    rig.deliver(&open, &body);
    assert_eq!(held(&rig.host), rig.sidecar.table);
}
