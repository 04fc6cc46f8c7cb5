//! What is held back is bounded for a worker and fair between keys: who holds much is told to wait,
//! and who comes along is served all the while.

use filter::outcome::Outcome;

use crate::support::{Exchange, Rig, list, record};
use keytable::Record;

const MIB: usize = 1024 * 1024;
/// A piece of a body that names nothing yet.
const PIECE: usize = 64 * 1024;

fn limited(n: usize) -> Record {
    Record {
        scope: list(&["good-1"]),
        ..record(n)
    }
}

/// A worker that may hold 16 MiB; each body may take half of it.
fn rig() -> Rig {
    let keys: Vec<_> = (1..10).map(limited).chain([record(10)]).collect();
    let settings = r#""hold_bytes_max":8388608,"held_bytes_total_max":16777216"#;
    Rig::configured(&keys, settings)
}

/// A request of this key whose body does not say what it calls.
fn begun(rig: &Rig, n: usize) -> Exchange {
    let mut exchange = rig.post().bearer(n);
    exchange.headers(false);
    if !exchange.is_refused() {
        exchange.chunk(b"{\"x\":\"", false);
    }
    exchange
}

/// Sends pieces until the request is refused or has so many bytes; gives how many were held.
fn grow(exchange: &mut Exchange, bytes: usize) -> usize {
    let piece = vec![b'a'; PIECE];
    let mut held = 0;
    while held < bytes && !exchange.is_refused() {
        exchange.chunk(&piece, false);
        held += PIECE;
    }
    held
}

/// Requests of a key that hold as much as it is let.
fn fill(rig: &Rig, n: usize) -> (Vec<Exchange>, usize) {
    let (mut held, mut bytes) = (Vec::new(), 0);
    loop {
        let mut exchange = begun(rig, n);
        let grown = grow(&mut exchange, MIB);
        if exchange.is_refused() {
            assert_eq!(exchange.outcome(), (503, "too_much_held".to_owned()));
            return (held, bytes);
        }
        bytes += grown;
        held.push(exchange);
    }
}

fn is_served(rig: &Rig, n: usize) -> bool {
    let mut exchange = begun(rig, n);
    grow(&mut exchange, PIECE);
    if !exchange.is_refused() {
        exchange.chunk(b"\",\"model\":\"good-1\"}", true);
    }
    exchange.answered() == 200
}

#[test]
fn a_key_by_itself_holds_half_and_others_are_served_all_the_while() {
    let rig = rig();
    let (held, bytes) = fill(&rig, 1);
    assert!((7 * MIB..=8 * MIB).contains(&bytes), "{bytes}");
    assert!(!is_served_large(&rig, 1), "it has what it may have");
    assert!(is_served(&rig, 2), "another key is served");
    assert!(is_served_large(&rig, 2), "with a large body too");
    drop(held);
    assert!(is_served_large(&rig, 1), "what it held was given back");
}

/// A body of 2 MiB.
fn is_served_large(rig: &Rig, n: usize) -> bool {
    let mut exchange = begun(rig, n);
    grow(&mut exchange, 2 * MIB);
    if !exchange.is_refused() {
        exchange.chunk(b"\",\"model\":\"good-1\"}", true);
    }
    exchange.answered() == 200
}

#[test]
fn however_many_keys_fill_there_is_something_left() {
    let rig = rig();
    let mut held = Vec::new();
    let mut sum = 0;
    for n in 1..5 {
        let (of_key, bytes) = fill(&rig, n);
        assert!(bytes > 0, "{n}");
        held.push(of_key);
        sum += bytes;
    }
    assert!(sum < 16 * MIB, "{sum}");
    assert!(is_served(&rig, 9));
    assert!(is_served(&rig, 10), "a key for everything holds nothing");
}

#[test]
fn what_flows_or_is_over_is_not_counted() {
    let rig = rig();
    for _ in 0..40 {
        assert!(is_served_large(&rig, 1));
    }
    let mut flowing = Vec::new();
    for _ in 0..40 {
        let mut exchange = rig.post().bearer(1);
        exchange.headers(false);
        exchange.chunk(br#"{"model":"good-1","x":""#, false);
        grow(&mut exchange, MIB);
        assert!(!exchange.is_refused());
        flowing.push(exchange);
    }
    let mut refused = Vec::new();
    for _ in 0..40 {
        let mut exchange = begun(&rig, 1);
        grow(&mut exchange, MIB);
        exchange.chunk(b"\",\"model\":\"bad-1\"}", true);
        assert_eq!(exchange.status(), 403);
        refused.push(exchange);
    }
    assert!(is_served_large(&rig, 1));
}

#[test]
fn heads_that_are_held_count_too() {
    let rig = rig();
    let large = "x".repeat(60_000);
    let mut held = Vec::new();
    for _ in 0..1_000 {
        let mut exchange = rig.post().header("user-agent", &large).bearer(1);
        exchange.headers(false);
        if exchange.is_refused() {
            assert_eq!(exchange.status(), 503);
            break;
        }
        held.push(exchange);
    }
    assert!((100..200).contains(&held.len()), "{}", held.len());
    assert!(is_served(&rig, 2));
}

#[test]
fn lists_that_are_held_count_too() {
    let rig = rig();
    let asked = |rig: &Rig| rig.post().call("GET /v1/models").bearer(1).send_bodyless();
    let piece = vec![b' '; MIB];
    let mut held = Vec::new();
    let refused = loop {
        let mut exchange = asked(&rig);
        exchange.answer_head();
        exchange.answer_chunk(&piece);
        if exchange.is_refused() {
            break exchange;
        }
        held.push(exchange);
        assert!(held.len() < 16);
    };
    assert_eq!(refused.host.replies.borrow()[0].details, "latchkey_busy");
    assert!(is_served(&rig, 2));
    held.clear();
    let mut exchange = asked(&rig);
    exchange.answer_head();
    exchange.answer_chunk(&piece);
    assert!(!exchange.is_refused());
}

#[test]
fn who_is_told_to_wait_is_told_for_how_long() {
    let rig = rig();
    let (_held, _) = fill(&rig, 1);
    let mut exchange = begun(&rig, 1);
    grow(&mut exchange, 2 * MIB);
    let replies = exchange.host.replies.borrow();
    assert!(replies[0].headers.contains(&("retry-after", "1")));
    assert!(replies[0].headers.contains(&("x-should-retry", "true")));
    assert_eq!(*exchange.host.outcomes.borrow(), [Outcome::Busy]);
    assert!(exchange.upstream.is_empty());
}
