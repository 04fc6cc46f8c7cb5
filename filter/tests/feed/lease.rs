//! The lease: what renews it, from when on, and what does not.

use crate::support::rig::{INSTANCE, agent_config};
use crate::support::{FakeSidecar, Rig, Write, record};
use filter::agent::Agent;
use filter::config::{AgentConfig, MaxStaleness};
use filter::follower::Answer;
use filter::host::Gauge;
use filter::table::Unavailable;

/// Takes the open request, then lets the answer be this late.
fn late_exchange(rig: &mut Rig, late_ms: u64) {
    let request = rig.request().unwrap();
    rig.host.advance_ms(late_ms);
    let body = rig.sidecar.answer(&request.path);
    rig.deliver(&request, &body);
}

#[test]
fn a_heartbeat_renews_it_from_when_its_request_was_sent() {
    let mut rig = Rig::with(&[record(1)]);
    let sent_ms = rig.now_ms();
    late_exchange(&mut rig, 14_000);
    assert_eq!(rig.lease_until_ms(), sent_ms + 60_000);
    late_exchange(&mut rig, 3_000);
    assert_eq!(rig.lease_until_ms(), sent_ms + 14_000 + 60_000);
}

#[test]
fn a_delta_renews_it_from_when_its_request_was_sent() {
    let mut rig = Rig::with(&[record(1)]);
    let sent_ms = rig.now_ms();
    rig.sidecar.put(&record(2));
    late_exchange(&mut rig, 14_000);
    assert_eq!(rig.lease_until_ms(), sent_ms + 60_000);
}

#[test]
fn a_snapshot_renews_it_from_when_its_first_page_was_asked_for() {
    let mut rig = Rig::cold(FakeSidecar::with(&[record(1)]));
    let asked_ms = rig.now_ms();
    for page in 0..16 {
        assert_eq!(rig.lease_until_ms(), 0, "page {page}");
        assert_eq!(rig.find(1).unwrap_err(), Unavailable::NoTable);
        late_exchange(&mut rig, 1_000);
    }
    assert_eq!(rig.lease_until_ms(), asked_ms + 60_000);
}

#[test]
fn pages_do_not_renew_it() {
    let mut rig = Rig::with(&[record(1)]);
    let lease = rig.lease_until_ms();
    rig.sidecar = FakeSidecar::new(2);
    for _ in 0..16 {
        assert_eq!(rig.lease_until_ms(), lease);
        late_exchange(&mut rig, 100);
    }
    late_exchange(&mut rig, 100);
    assert!(rig.lease_until_ms() > lease);
}

#[test]
fn nothing_else_renews_it() {
    let mut rig = Rig::with(&[record(1)]);
    let lease = rig.lease_until_ms();
    let heartbeat = rig.sidecar.delta(1);
    let answers = [
        Answer::Failed,
        Answer::Http {
            status: 401,
            body: &heartbeat,
        },
        Answer::Http {
            status: 503,
            body: &heartbeat,
        },
        Answer::Http {
            status: 304,
            body: &heartbeat,
        },
        Answer::Http {
            status: 0,
            body: &heartbeat,
        },
        Answer::Http {
            status: 200,
            body: b"",
        },
        Answer::Http {
            status: 200,
            body: &heartbeat[1..],
        },
    ];
    for answer in answers {
        let request = rig.request().unwrap();
        rig.answer(&request, answer);
        assert_eq!(rig.lease_until_ms(), lease, "{answer:?}");
        rig.rest();
    }
    let request = rig.request().unwrap();
    rig.agent.answer(
        &rig.host,
        request.token + 1,
        Answer::Http {
            status: 200,
            body: &heartbeat,
        },
    );
    assert_eq!(
        rig.lease_until_ms(),
        lease,
        "an answer that was not asked for"
    );
    rig.deliver(&request, &heartbeat);
    assert!(rig.lease_until_ms() > lease);
}

/// Case R-11: what comes after a gap proves nothing; the whole table does, as of its first page.
#[test]
fn a_gap_does_not_renew_it_and_the_whole_table_does() {
    let mut rig = Rig::with(&[record(1)]);
    let lease = rig.lease_until_ms();
    rig.sidecar.put(&record(2));
    rig.sidecar.put(&record(3));
    let request = rig.request().unwrap();
    let body = rig.sidecar.delta(2);
    rig.deliver(&request, &body);
    assert_eq!(rig.lease_until_ms(), lease);
    assert!(rig.find(1).unwrap().is_some() && rig.find(3).unwrap().is_none());
    rig.rest();
    let asked_ms = rig.now_ms();
    for _ in 0..16 {
        assert_eq!(rig.lease_until_ms(), lease, "until all of it is there");
        late_exchange(&mut rig, 100);
    }
    assert_eq!(rig.lease_until_ms(), asked_ms + 60_000);
    assert!(rig.find(3).unwrap().is_some());
}

