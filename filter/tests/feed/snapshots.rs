//! Snapshots: whole or not at all, in turn, and never a delta on top of half of one.

use crate::support::{FakeSidecar, Rig, Table, hash, held, parameter, record};
use filter::host::Gauge;
use keytable::limits::PAGE_BUCKETS_MAX;
use keytable::{Epoch, Generation, KeyHash, Page, Record};

/// A page without records.
fn page(epoch: u8, generation: u64, first_bucket: u32, buckets: u32) -> Vec<u8> {
    Page {
        epoch: Epoch::from_bytes([epoch; 16]),
        generation: Generation::new(generation),
        first_bucket,
        buckets,
        records: Vec::new(),
    }
    .encode()
}

/// An Envoy with a table, whose sidecar was replaced by one of another epoch; some pages of the
/// new table are loaded.
fn half_loaded(pages: usize) -> Rig {
    let records: Vec<_> = (0..100).map(record).collect();
    let mut rig = Rig::with(&records);
    let mut other = FakeSidecar::new(2);
    (50..150).for_each(|n| other.put(&record(n)));
    rig.sidecar = other;
    for _ in 0..pages {
        rig.exchange();
    }
    rig
}

fn head(rig: &Rig) -> (Vec<u8>, [u64; 4]) {
    let (slots, gauges) = rig.host.table();
    (slots["latchkey.head"].clone(), gauges)
}

#[test]
fn another_epoch_replaces_the_whole_table() {
    let mut rig = half_loaded(0);
    rig.sync();
    assert_eq!(held(&rig.host), rig.sidecar.table);
    assert!(rig.find(0).unwrap().is_none() && rig.find(149).unwrap().is_some());
    assert_eq!(rig.host.read_gauge(Gauge::Records), 100);
}

#[test]
fn leftovers_in_any_bucket_are_gone_after_a_snapshot() {
    let mut rig = Rig::with(&[record(1)]);
    let mut slots = rig.host.shared.slots.borrow_mut();
    for n in [7, 8, 9] {
        let name = format!("latchkey.{:04x}", hash(n).bucket());
        slots.insert(name, record(n).encode().unwrap());
    }
    drop(slots);
    assert!(rig.find(7).unwrap().is_some());
    rig.restart_agent();
    rig.sync();
    assert_eq!(held(&rig.host), rig.sidecar.table);
}

#[test]
fn a_half_loaded_snapshot_is_neither_acknowledged_nor_in_force() {
    for pages in 1..16 {
        let mut rig = half_loaded(0);
        let before = head(&rig);
        for _ in 0..pages {
            rig.exchange();
        }
        assert_eq!(head(&rig), before, "{pages}");
        let path = rig.request().unwrap().path;
        assert_eq!(parameter(&path, "generation"), None);
        assert_eq!(
            parameter(&path, "bucket"),
            Some((pages * 4096).to_string().as_str())
        );
    }
}

#[test]
fn no_delta_is_accepted_on_a_half_loaded_snapshot() {
    let mut rig = half_loaded(3);
    let (_, before) = head(&rig);
    let mut old = FakeSidecar::with(&(0..100).map(record).collect::<Vec<_>>());
    let heartbeat = old.delta(100);
    old.put(&record(200));
    let deltas = [
        heartbeat,
        old.delta(100),
        rig.sidecar.delta(100),
        rig.sidecar.delta(0),
    ];
    for delta in deltas {
        let slots = rig.host.table();
        let request = rig.request().unwrap();
        rig.deliver(&request, &delta);
        assert_eq!(rig.host.table(), slots);
        rig.rest();
    }
    assert_eq!(head(&rig).1, before);
    rig.sync();
    assert_eq!(held(&rig.host), rig.sidecar.table);
}

#[test]
fn a_failure_between_pages_does_not_start_over() {
    let mut rig = half_loaded(3);
    let request = rig.request().unwrap();
    rig.answer(&request, filter::follower::Answer::Failed);
    rig.rest();
    let path = rig.request().unwrap().path;
    assert_eq!(parameter(&path, "bucket"), Some("12288"));
}

#[test]
fn a_page_out_of_turn_starts_the_snapshot_over() {
    let step = PAGE_BUCKETS_MAX;
    for wrong in [
        page(2, 100, 2 * step, step),
        page(2, 100, 4 * step, step),
        page(2, 100, 1, 1),
        page(2, 101, 3 * step, step),
        page(3, 100, 3 * step, step),
    ] {
        let mut rig = half_loaded(3);
        let before = rig.host.table();
        let request = rig.request().unwrap();
        rig.deliver(&request, &wrong);
        assert_eq!(rig.host.table(), before);
        rig.rest();
        let request = rig.request().unwrap();
        let asked = |name| parameter(&request.path, name).map(str::to_owned);
        assert_eq!((asked("bucket"), asked("generation")), (None, None));
        let body = rig.sidecar.answer(&request.path);
        rig.deliver(&request, &body);
        rig.sync();
        assert_eq!(held(&rig.host), rig.sidecar.table);
    }
}

