//! What a request costs is the calls that it makes of Envoy: a new one has to be meant.

use crate::support::{Call, Exchange, Rig, record};
use keytable::{AddressList, Network, Record};

/// The headers, and what the log may have of them.
const LOGGED: [Call; 3] = [Call::Headers, Call::FilterState, Call::FilterState];
const OPEN: [Call; 3] = [Call::Gauge, Call::Gauge, Call::Monotonic];
const IDENTITY: [Call; 3] = [Call::RemoveHeader, Call::SetHeader, Call::SetHeader];

/// The calls since the last time.
fn calls(exchange: &Exchange) -> Vec<Call> {
    exchange.host.shared.calls.take()
}

/// A bodyless request of a key that the worker has met before, with its row of usage.
fn warm(rig: &Rig) -> Exchange {
    let request = || rig.post().with(":method", "GET").bearer(1);
    request().send_bodyless();
    rig.host.shared.calls.take();
    let exchange = request().send_bodyless();
    assert_eq!(exchange.status(), 200);
    exchange
}

#[test]
fn a_key_for_everything_costs_the_headers_and_its_identity() {
    let rig = Rig::with(&[record(1)]);
    let costs = [&LOGGED[..], &OPEN, &[Call::FilterState], &IDENTITY];
    assert_eq!(calls(&warm(&rig)), costs.concat());
}

#[test]
fn an_address_list_costs_the_address() {
    let networks = vec![Network::parse("192.0.2.0/24").unwrap()];
    let addresses = AddressList::new(networks).unwrap();
    let rig = Rig::with(&[Record {
        addresses,
        ..record(1)
    }]);
    let facts = [Call::FilterState, Call::SourceAddress];
    let costs = [&LOGGED[..], &OPEN, &facts, &IDENTITY];
    assert_eq!(calls(&warm(&rig)), costs.concat());
}

#[test]
fn a_metered_answer_costs_its_head_and_two_calls_for_each_piece() {
    let mut rig = Rig::with(&[record(1)]);
    let mut exchange = rig.post().bearer(1).send(&[br#"{"model":"glm-5.1"}"#]);
    calls(&exchange);
    exchange.answer_head();
    exchange.answer_chunk(b"data: 1");
    let piece = [Call::Gauge, Call::ResponseBody];
    let head = [Call::Gauge, Call::ResponseHeaders];
    assert_eq!(calls(&exchange), [head, piece].concat());
    // A new table is asked once, and then it is the table.
    rig.change(|sidecar| sidecar.put(&record(2)));
    calls(&exchange);
    exchange.answer_chunk(b"data: 2");
    assert!(calls(&exchange).contains(&Call::Slot));
    exchange.answer_chunk(b"data: 3");
    assert_eq!(calls(&exchange), piece);
}

#[test]
fn an_answer_that_is_not_metered_costs_one_call_for_each_piece() {
    let rig = Rig::configured(&[record(1)], r#""meter":"off""#);
    let mut exchange = warm(&rig);
    calls(&exchange);
    exchange.answer_head();
    exchange.answer_chunk(b"data: 1");
    assert_eq!(calls(&exchange), [Call::Gauge, Call::Gauge]);
}
