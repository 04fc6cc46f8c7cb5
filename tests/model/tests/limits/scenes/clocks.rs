//! Scenes of windows: their boundary, and clocks that are set forward and back.
//!
//! Invariant: no day is granted twice, and none is lost.

use sidecar::store::Store;

use super::{Scene, expect, limited, requests_a_day, served, tokens, used};
use crate::envoy::{Envoy, Fault};
use crate::world::{HOUR_MS, TICK_MS};

/// Each, with its name.
pub(super) const SCENES: &[(&str, Scene)] = &[
    ("a mark ends", a_mark_ends),
    ("a clock behind the record", a_clock_behind_the_record),
    (
        "the ledger's clock goes back and forth",
        the_ledgers_clock_goes_back_and_forth,
    ),
    ("a clock that comes back", a_clock_that_comes_back),
    (
        "the Envoy's clock goes back and forth",
        the_envoys_clock_goes_back_and_forth,
    ),
    ("the boundary", the_boundary),
    ("a mark of tomorrow", a_mark_of_tomorrow),
];

fn a_mark_ends(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests_a_day(3)]);
    expect("today", served(&mut world, 0, 5)?, 3)?;
    world.ticks(200, false);
    let marked = world.side.ledger(Some(1), world.now_ms)[0]
        .1
        .full_until_unix_ms;
    expect("a mark", marked.is_some(), true)?;
    world.pass(24 * HOUR_MS);
    world.ticks(60, false);
    expect("tomorrow", served(&mut world, 0, 5)?, 3)
}

fn a_clock_behind_the_record(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests_a_day(5)]);
    served(&mut world, 0, 4)?;
    world.ticks(60, false);
    world
        .side
        .limit_key(1, &[requests_a_day(5), tokens(1_000_000)], world.now_ms);
    let mut behind = Envoy::new((run, 99), 1, world.now_ms - 24 * HOUR_MS);
    for _ in 0..40 {
        behind.tick();
        behind.follow(&mut world.side);
    }
    world.envoys.push(behind);
    expect("of the one that is left", served(&mut world, 2, 5)?, 1)
}

/// The clock of the sidecar is set over midnight and back, twice.
fn the_ledgers_clock_goes_back_and_forth(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests_a_day(5)]);
    let mut all = Vec::new();
    for ahead_ms in [0, 24, 0, 24, 0] {
        world.side.ahead_ms = ahead_ms * HOUR_MS as i64;
        world.ticks(300, false);
        all.push(served(&mut world, 0, 20)?);
        // What was not told before the clock goes back is charged to the day that it goes back to.
        world.ticks(60, false);
    }
    world.ticks(200, false);
    expect("requests of two days", all, vec![5, 5, 0, 0, 0])?;
    expect("what the ledger has of one", used(&world), 5)
}

/// The same, and nothing is used up on any of the days.
fn a_clock_that_comes_back(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests_a_day(5)]);
    let mut all = Vec::new();
    for (ahead_ms, count) in [(0, 3), (24, 3), (0, 9), (24, 9), (0, 9)] {
        world.side.ahead_ms = ahead_ms * HOUR_MS as i64;
        world.ticks(300, false);
        all.push(served(&mut world, 0, count)?);
        world.ticks(60, false);
    }
    world.ticks(200, false);
    expect("requests of two days", all, vec![3, 3, 2, 2, 0])?;
    expect("what the ledger has of one", used(&world), 5)
}

/// An Envoy's clock is set over midnight and back, and does not count once the ledger was heard.
fn the_envoys_clock_goes_back_and_forth(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests_a_day(5)]);
    served(&mut world, 0, 1)?;
    world.ticks(60, false);
    let mut all = 1;
    for hours in [24, 0, 48, 0] {
        let clock = &world.envoys[0].host.shared.unix_ms;
        clock.set(world.now_ms + hours * HOUR_MS - 24 * HOUR_MS);
        all += served(&mut world, 0, 3)?;
        world.ticks(60, false);
    }
    expect("requests of a day", (all, used(&world)), (5, 5))
}

/// The last millisecond of a day, and the first of the next.
fn the_boundary(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests_a_day(5)]);
    served(&mut world, 0, 1)?;
    world.ticks(100, false);
    let left_ms = 24 * HOUR_MS - world.envoys[0].now_ms(world.now_ms) % (24 * HOUR_MS);
    world.pass(left_ms - 1);
    expect("in the last millisecond", served(&mut world, 0, 9)?, 4)?;
    world.pass(1);
    expect("in the first of the next", served(&mut world, 0, 9)?, 5)?;
    world.pass(TICK_MS);
    world.ticks(100, false);
    expect("what the ledger has of the new day", used(&world), 5)?;
    world.calm()
}

/// The day that the clock came to was used up, and marked; the one that it comes back to is not lost.
fn a_mark_of_tomorrow(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests_a_day(5)]);
    let mut all = Vec::new();
    for (ahead_ms, count) in [(0, 3), (24, 9), (0, 9)] {
        world.side.ahead_ms = ahead_ms * HOUR_MS as i64;
        world.ticks(300, false);
        all.push(served(&mut world, 0, count)?);
        world.ticks(160, false);
    }
    expect("requests of two days", all, vec![3, 5, 2])
}
