//! Scenes in one Envoy: cells that others change, settlements, gates that are silent, the agent's word in time.
//!
//! Invariant: one Envoy of a world acts.

use std::rc::Rc;

use filter::gate::Gate;
use keytable::cell::Cell;
use keytable::{Limit, WhenApart};
use sidecar::store::Store;

use super::{BODY, Scene, expect, limited, requests, requests_a_day, served, status, tokens, used};
use crate::envoy::{End, Fault};
use crate::support::{Call, Exchange, hash, record};
use crate::world::HOUR_MS;

/// The number of a request that no world counts.
const STREAM: u32 = 1_000_000;

/// Each, with its name.
pub(super) const SCENES: &[(&str, Scene)] = &[
    ("others are always faster", others_are_always_faster),
    ("another worker is faster", another_worker_is_faster),
    (
        "a cell that cannot be compared",
        a_cell_that_cannot_be_compared,
    ),
    ("a settlement that fails", a_settlement_that_fails),
    ("what was taken is urgent", what_was_taken_is_urgent),
    ("a long request", a_long_request),
    ("nothing is held of requests", nothing_is_held_of_requests),
    ("apart", apart),
    ("a gate that comes back", a_gate_that_comes_back),
    (
        "a window with something unsent",
        a_window_with_something_unsent,
    ),
    (
        "somebody else writes the table",
        somebody_else_writes_the_table,
    ),
];

fn others_are_always_faster(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests(5)]);
    let index = Cell::index_of(&world.side.of_key(1));
    let mut count = 0;
    let write = move |host: &crate::support::FakeHost| {
        let mut cells = host.shared.cells.borrow_mut();
        let fresh = || (Cell::default().encode(), 1);
        cells.entry(index).or_insert_with(fresh).1 += 1;
        count += 1;
        count < 200
    };
    *world.envoys[0].host.shared.intruder.borrow_mut() = Some(Box::new(write));
    let found = status(&mut world, 0, 0)?;
    drop(world.envoys[0].host.shared.intruder.take());
    expect("a request that never gets to write", found, 503)
}

fn another_worker_is_faster(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests(5)]);
    let number = world.side.number(1);
    let other = Rc::clone(&world.envoys[0].workers[1].shared);
    let admit = move |host: &crate::support::FakeHost| {
        let gate = Gate::new(Rc::clone(&other), STREAM);
        let exchange = Exchange::new(host.sibling(), gate, STREAM);
        let mut exchange = exchange.bearer(number).send(&[BODY]);
        exchange.end();
        false
    };
    *world.envoys[0].host.shared.intruder.borrow_mut() = Some(Box::new(admit));
    status(&mut world, 0, 0)?;
    expect("requests that are counted", world.envoys[0].open(), 2)
}

fn a_cell_that_cannot_be_compared(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests(5)]);
    let index = Cell::index_of(&world.side.of_key(1));
    let mut cells = world.envoys[0].host.shared.cells.borrow_mut();
    cells.insert(index, (Cell::default().encode(), 0));
    drop(cells);
    expect("a request", status(&mut world, 0, 0)?, 503)
}

fn a_settlement_that_fails(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[tokens(1_000)]);
    status(&mut world, 0, 0)?;
    world.envoys[0].host.fail(Call::SetCell);
    world.envoys[0].end(0, 0, End::Stated(7));
    world.envoys[0].host.heal();
    world.calm()?;
    expect("what is charged", used(&world), 7)
}

fn what_was_taken_is_urgent(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests(10)]);
    expect("at first", served(&mut world, 0, 8)?, 8)?;
    world.ticks(100, false);
    expect("what the ledger has", used(&world), 8)?;
    served(&mut world, 0, 1)?;
    for _ in 0..60 {
        world.ticks(1, false);
        if used(&world) == 9 {
            break;
        }
    }
    // Nine tenths are used: the next one is told at once, not a second after this answer.
    served(&mut world, 0, 1)?;
    world.ticks(7, false);
    expect("what the ledger has soon", used(&world), 10)
}

fn a_long_request(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[tokens(1_000)]);
    status(&mut world, 0, 0)?;
    world.ticks(480, false);
    world.envoys[0].end(0, 0, End::Stated(7));
    world.calm()?;
    expect("what is charged", used(&world), 7)
}

fn nothing_is_held_of_requests(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests(5)]);
    status(&mut world, 0, 0)?;
    world.ticks(60, false);
    expect("what the ledger has while it runs", used(&world), 1)?;
    expect("what is held", world.side.held(), 0)
}

fn apart(store: &Store, run: usize) -> Result<(), Fault> {
    let apart = Limit {
        when_apart: WhenApart::Refuse,
        ..tokens(1_000)
    };
    let mut world = limited(store, run, &[apart]);
    expect("before the ledger was heard", served(&mut world, 0, 1)?, 0)?;
    world.ticks(60, false);
    expect("when it was heard", served(&mut world, 0, 1)?, 1)?;
    world.pass(5_000);
    expect("5 s later", served(&mut world, 0, 1)?, 1)?;
    world.pass(6_000);
    expect("11 s later", served(&mut world, 0, 1)?, 0)?;
    world.ticks(200, false);
    expect("when it is heard again", served(&mut world, 0, 1)?, 1)
}

/// A gate was given up, and takes more before it settles what it held.
fn a_gate_that_comes_back(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[tokens(1_000)]);
    status(&mut world, 0, 0)?;
    world.ticks(60, false);
    world.envoys[0].workers[0].is_silent = true;
    world.ticks(560, false);
    let given_up = used(&world);
    world.envoys[0].workers[0].is_silent = false;
    status(&mut world, 0, 0)?;
    world.envoys[0].end(0, 0, End::Stated(7));
    world.envoys[0].end(0, 0, End::Stated(100));
    world.calm()?;
    expect("what is charged", used(&world), given_up + 100)
}

fn a_window_with_something_unsent(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests_a_day(5)]);
    served(&mut world, 0, 1)?;
    let index = Cell::index_of(&world.side.of_key(1));
    let (bytes, _) = world.envoys[0].host.shared.cells.borrow()[&index].clone();
    let mut cell = Cell::decode(&bytes).unwrap();
    let is_tidied = cell.tidy(world.now_ms + 48 * HOUR_MS, |_| true);
    expect("whether it is gone", is_tidied, false)
}

/// A worker that was taken over empties a bucket; the next change of it does not build on that.
fn somebody_else_writes_the_table(store: &Store, run: usize) -> Result<(), Fault> {
    let mut world = limited(store, run, &[requests(5)]);
    let bucket = hash(world.side.number(1)).bucket();
    let foreign = record(7).encode().unwrap();
    let slots = &world.envoys[0].host.shared.slots;
    slots
        .borrow_mut()
        .insert(format!("latchkey.{bucket:04x}"), foreign);
    world.side.limit_key(1, &[requests(6)], world.now_ms);
    world.ticks(200, false);
    let added = world.envoys[0].host.shared.added.borrow();
    let alarms = added
        .iter()
        .filter(|(name, _)| name == "latchkey.table_altered");
    expect("alarms", alarms.count(), 1)
}
