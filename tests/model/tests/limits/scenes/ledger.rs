//! Scenes between Envoys and the ledger: batches, what is held, Envoys that are gone, marks.
//!
//! Invariant: what is expected is what a sum over all Envoys has to be.

use sidecar::store::Store;

use super::{Scene, expect, limited, requests, served, status, tokens, used};
use crate::envoy::{End, Fault};

/// Each, with its name.
pub(super) const SCENES: &[(&str, Scene)] = &[
    ("batches that are refused", batches_that_are_refused),
    ("holds are told anew", holds_are_told_anew),
    (
        "a mark reaches who knows less",
        a_mark_reaches_who_knows_less,
    ),
    ("batches that come together", batches_that_come_together),
    ("a start lowers nothing", a_start_lowers_nothing),
    ("an Envoy that is gone", an_envoy_that_is_gone),
    (
        "an Envoy that was taken for gone",
        an_envoy_that_was_taken_for_gone,
    ),
    ("a raise before the mark", a_raise_before_the_mark),
];

/// The next batch holds the same charges, at once.
fn batches_that_are_refused(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests(50)]);
    world.ticks(60, false);
    for round in 1..=6 {
        served(&mut world, 0, 1)?;
        world.refuses_next = true;
        world.ticks(70, false);
        expect("what the ledger has", used(&world), round)?;
    }
    Ok(())
}

fn holds_are_told_anew(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[tokens(1_000)]);
    status(&mut world, 0, 0)?;
    world.ticks(60, false);
    let held = world.side.held();
    world.side.restart(world.now_ms);
    expect("right after the start", world.side.held(), 0)?;
    world.ticks(120, false);
    expect(
        "some seconds later",
        (held > 0, world.side.held()),
        (true, held),
    )
}

fn a_mark_reaches_who_knows_less(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests(20)]);
    served(&mut world, 1, 1)?;
    world.ticks(60, false);
    expect("the other one", served(&mut world, 0, 30)?, 20)?;
    world.ticks(200, false);
    expect("after the mark", served(&mut world, 1, 1)?, 0)
}

/// What Envoys post at one time is charged in one transaction.
fn batches_that_come_together(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests(50)]);
    served(&mut world, 0, 2)?;
    served(&mut world, 1, 3)?;
    world.ticks(60, false);
    expect("what the ledger has", used(&world), 5)
}

/// Right after a start of the sidecar nobody has said yet what is held.
fn a_start_lowers_nothing(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[tokens(60)]);
    served(&mut world, 1, 1)?;
    let held = [status(&mut world, 0, 0)?, status(&mut world, 0, 1)?];
    expect("the one that holds all", held, [200, 200])?;
    world.ticks(60, false);
    served(&mut world, 1, 1)?;
    world.ticks(60, false);
    expect("the other one has heard", served(&mut world, 1, 1)?, 0)?;
    world.side.restart(world.now_ms);
    world.ticks_of(1, 40);
    expect("and is told nothing lower", served(&mut world, 1, 1)?, 0)?;
    world.ticks(120, false);
    expect("later", served(&mut world, 1, 1)?, 0)
}

fn an_envoy_that_is_gone(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[tokens(1_000)]);
    status(&mut world, 0, 0)?;
    world.ticks(60, false);
    let held = world.side.held();
    world.kill_envoy(0);
    world.ticks(10, false);
    let found = (held > 0, used(&world), world.side.held());
    expect("what is charged and held", found, (true, held, 0))
}

/// It settles more than it held, and is charged that.
fn an_envoy_that_was_taken_for_gone(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[tokens(1_000)]);
    status(&mut world, 0, 0)?;
    world.ticks(60, false);
    let held = world.side.held();
    world.lapse(0);
    expect("what is charged at first", used(&world), held)?;
    world.envoys[0].end(0, 0, End::Stated(held + 40));
    world.calm()?;
    expect("what is charged", used(&world), held + 40)
}

/// What was full when it was charged is not when the mark is made.
fn a_raise_before_the_mark(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests(20)]);
    expect("all of it", served(&mut world, 0, 25)?, 20)?;
    world.ticks_of(0, 30);
    expect("what the ledger has", used(&world), 20)?;
    world.side.limit_key(1, &[requests(40)], world.now_ms);
    world.ticks(60, false);
    expect("after the raise", served(&mut world, 0, 1)?, 1)
}
