//! An Envoy that was cut off gets the whole table anew, page by page, and a key is deleted in the
//! middle of that.
//!
//! `LATCHKEY_RESYNC_KEYS` (200) sets how many keys are made while it is cut off. More than a delta
//! holds (10,000), and the sidecar has to give the whole table; else the answer is made a wrong one.

use std::time::Instant;

use envoy::MaxStaleness;
use keytable::limits::DELTA_CHANGES_MAX;
use tests::admin::assert_applied;
use tests::verdict::Span;
use tests::wire::Fault;
use tests::{number, stat, wait_for};

use super::garbage::of_another_history;
use super::world::World;

/// How many of the 16 pages come before the deletion.
const PAGES: usize = 5;
const RECORDS: &str = "wasmcustom.latchkey.records";

/// a key that is deleted while the table is loaded anew is refused from the answer on, and
/// the others are served at every moment of it.
#[test]
fn a_key_deleted_in_the_middle_of_a_snapshot_is_dead_when_that_is_answered() {
    let mut world = World::start(MaxStaleness::default());
    let doomed = world.doomed("doomed");
    world.wire.set(Fault::Stall);
    let keys = world.admin.create_many(number("LATCHKEY_RESYNC_KEYS", 200));
    let load = world.load();
    let begun = Instant::now();
    let (pages, records) = (world.wire.pages(), stat(&world.stack, RECORDS));
    let first = match keys.len() > DELTA_CHANGES_MAX {
        true => Fault::None,
        false => Fault::Say(of_another_history(&world)),
    };
    world.wire.once_then(first, Fault::StallAfter(PAGES));
    wait_for("some pages are in, others are not", || {
        world.wire.pages() > pages && world.wire.held() > 0
    });
    assert!(
        stat(&world.stack, RECORDS) <= records + 1,
        "not in force yet"
    );
    let (healed, answered) = std::thread::scope(|scope| {
        let world = &world;
        let deleted = scope.spawn(|| {
            let answer = world.remove(&doomed, "wait=applied&timeout_s=60");
            (answer, Instant::now())
        });
        let path = format!("/v1/keys/{}", doomed.id);
        wait_for("it is deleted", || {
            world.admin.call("GET", &path, None).0 == 404
        });
        load.settle();
        let healed = Instant::now();
        world.wire.set(Fault::None);
        let (answer, answered) = deleted.join().unwrap();
        assert_applied(&answer);
        (healed, answered)
    });
    world.bury(&doomed, answered);
    println!(
        "{} keys: answered {} ms after the rest of the snapshot could pass",
        keys.len(),
        answered.saturating_duration_since(healed).as_millis()
    );
    for key in keys.iter().step_by(keys.len() / 50) {
        assert_eq!(world.ask(key).status, 200, "{}", key.id);
    }
    load.settle();
    world.judge("snapshot", load, &[Span::since(begun)]);
}
