//! What a worker remembers of the table, and that it never outlives an acknowledged change.
//!
//! Envoy in memory counts and fails calls. Invariant checked throughout: once the edition has
//! moved, the answer is the newest table's.

use std::collections::BTreeSet;

use filter::cache::{KnownKey, RecordCache};
use filter::changes::{ChangeLog, changed_between};
use filter::table::look_up;
use keytable::{PresentedKey, Record, Status};

use crate::support::{Call, FakeSidecar, Rig, hash, key, record};

fn disabled(n: usize) -> Record {
    Record {
        status: Status::Disabled,
        ..record(n)
    }
}

fn status(rig: &Rig, n: usize) -> u16 {
    rig.post().bearer(n).send_bodyless().status()
}

/// Whether key `n` is answered without its bucket being read, `reads` other slots aside.
fn is_remembered(rig: &Rig, n: usize, reads: usize) -> bool {
    rig.host.fail_after(Call::Slot, reads);
    let status = status(rig, n);
    rig.host.heal();
    assert!([200, 503].contains(&status), "{status}");
    status == 200
}

/// Two keys of one bucket.
fn neighbours() -> (usize, usize) {
    let mut homes = std::collections::HashMap::new();
    for n in 0.. {
        if let Some(other) = homes.insert(hash(n).bucket(), n) {
            return (other, n);
        }
    }
    unreachable!()
}

#[test]
fn a_known_key_needs_no_slot() {
    let rig = Rig::with(&[record(1), record(2)]);
    assert!(!is_remembered(&rig, 1, 3), "the first time it is read");
    assert_eq!(status(&rig, 1), 200);
    assert!(is_remembered(&rig, 1, 0));
    assert!(!is_remembered(&rig, 2, 0), "another key is another key");
}

#[test]
fn a_key_that_is_not_in_the_table_is_read_every_time() {
    let rig = Rig::with(&[record(1)]);
    assert_eq!((status(&rig, 2), status(&rig, 2)), (401, 401));
    rig.host.fail(Call::Slot);
    assert_eq!(status(&rig, 2), 503);
}

#[test]
fn a_change_makes_a_worker_forget_its_bucket_and_no_other() {
    let (a, b) = neighbours();
    let other = b + 1;
    let mut rig = Rig::with(&[record(a), record(b), record(other)]);
    for n in [a, b, other] {
        assert_eq!(status(&rig, n), 200);
    }
    rig.change(|sidecar| sidecar.put(&disabled(a)));
    assert!(
        is_remembered(&rig, other, 3),
        "lease, head and change log, no bucket"
    );
    assert!(!is_remembered(&rig, b, 0), "its bucket has changed");
    assert_eq!((status(&rig, a), status(&rig, b)), (401, 200));
    rig.change(|sidecar| sidecar.put(&record(a)));
    assert_eq!(status(&rig, a), 200);
    rig.change(|sidecar| sidecar.remove(&hash(a)));
    assert_eq!((status(&rig, a), status(&rig, b)), (401, 200));
}

#[test]
fn many_changes_and_snapshots_make_a_worker_forget_everything() {
    let mut rig = Rig::with(&[record(1), record(2)]);
    assert_eq!(status(&rig, 1), 200);
    rig.change(|sidecar| sidecar.put(&disabled(1)));
    rig.change(|sidecar| (100..1_300).for_each(|n| sidecar.put(&record(n))));
    assert_eq!(
        status(&rig, 1),
        401,
        "its change is not in the log any more"
    );

    let mut rig = Rig::with(&[record(1), record(2)]);
    assert_eq!(status(&rig, 1), 200);
    rig.sidecar = FakeSidecar::new(2);
    rig.sidecar.put(&disabled(1));
    rig.sync();
    assert_eq!((status(&rig, 1), status(&rig, 2)), (401, 401));
}

