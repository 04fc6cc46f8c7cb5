//! Envoy fails a call, or a slot is damaged: the request is refused, never passed on.

use filter::gate::Flow;

use crate::support::{Call, FakeSidecar, Rig, hash, list, record};
use keytable::{AddressList, Network, Record};

const GOOD: &[u8] = br#"{"model":"good-1"}"#;

/// A key for which every fact has to be asked.
fn demanding() -> Record {
    let networks = vec![Network::parse("192.0.2.0/24").unwrap()];
    Record {
        expires_at_unix_ms: Some(u64::MAX - 1),
        addresses: AddressList::new(networks).unwrap(),
        scope: list(&["good-1"]),
        ..record(1)
    }
}

fn slot_name() -> String {
    format!("latchkey.{:04x}", hash(1).bucket())
}

#[test]
fn each_failing_call_refuses_the_request() {
    let calls = [
        Call::Slot,
        Call::Gauge,
        Call::Monotonic,
        Call::Unix,
        Call::Headers,
        Call::SetHeader,
        Call::RemoveHeader,
        Call::Body,
        Call::SourceAddress,
        Call::FilterState,
        Call::Reply,
    ];
    for call in calls {
        for count in 0..8 {
            let rig = Rig::with(&[demanding()]);
            rig.host.fail_after(call, count);
            let mut exchange = rig.post().bearer(1);
            let mut flow = exchange.headers(false);
            if !exchange.is_refused() {
                flow = exchange.chunk(GOOD, true);
            }
            match flow {
                Flow::Hold => {
                    let status = exchange.outcome().0;
                    let expected = if call == Call::SourceAddress {
                        403
                    } else {
                        503
                    };
                    assert_eq!(status, expected, "{call:?} {count}");
                    assert!(!exchange.is_forwarded);
                }
                Flow::Continue => {
                    assert!(
                        count > 0 || call == Call::Reply,
                        "{call:?} was never needed"
                    );
                    assert_eq!(exchange.status(), 200);
                }
            }
        }
    }
}

#[test]
fn a_body_that_is_shorter_than_announced_is_refused() {
    let rig = Rig::with(&[demanding()]);
    let shared = std::rc::Rc::clone(&rig.shared);
    let exchange = rig.post().bearer(1);
    let host = exchange.host;
    let mut gate = filter::gate::Gate::new(shared, 1);
    assert_eq!(gate.on_headers(&host, false), Flow::Hold);
    host.body.borrow_mut().extend_from_slice(b"{");
    assert_eq!(gate.on_body(&host, 5, false), Flow::Hold);
    assert_eq!(host.replies.borrow()[0].status, 503);
}

#[test]
fn a_damaged_slot_refuses_its_keys() {
    let rig = Rig::with(&[demanding()]);
    let name = slot_name();
    let whole = rig.host.shared.slots.borrow()[&name].clone();
    let mut damaged: Vec<Vec<u8>> = (1..whole.len()).map(|end| whole[..end].to_vec()).collect();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            damaged.push(flipped);
        }
    }
    for bytes in damaged {
        let text = bytes.escape_ascii().to_string();
        rig.host
            .shared
            .slots
            .borrow_mut()
            .insert(name.clone(), bytes);
        let exchange = rig.post().bearer(1).send(&[GOOD]);
        assert_eq!(exchange.status(), 503, "{text}");
    }
    rig.host.shared.slots.borrow_mut().insert(name, whole);
    assert_eq!(rig.post().bearer(1).send(&[GOOD]).status(), 200);
}

#[test]
fn a_damaged_head_refuses_everything() {
    let rig = Rig::with(&[record(1)]);
    let whole = rig.host.shared.slots.borrow()["latchkey.head"].clone();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        rig.host
            .shared
            .slots
            .borrow_mut()
            .insert("latchkey.head".to_owned(), flipped);
        let fresh = Rig::cold(FakeSidecar::new(1)).shared;
        let exchange =
            crate::support::Exchange::new(rig.host.sibling(), filter::gate::Gate::new(fresh, 1), 1);
        assert_eq!(exchange.bearer(1).send_bodyless().status(), 503, "{at}");
    }
}

#[test]
fn gauges_alone_are_no_table() {
    let mut rig = Rig::with(&[record(1)]);
    let status = |rig: &Rig| rig.post().bearer(1).send_bodyless().status();
    rig.change(|sidecar| sidecar.put(&record(2)));
    rig.host.shared.share.set([1, 1]);
    assert_eq!(status(&rig), 200);
    let slots = || rig.host.shared.slots.borrow_mut();
    let lease = slots().insert("latchkey.lease".to_owned(), b"damage".to_vec());
    assert_eq!(status(&rig), 503);
    slots().insert("latchkey.lease".to_owned(), lease.unwrap());
    assert_eq!(status(&rig), 200);
    slots().remove("latchkey.head");
    assert_eq!(status(&rig), 503);
}

/// While a new process takes over, Envoy adds the gauges of the old one to its own.
#[test]
fn a_process_that_is_taken_over_from_has_no_say() {
    for share in [[1, 1], [7, 3_600_000], [u64::MAX / 2, u64::MAX / 2]] {
        let mut rig = Rig::with(&[record(1), record(2)]);
        let status = |rig: &Rig, n| rig.post().bearer(n).send_bodyless().status();
        assert_eq!((status(&rig, 1), status(&rig, 2)), (200, 200));
        rig.host.shared.share.set(share);
        assert_eq!((status(&rig, 1), status(&rig, 2)), (200, 200));
        rig.change(|sidecar| sidecar.remove(&hash(1)));
        assert_eq!((status(&rig, 1), status(&rig, 2)), (401, 200), "{share:?}");
        let left_ms = rig.lease_until_ms() - rig.now_ms();
        rig.host.advance_ms(left_ms - 1);
        assert_eq!(status(&rig, 2), 200);
        rig.host.advance_ms(1);
        assert_eq!(status(&rig, 2), 503, "its lease is its own: {share:?}");
        rig.sync();
        rig.host.shared.share.set([0, 0]);
        assert_eq!((status(&rig, 1), status(&rig, 2)), (401, 200), "{share:?}");
        rig.change(|sidecar| sidecar.remove(&hash(2)));
        assert_eq!(status(&rig, 2), 401);
    }
}

#[test]
fn a_process_without_a_table_is_not_helped_by_the_one_that_it_takes_over_from() {
    let rig = Rig::cold(FakeSidecar::with(&[record(1)]));
    rig.host.shared.share.set([7, u64::MAX / 2]);
    assert_eq!(rig.post().bearer(1).send_bodyless().status(), 503);
}

#[test]
fn a_slot_damaged_while_the_body_flows_refuses() {
    let mut rig = Rig::with(&[demanding()]);
    let mut exchange = rig.post().bearer(1);
    exchange.headers(false);
    exchange.chunk(br#"{"model":"good-1","#, false);
    rig.change(|sidecar| sidecar.put(&record(2)));
    rig.host
        .shared
        .slots
        .borrow_mut()
        .insert(slot_name(), b"damage".to_vec());
    assert_eq!(exchange.chunk(br#""x":1}"#, false), Flow::Hold);
    assert_eq!(exchange.status(), 503);
}
