//! The order that the promise rests on: slots, change log, head, edition, lease, and only then the next
//! request, which acknowledges.

use crate::support::{FakeSidecar, Rig, Write, hash, parameter, record};
use filter::host::Gauge;

/// What the agent did since the last call.
fn writes(rig: &Rig) -> Vec<Write> {
    rig.host.shared.writes.take()
}

fn is_bucket(write: &Write) -> bool {
    let is_other = is_head(write) || is_change_log(write) || is_lease(write);
    matches!(write, Write::Slot(_)) && !is_other
}

fn is_lease(write: &Write) -> bool {
    *write == Write::Slot("latchkey.lease".to_owned())
}

fn is_change_log(write: &Write) -> bool {
    *write == Write::Slot("latchkey.changes".to_owned())
}

fn is_head(write: &Write) -> bool {
    *write == Write::Slot("latchkey.head".to_owned())
}

/// The places of these writes; each but the buckets happens once.
fn in_order(writes: &[Write]) {
    let only = |test: &dyn Fn(&Write) -> bool| {
        let places: Vec<usize> = (0..writes.len()).filter(|at| test(&writes[*at])).collect();
        assert_eq!(places.len(), 1, "{writes:?}");
        places[0]
    };
    let log = only(&is_change_log);
    let head = only(&is_head);
    let edition = only(&|write| matches!(write, Write::Gauge(Gauge::Edition, _)));
    let own_lease = only(&is_lease);
    let lease = only(&|write| matches!(write, Write::Gauge(Gauge::LeaseUntilMs, _)));
    let next = only(&|write| matches!(write, Write::Get(_)));
    assert!(
        writes[log..].iter().all(|write| !is_bucket(write)),
        "{writes:?}"
    );
    assert!(
        log < head && head < edition && edition < own_lease,
        "{writes:?}"
    );
    assert!(own_lease < lease && lease < next, "{writes:?}");
    assert_eq!(next, writes.len() - 1);
}

#[test]
fn a_delta_takes_effect_in_order() {
    let mut rig = Rig::with(&[record(1)]);
    rig.sidecar.put(&record(2));
    rig.sidecar.remove(&hash(1));
    writes(&rig);
    rig.exchange();
    let writes = writes(&rig);
    assert_eq!(writes.iter().filter(|write| is_bucket(write)).count(), 2);
    in_order(&writes);
    let Some(Write::Get(path)) = writes.last() else {
        panic!("no request")
    };
    assert_eq!(parameter(path, "generation"), Some("3"));
}

#[test]
fn a_generation_without_changes_takes_effect_in_order() {
    let mut rig = Rig::with(&[record(1)]);
    let epoch = rig.sidecar.epoch;
    let delta = keytable::Delta {
        epoch,
        from: keytable::Generation::new(1),
        to: keytable::Generation::new(9),
        changes: Vec::new(),
    };
    let request = rig.request().unwrap();
    writes(&rig);
    rig.deliver(&request, &delta.encode());
    in_order(&writes(&rig));
    assert_eq!(rig.host.read_gauge(Gauge::Generation), 9);
}

#[test]
fn a_snapshot_takes_effect_with_its_last_page() {
    let records: Vec<_> = (0..200).map(record).collect();
    let mut rig = Rig::cold(FakeSidecar::with(&records));
    rig.agent.tick(&rig.host);
    for page in 0..15 {
        writes(&rig);
        rig.exchange();
        let writes = writes(&rig);
        let (last, slots) = writes.split_last().unwrap();
        assert!(slots.iter().all(is_bucket), "page {page}: {slots:?}");
        let Write::Get(path) = last else {
            panic!("no request")
        };
        assert_eq!(parameter(path, "snapshot"), Some("200"));
        assert_eq!(
            parameter(path, "bucket"),
            Some(((page + 1) * 4096).to_string().as_str())
        );
        assert_eq!(
            parameter(path, "generation"),
            None,
            "nothing to acknowledge"
        );
    }
    writes(&rig);
    rig.exchange();
    in_order(&writes(&rig));
}

#[test]
fn a_heartbeat_moves_the_lease_alone() {
    let mut rig = Rig::with(&[record(1)]);
    rig.host.advance_ms(10);
    writes(&rig);
    rig.exchange();
    let writes = writes(&rig);
    assert!(is_lease(&writes[0]), "{writes:?}");
    assert!(
        matches!(
            writes[..],
            [
                Write::Slot(_),
                Write::Gauge(Gauge::LeaseUntilMs, _),
                Write::Get(_)
            ]
        ),
        "{writes:?}"
    );
}
