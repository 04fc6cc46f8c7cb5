//! Limits, simulated with the product's gates, agents, bookkeeper and store: the bound holds whatever network and
//! processes do, nothing is refused as long as something is left, and when all is calm each charge is in the ledger
//! once and nothing is held. Every fault that is put in is found, in random runs or in a scene.
//!
//! `LIMITS_SEED` and `LIMITS_RUNS` set the first seed and the number of the random runs.

#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "tests"
)]

mod checks;
mod envoy;
mod scenes;
mod side;
mod world;

#[allow(
    dead_code,
    unused_imports,
    reason = "the tests of the filter use all of it"
)]
#[path = "../../../../filter/tests/support/mod.rs"]
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Instant;

use envoy::Fault;
use filter::mutant::Mutant as OfFilter;
use keytable::mutant::{Mutant as OfKeytable, set};
use sidecar::mutant::Mutant as OfSidecar;
use sidecar::store::Store;
use world::World;

const STEPS: usize = 400;

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

/// The store of all runs, gone with them.
struct Shelf {
    directory: PathBuf,
    store: Store,
    /// How many runs there were: each has keys of its own.
    runs: usize,
}

impl Shelf {
    fn new() -> Self {
        let fast = PathBuf::from("/dev/shm");
        let parent = if fast.is_dir() {
            fast
        } else {
            std::env::temp_dir()
        };
        let directory = parent.join(format!("latchkey-limits-{}", std::process::id()));
        let store = side::open_store(&directory);
        Self {
            directory,
            store,
            runs: 0,
        }
    }

    fn next(&mut self) -> usize {
        self.runs += 1;
        self.runs
    }

    /// One run; how many were admitted and refused.
    fn run(&mut self, seed: u64) -> Result<(u64, u64), Fault> {
        let run = self.next();
        let mut world = World::new(&self.store, run, seed);
        for _ in 0..STEPS {
            world.step()?;
        }
        world.calm()?;
        world.check_calm()?;
        Ok((world.admitted, world.refused))
    }

    /// What a scene shows.
    fn play(&mut self, scene: scenes::Scene) -> Result<(), Fault> {
        let run = self.next();
        scene(&self.store, run)
    }

    /// The first scene or run that shows a fault.
    fn find(&mut self) -> Option<String> {
        for (name, scene) in scenes::all() {
            if let Some(fault) = self.fault(|shelf| shelf.play(scene)) {
                return Some(format!("in the scene {name}: {fault}"));
            }
        }
        seeds().find_map(|seed| {
            let fault = self.fault(|shelf| shelf.run(seed).map(drop))?;
            Some(format!("with LIMITS_SEED={seed}: {fault}"))
        })
    }

    fn fault(&mut self, play: impl FnOnce(&mut Self) -> Result<(), Fault>) -> Option<Fault> {
        let played = catch_unwind(AssertUnwindSafe(|| play(self)));
        played
            .unwrap_or_else(|_| Err("it panicked".to_owned()))
            .err()
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn seeds() -> impl Iterator<Item = u64> {
    let first = number("LIMITS_SEED", 1);
    (first..first + number("LIMITS_RUNS", 20)).map(|seed| seed as u64)
}

/// The faults of limits: those of the feed's protocol are found elsewhere.
fn mutants() -> Vec<(String, usize)> {
    let of_keytable = OfKeytable::OF_LIMITS.iter();
    let of_keytable = of_keytable.map(|mutant| (format!("{mutant:?}"), mutant.number()));
    let of_filter = OfFilter::OF_LIMITS.iter();
    let of_filter = of_filter.map(|mutant| (format!("{mutant:?}"), mutant.number()));
    let of_sidecar = OfSidecar::OF_LIMITS.iter();
    let of_sidecar = of_sidecar.map(|mutant| (format!("{mutant:?}"), mutant.number()));
    of_keytable.chain(of_filter).chain(of_sidecar).collect()
}

/// One test, so that a fault is not put into another's run.
#[test]
fn the_bound_holds_nothing_is_refused_in_vain_and_every_fault_is_found() {
    let mut shelf = Shelf::new();
    for (name, scene) in scenes::all() {
        let played = shelf.play(scene);
        played.unwrap_or_else(|fault| panic!("the scene {name}: {fault}"));
    }
    let (begin, mut admitted, mut refused) = (Instant::now(), 0, 0);
    for seed in seeds() {
        match shelf.run(seed) {
            Ok((more, less)) => (admitted, refused) = (admitted + more, refused + less),
            Err(fault) => panic!("LIMITS_SEED={seed} LIMITS_RUNS=1: {fault}"),
        }
    }
    println!(
        "{admitted} admitted, {refused} refused in {:?}",
        begin.elapsed()
    );
    assert!(admitted > 20 && refused > 2, "{admitted}, {refused}");
    let mut missed = Vec::new();
    for (name, number) in mutants() {
        set(Some(number));
        let found = shelf.find();
        set(None);
        println!("{name}: {}", found.as_deref().unwrap_or("not found"));
        missed.extend(found.is_none().then_some(name));
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
