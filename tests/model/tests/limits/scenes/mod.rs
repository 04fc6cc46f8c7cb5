//! Scenes: what random runs come upon too seldom, or what only a certain moment shows.
//!
//! Invariant: a scene says what it found in place of what it waited for.

mod clocks;
mod gate;
mod ledger;

use keytable::{Limit, Unit, UtcOffset, Window};
use sidecar::store::Store;

use super::envoy::{Asked, End, Fault};
use super::world::{World, limit};

pub(crate) type Scene = fn(&Store, usize) -> Result<(), Fault>;

/// All of them, each with its name.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Scene)> {
    let scenes = [gate::SCENES, ledger::SCENES, clocks::SCENES];
    scenes.into_iter().flatten().copied()
}

const DAY: Window = Window::Day(UtcOffset::UTC);
const BODY: &[u8] = br#"{"model":"m"}"#;

fn requests(amount: u64) -> Limit {
    limit(Unit::Requests, Window::Lifetime, amount)
}

fn requests_a_day(amount: u64) -> Limit {
    limit(Unit::Requests, DAY, amount)
}

fn tokens(amount: u64) -> Limit {
    limit(Unit::Tokens, Window::Lifetime, amount)
}

/// A world whose key 1 has these limits, and whose account has none.
fn limited(store: &Store, run: usize, limits: &[Limit]) -> World {
    World::with(store, run, 1, limits.to_vec(), Vec::new())
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), Fault> {
    match found == wanted {
        true => Ok(()),
        false => Err(format!("{what}: {found:?}, not {wanted:?}")),
    }
}

/// Status of a request of key 1 that is judged by nothing but the scene.
fn status(world: &mut World, envoy: usize, worker: usize) -> Result<u16, Fault> {
    let (number, subjects) = (world.side.number(1), world.subjects(1));
    let asked = world.envoys[envoy].ask(worker, number, BODY, &subjects)?;
    Ok(match asked {
        Asked::Admitted(_) => 200,
        Asked::Refused(status, _) => status,
    })
}

/// So many requests of key 1, which end; how many were admitted.
fn served(world: &mut World, envoy: usize, count: usize) -> Result<usize, Fault> {
    let mut served = 0;
    for _ in 0..count {
        if status(world, envoy, 0)? == 200 {
            world.envoys[envoy].end(0, 0, End::Stated(1));
            served += 1;
        }
    }
    Ok(served)
}

/// What the ledger has of the first limit of key 1.
fn used(world: &World) -> u64 {
    world.side.ledger(Some(1), world.now_ms)[0].1.used
}