#[test]
fn a_page_that_nobody_asked_for_does_not_disturb_a_table() {
    let mut rig = Rig::with(&[record(1)]);
    let before = rig.host.table();
    let request = rig.request().unwrap();
    rig.deliver(&request, &page(1, 1, 4096, 4096));
    assert_eq!(rig.host.table(), before);
    rig.rest();
    let path = rig.request().unwrap().path;
    assert_eq!(
        parameter(&path, "generation"),
        Some("1"),
        "the table is still whole"
    );
}

#[test]
fn the_first_page_of_another_snapshot_starts_over() {
    let mut rig = half_loaded(5);
    rig.sidecar.put(&record(300));
    rig.sidecar.remove(&hash(149));
    let request = rig.request().unwrap();
    let path = request.path.replace("snapshot=", "none=");
    let first = rig.sidecar.answer(&path);
    rig.deliver(&request, &first);
    let next = rig.request().unwrap();
    assert_eq!(parameter(&next.path, "snapshot"), Some("102"));
    let body = rig.sidecar.answer(&next.path);
    rig.deliver(&next, &body);
    rig.sync();
    assert_eq!(held(&rig.host), rig.sidecar.table);
    assert_eq!(rig.host.read_gauge(Gauge::Records), 100);
}

/// Case R-25.
#[test]
fn a_snapshot_older_than_the_table_is_refused() {
    let deleted = Record {
        key_hash: KeyHash::from_bytes([0; 32]),
        ..record(1)
    };
    let mut rig = Rig::with(&[record(2), record(3), deleted.clone()]);
    let mut older = rig.sidecar.clone();
    rig.change(|sidecar| sidecar.remove(&deleted.key_hash));
    let before = rig.host.table();
    for _ in 0..3 {
        let request = rig.request().unwrap();
        assert_eq!(parameter(&request.path, "generation"), Some("4"));
        let page = older.answer("/feed/v1/table?region=local");
        rig.deliver(&request, &page);
        assert_eq!(rig.host.table(), before);
        rig.rest();
    }
    rig.sync();
    assert_eq!(held(&rig.host), rig.sidecar.table);
}

/// Case R-10: what was true before a snapshot is not brought back by a delta that was under way meanwhile.
#[test]
fn a_delta_from_before_a_snapshot_is_refused() {
    let mut rig = Rig::with(&[record(1), record(2)]);
    let before = rig.sidecar.clone();
    rig.sidecar.put(&record(3));
    let late = rig.sidecar.delta(2);
    rig.sidecar.remove(&hash(3));
    let request = rig.request().unwrap();
    rig.deliver(&request, &before.delta(1));
    rig.rest();
    let asked = rig.request().unwrap();
    assert_eq!(parameter(&asked.path, "generation"), None, "after a gap");
    let first = rig.sidecar.answer(&asked.path);
    rig.deliver(&asked, &first);
    rig.sync();
    let table = rig.host.table();
    let request = rig.request().unwrap();
    rig.deliver(&request, &late);
    assert_eq!(rig.host.table(), table);
    assert!(rig.find(3).unwrap().is_none());
}

#[test]
fn a_snapshot_of_the_same_generation_is_taken() {
    let mut rig = Rig::with(&[record(1), record(2)]);
    let path = rig.request().unwrap();
    let edition = rig.edition();
    let first = rig.sidecar.answer("/feed/v1/table?region=local");
    rig.deliver(&path, &first);
    rig.sync();
    assert!(rig.edition() > edition);
    assert_eq!(held(&rig.host), rig.sidecar.table);
}

#[test]
fn a_snapshot_that_the_sidecar_no_longer_has_is_followed_by_a_newer_one() {
    let mut rig = half_loaded(5);
    rig.sidecar.put(&record(300));
    rig.sidecar.forget_snapshot();
    rig.sync();
    assert_eq!(held(&rig.host), rig.sidecar.table);
}

#[test]
fn small_pages_are_as_good_as_large_ones() {
    let mut rig = Rig::cold(FakeSidecar::new(5));
    let mut next = 0;
    for buckets in [1, 4095, 7, 4096, 4096].into_iter().cycle() {
        let buckets = buckets.min(65_536 - next);
        let request = rig.request().unwrap();
        rig.deliver(&request, &page(5, 0, next, buckets));
        next += buckets;
        if next == 65_536 {
            break;
        }
        assert!(rig.find(1).is_err());
    }
    assert!(rig.find(1).unwrap().is_none());
    assert_eq!(held(&rig.host), Table::new());
}