#[test]
fn traffic_stops_when_it_ends_and_goes_on_when_it_is_renewed() {
    let mut rig = Rig::with(&[record(1)]);
    rig.host.advance_ms(59_999);
    assert!(rig.find(1).unwrap().is_some());
    rig.host.advance_ms(1);
    assert_eq!(rig.find(1).unwrap_err(), Unavailable::LeaseOver);
    let request = rig.request().unwrap();
    rig.answer(&request, Answer::Failed);
    rig.rest();
    rig.sync();
    assert!(rig.find(1).unwrap().is_some());
}

#[test]
fn changes_are_in_force_before_it_is_renewed() {
    let mut rig = Rig::with(&[record(1)]);
    rig.host.advance_ms(60_000);
    rig.sidecar.remove(&record(1).key_hash);
    assert_eq!(rig.find(1).unwrap_err(), Unavailable::LeaseOver);
    rig.host.shared.writes.take();
    rig.sync();
    let writes = rig.host.shared.writes.take();
    let place = |test: &dyn Fn(&Write) -> bool| writes.iter().position(test);
    let slot = place(&|write| matches!(write, Write::Slot(name) if name != "latchkey.head"));
    let lease = place(&|write| matches!(write, Write::Gauge(Gauge::LeaseUntilMs, _)));
    assert!(slot.is_some() && slot < lease, "{writes:?}");
    assert!(rig.find(1).unwrap().is_none());
}

#[test]
fn the_wall_clock_does_not_matter() {
    let mut rig = Rig::with(&[record(1)]);
    for unix_ms in [0, u64::MAX] {
        rig.host.shared.unix_ms.set(unix_ms);
        assert!(rig.find(1).unwrap().is_some());
    }
    rig.sync();
    assert_eq!(rig.lease_until_ms(), rig.now_ms() + 60_000);
}

#[test]
fn never_means_without_end() {
    let mut rig = Rig::cold(FakeSidecar::with(&[record(1)]));
    let config = AgentConfig {
        max_staleness: MaxStaleness::Never,
        ..agent_config(60)
    };
    rig.agent = Agent::new(&config, "n".to_owned(), INSTANCE.to_owned());
    assert_eq!(rig.find(1).unwrap_err(), Unavailable::NoTable);
    rig.sync();
    rig.host.shared.monotonic_ns.set(u64::MAX - 1);
    assert!(rig.find(1).unwrap().is_some());
}

/// A proxy that keeps answers whatever the URL: the sidecar is not asked at all, so it counts the lease
/// of this Envoy as over while the Envoy would go on.
#[test]
fn an_answer_that_names_another_request_renews_nothing() {
    let mut rig = Rig::with(&[record(1)]);
    let name = |path: &str| {
        let number = path.split_once("&request=").unwrap().1;
        format!("{INSTANCE}-{}", number.split('&').next().unwrap())
    };
    let first = rig.request().unwrap();
    let (kept, kept_name) = (rig.sidecar.answer(&first.path), name(&first.path));
    assert!(
        !rig.agent
            .is_replayed(first.token, Some(kept_name.as_bytes()))
    );
    assert!(
        !rig.agent.is_replayed(first.token, None),
        "the first sidecars"
    );
    rig.deliver(&first, &kept);
    let lease = rig.lease_until_ms();

    rig.host.advance_ms(5_000);
    let second = rig.request().unwrap();
    assert!(
        rig.agent
            .is_replayed(second.token, Some(kept_name.as_bytes()))
    );
    assert!(
        !rig.agent
            .is_replayed(first.token, Some(kept_name.as_bytes())),
        "not ours"
    );
    rig.answer(&second, Answer::Replayed);
    assert_eq!(rig.lease_until_ms(), lease);
    assert!(rig.find(1).is_ok(), "the table stays");
    rig.rest();
    let third = rig.request().unwrap();
    assert!(third.path.contains("&trouble=replayed"), "{}", third.path);
}