#[test]
fn a_restarted_agent_knows_nothing_of_earlier_changes() {
    let mut rig = Rig::with(&[record(1)]);
    assert_eq!(status(&rig, 1), 200);
    rig.restart_agent();
    rig.sidecar.put(&disabled(1));
    rig.sync();
    assert_eq!(status(&rig, 1), 401);
}

#[test]
fn an_agent_that_fails_at_any_write_leaves_nothing_old_behind_an_edition() {
    for call in [Call::SetSlot, Call::SetGauge] {
        for count in 0..5 {
            let mut rig = Rig::with(&[record(1)]);
            assert_eq!(status(&rig, 1), 200);
            let edition = rig.edition();
            rig.sidecar.put(&disabled(1));
            rig.host.fail_after(call, count);
            rig.exchange();
            rig.host.heal();
            if rig.edition() > edition {
                assert_eq!(
                    status(&rig, 1),
                    401,
                    "{call:?} {count}: the edition has moved"
                );
            } else {
                assert!([200, 401].contains(&status(&rig, 1)));
            }
            // The next table tells of another key alone: what failed must not be lost.
            rig.sidecar.put(&record(2));
            rig.rest();
            rig.sync();
            assert_eq!(status(&rig, 1), 401, "{call:?} {count}");
        }
    }
}

#[test]
fn a_damaged_change_log_makes_a_worker_forget_everything() {
    let mut rig = Rig::with(&[record(1), record(2)]);
    let before = rig.edition();
    rig.change(|sidecar| sidecar.put(&disabled(1)));
    let whole = rig.host.shared.slots.borrow()["latchkey.changes"].clone();
    let edition = rig.edition();
    assert!(changed_between(&whole, before, edition).is_some());
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        assert_eq!(changed_between(&flipped, before, edition), None, "{at}");
        assert_eq!(changed_between(&whole[..at], before, edition), None, "{at}");
    }
}

#[test]
fn a_log_answers_only_what_it_covers() {
    let mut log = ChangeLog::default();
    log.note(1);
    let first = log.close(10);
    assert_eq!(
        changed_between(&first, 9, 10),
        None,
        "everything changed with 10"
    );
    assert_eq!(changed_between(&first, 10, 10), Some(BTreeSet::new()));
    log.note(7);
    log.note(8);
    log.close(11);
    log.note(8);
    let third = log.close(12);
    assert_eq!(
        changed_between(&third, 10, 12),
        Some(BTreeSet::from([7, 8]))
    );
    assert_eq!(changed_between(&third, 11, 12), Some(BTreeSet::from([8])));
    assert_eq!(
        changed_between(&third, 11, 13),
        None,
        "it does not reach 13"
    );
    (0..1_030).for_each(|bucket| log.note(bucket));
    let fourth = log.close(13);
    assert_eq!(changed_between(&fourth, 12, 13), None, "too many to tell");
    assert_eq!(changed_between(&fourth, 13, 13), Some(BTreeSet::new()));
}

#[test]
fn the_cache_is_bounded_and_keeps_no_key() {
    let rig = Rig::with(&[record(1)]);
    rig.shared.table.open(&rig.host).unwrap();
    let known = KnownKey {
        key_hash: hash(1),
        record: look_up(&rig.host, &hash(1)).unwrap().unwrap(),
    };
    let mut cache = RecordCache::new([1; 16]);
    let text = key(1);
    let tag = cache.tag(&PresentedKey::parse(text.as_bytes()).unwrap());
    cache.keep(tag, known.clone());
    assert!(!format!("{cache:?}").contains(&text));
    assert!(cache.find(tag).is_some());
    for other in 0..200_000 {
        cache.keep(other, known.clone());
    }
    assert!(cache.find(tag).is_none(), "it made room");
    let held = (0..200_000)
        .filter(|tag| cache.find(*tag).is_some())
        .count();
    assert!((1..30_000).contains(&held), "{held}");
    let other = RecordCache::new([2; 16]);
    assert_ne!(
        tag,
        other.tag(&PresentedKey::parse(text.as_bytes()).unwrap())
    );
}
