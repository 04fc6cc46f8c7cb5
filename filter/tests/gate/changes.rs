//! The table, the lease and the clock move while a body is on its way.

use filter::gate::Flow;
use filter::host::Gauge;

use crate::support::{Exchange, FakeSidecar, Rig, hash, list, record};
use keytable::{AddressList, Network, Record, Status};

fn limited(models: &[&str]) -> Record {
    Record {
        scope: list(models),
        ..record(1)
    }
}

fn rig() -> Rig {
    Rig::with(&[limited(&["good-1"])])
}

/// A request whose body is held.
fn held(rig: &Rig) -> Exchange {
    let mut exchange = rig.post().bearer(1);
    exchange.headers(false);
    assert_eq!(exchange.chunk(br#"{"x":1,"#, false), Flow::Hold);
    exchange
}

/// A request whose body flows.
fn flowing(rig: &Rig) -> Exchange {
    let mut exchange = held(rig);
    assert_eq!(
        exchange.chunk(br#""model":"good-1","#, false),
        Flow::Continue
    );
    exchange
}

/// Sends the rest in one piece; it must not be passed on.
fn cut(mut exchange: Exchange) -> (u16, String) {
    let rest: &[u8] = match exchange.is_forwarded {
        true => br#""y":2}"#,
        false => br#""model":"good-1"}"#,
    };
    let passed = exchange.upstream.len();
    assert_eq!(exchange.chunk(rest, false), Flow::Hold);
    assert_eq!(exchange.upstream.len(), passed);
    exchange.outcome()
}

fn finish(mut exchange: Exchange) -> (u16, String) {
    let rest: &[u8] = match exchange.is_forwarded {
        true => br#""y":2}"#,
        false => br#""model":"good-1"}"#,
    };
    exchange.chunk(rest, true);
    exchange.outcome()
}

/// Brings a change in while a body is held and while one flows; gives what both are told.
fn interrupted(change: impl Fn(&mut FakeSidecar)) -> (u16, String) {
    let mut outcomes = Vec::new();
    for start in [held, flowing] {
        let mut rig = rig();
        let exchange = start(&rig);
        rig.change(&change);
        outcomes.push(cut(exchange));
    }
    assert_eq!(outcomes[0], outcomes[1]);
    outcomes.remove(0)
}

#[test]
fn a_key_deleted_meanwhile_is_refused() {
    let outcome = interrupted(|sidecar| sidecar.remove(&hash(1)));
    assert_eq!(outcome, (401, "invalid_api_key".to_owned()));
}

#[test]
fn a_key_disabled_meanwhile_is_refused() {
    let disabled = Record {
        status: Status::Disabled,
        ..limited(&["good-1"])
    };
    let outcome = interrupted(|sidecar| sidecar.put(&disabled));
    assert_eq!(outcome, (401, "api_key_disabled".to_owned()));
}

#[test]
fn a_scope_narrowed_meanwhile_is_enforced() {
    let outcome = interrupted(|sidecar| sidecar.put(&limited(&["other-1"])));
    assert_eq!(outcome, (403, "model_not_found".to_owned()));
}

#[test]
fn an_address_list_narrowed_meanwhile_is_enforced() {
    let networks = vec![Network::parse("10.0.0.0/8").unwrap()];
    let addresses = AddressList::new(networks).unwrap();
    let bound = Record {
        addresses,
        ..limited(&["good-1"])
    };
    let outcome = interrupted(|sidecar| sidecar.put(&bound));
    assert_eq!(outcome, (403, "ip_not_allowed".to_owned()));
}

#[test]
fn a_table_of_another_epoch_without_the_key_refuses() {
    let outcome = interrupted(|sidecar| *sidecar = FakeSidecar::new(2));
    assert_eq!(outcome, (401, "invalid_api_key".to_owned()));
}

#[test]
fn a_change_that_does_not_matter_lets_go_on() {
    for start in [held, flowing] {
        let mut rig = rig();
        let exchange = start(&rig);
        rig.change(|sidecar| sidecar.put(&record(2)));
        rig.change(|sidecar| sidecar.put(&limited(&["good-1", "more"])));
        assert_eq!(finish(exchange).0, 200);
        let exchange = start(&rig);
        rig.change(|sidecar| sidecar.put(&record(1)));
        assert_eq!(finish(exchange).0, 200, "all is allowed now");
    }
}

#[test]
fn a_key_that_expires_meanwhile_is_refused_on_time() {
    for start in [held, flowing] {
        let mut rig = rig();
        let now = rig.host.shared.unix_ms.get();
        let expires_at_unix_ms = Some(now + 1000);
        let short = Record {
            expires_at_unix_ms,
            ..limited(&["good-1"])
        };
        rig.change(|sidecar| sidecar.put(&short));
        let exchange = start(&rig);
        rig.host.advance_ms(999);
        let mut on_time = start(&rig);
        assert!(!on_time.is_refused());
        on_time.chunk(b" ", false);
        assert!(!on_time.is_refused());
        rig.host.advance_ms(1);
        assert_eq!(cut(exchange), (401, "api_key_expired".to_owned()));
        assert_eq!(cut(on_time), (401, "api_key_expired".to_owned()));
    }
}

#[test]
fn a_lease_that_ends_meanwhile_refuses() {
    for start in [held, flowing] {
        let rig = rig();
        let exchange = start(&rig);
        rig.host.advance_ms(60_000);
        assert_eq!(cut(exchange), (503, "key_table_unavailable".to_owned()));
    }
}

#[test]
fn the_end_of_a_body_is_judged_by_the_newest_table_too() {
    let mut rig = rig();
    let mut exchange = rig.post().bearer(1);
    exchange.headers(false);
    exchange.chunk(br#"{"model":"good-1"}"#, false);
    rig.change(|sidecar| sidecar.remove(&hash(1)));
    assert_eq!(exchange.chunk(b"", true), Flow::Hold);
    assert_eq!(exchange.status(), 401);
    let mut rig = self::rig();
    let mut exchange = rig.post().bearer(1);
    exchange.headers(false);
    exchange.chunk(br#"{"model":"good-1"}"#, false);
    rig.change(|sidecar| sidecar.remove(&hash(1)));
    assert_eq!(exchange.trailers(), Flow::Hold);
    assert_eq!(exchange.status(), 401);
}

#[test]
fn requests_after_a_change_see_it_at_once() {
    let mut rig = rig();
    let send = |rig: &Rig, model: &str| {
        let body = format!(r#"{{"model":"{model}"}}"#);
        rig.post().bearer(1).send(&[body.as_bytes()]).status()
    };
    assert_eq!((send(&rig, "good-1"), send(&rig, "other-1")), (200, 403));
    rig.change(|sidecar| sidecar.put(&limited(&["other-1"])));
    assert_eq!((send(&rig, "good-1"), send(&rig, "other-1")), (403, 200));
    rig.change(|sidecar| sidecar.remove(&hash(1)));
    assert_eq!((send(&rig, "good-1"), send(&rig, "other-1")), (401, 401));
    rig.change(|sidecar| sidecar.put(&limited(&["good-1"])));
    assert_eq!((send(&rig, "good-1"), send(&rig, "other-1")), (200, 403));
}

#[test]
fn a_table_without_an_edition_is_no_table() {
    let rig = rig();
    rig.host.shared.gauges.borrow_mut()[0] = 0;
    assert!(rig.host.read_gauge(Gauge::LeaseUntilMs) > 0);
    assert_eq!(rig.post().bearer(1).send_bodyless().status(), 503);
    let fresh = Rig {
        shared: Rig::cold(FakeSidecar::new(1)).shared,
        ..rig
    };
    assert_eq!(fresh.post().bearer(1).send_bodyless().status(), 503);
}
