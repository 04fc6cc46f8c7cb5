//! What probes are told, and that nobody gets anything else by asking as they do.

use crate::support::{FakeSidecar, Rig, record};
use filter::host::Gauge;

const ASKED: &str = "GET /latchkey/ready";

/// Status, body and access log's word of the answer to a call without a key.
fn told(rig: &Rig, call: &str) -> (u16, String, &'static str) {
    let mut exchange = rig.post().call(call);
    exchange.headers(true);
    assert!(!exchange.is_forwarded, "{call}");
    let replies = exchange.host.replies.borrow();
    let reply = replies.last().unwrap();
    let body = String::from_utf8(reply.body.clone()).unwrap();
    (reply.status, body, reply.details)
}

#[test]
fn ready_is_with_a_table_in_force() {
    let rig = Rig::with(&[record(0)]);
    let ready = (200, r#"{"ready":true}"#.to_owned(), "latchkey_ready");
    assert_eq!(told(&rig, ASKED), ready);
    assert_eq!(told(&rig, "GET /latchkey/ready?verbose"), ready);
}

#[test]
fn without_a_table_or_after_the_lease_it_is_not() {
    let rig = Rig::cold(FakeSidecar::with(&[record(0)]));
    let why = r#"{"ready":false,"reason":"no_table"}"#.to_owned();
    assert_eq!(told(&rig, ASKED), (503, why, "latchkey_not_ready"));
    let rig = Rig::with(&[record(0)]);
    rig.host.advance_ms(3_601_000);
    let why = r#"{"ready":false,"reason":"lease_over"}"#.to_owned();
    assert_eq!(told(&rig, ASKED), (503, why, "latchkey_not_ready"));
    assert_ne!(rig.host.read_gauge(Gauge::Edition), 0);
}

#[test]
fn asking_counts_nothing() {
    let rig = Rig::with(&[record(0)]);
    let mut exchange = rig.post().call(ASKED);
    exchange.headers(true);
    assert!(exchange.host.outcomes.borrow().is_empty());
    let state = exchange.host.filter_state.borrow();
    let told = ["latchkey_key_id", "latchkey_denial"].map(|name| state.get(name));
    assert_eq!(told, [None, None]);
    assert!(rig.shared.take_counts(0).is_empty());
}

#[test]
fn another_method_or_path_needs_a_key() {
    let rig = Rig::with(&[record(0)]);
    for call in [
        "POST /latchkey/ready",
        "HEAD /latchkey/ready",
        "GET /latchkey/ready/",
        "GET /latchkey/readyz",
        "GET /v1/models",
    ] {
        assert_eq!(told(&rig, call).0, 401, "{call}");
    }
}

#[test]
fn the_path_is_a_setting_and_can_be_taken_away() {
    let rig = Rig::configured(&[record(0)], r#""ready_path":"/ready""#);
    assert_eq!(told(&rig, "GET /ready").0, 200);
    assert_eq!(told(&rig, ASKED).0, 401);
    let rig = Rig::configured(&[record(0)], r#""ready_path":null"#);
    assert_eq!(told(&rig, ASKED).0, 401);
}
