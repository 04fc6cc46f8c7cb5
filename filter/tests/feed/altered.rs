//! Somebody else writes the key table: it is noticed, told, and made anew.

use crate::support::{Rig, hash, held, record};

/// All buckets were looked at.
const SWEEP_TICKS: usize = 65_536 / 16;

fn bucket(n: usize) -> String {
    format!("latchkey.{:04x}", hash(n).bucket())
}

/// What the alarm has counted.
fn alarms(rig: &Rig) -> u64 {
    let added = rig.host.shared.added.borrow();
    let named = added
        .iter()
        .filter(|(name, _)| name == "latchkey.table_altered");
    named.map(|(_, by)| by).sum()
}

/// The agent ticks, and the sidecar answers what it asks.
fn pass(rig: &mut Rig, ticks: usize) {
    for _ in 0..ticks {
        rig.host.advance_ms(50);
        if let Some(request) = rig.request() {
            let body = rig.sidecar.answer(&request.path);
            rig.deliver(&request, &body);
        }
    }
}

fn write(rig: &Rig, n: usize, bytes: Vec<u8>) {
    let mut slots = rig.host.shared.slots.borrow_mut();
    slots.insert(bucket(n), bytes);
}

#[test]
fn a_bucket_that_somebody_else_wrote_is_noticed_and_made_anew() {
    let mut rig = Rig::with(&[record(1), record(2)]);
    pass(&mut rig, SWEEP_TICKS);
    assert_eq!(alarms(&rig), 0, "nobody wrote anything");
    // A key is let in where there was none, and another one is taken out.
    write(&rig, 7, record(7).encode().unwrap());
    write(&rig, 1, Vec::new());
    assert!(rig.find(7).unwrap().is_some());
    pass(&mut rig, SWEEP_TICKS);
    // The whole table that follows the first alarm may come before the second bucket is looked at.
    let told = alarms(&rig);
    assert!((1..=2).contains(&told), "{told}");
    assert_eq!(held(&rig.host), rig.sidecar.table);
    pass(&mut rig, SWEEP_TICKS);
    assert_eq!(alarms(&rig), told, "each is told once");
    let log = rig.host.shared.log.borrow();
    assert!(
        log.iter().any(|line| line.contains("docs/gate-rights.md")),
        "{log:?}"
    );
}

#[test]
fn no_change_builds_on_what_somebody_else_wrote() {
    let mut rig = Rig::with(&[record(1)]);
    let mut foreign = record(7);
    let mut bytes = *foreign.key_hash.as_bytes();
    bytes[..2].copy_from_slice(&hash(1).as_bytes()[..2]);
    foreign.key_hash = keytable::KeyHash::from_bytes(bytes);
    let mut both = [record(1).encode().unwrap(), foreign.encode().unwrap()];
    both.sort();
    write(&rig, 1, both.concat());
    rig.sidecar.put(&keytable::Record {
        status: keytable::Status::Disabled,
        ..record(1)
    });
    pass(&mut rig, 400);
    assert_eq!(alarms(&rig), 1);
    assert_eq!(held(&rig.host), rig.sidecar.table);
}
