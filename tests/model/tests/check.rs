//! The feed protocol, checked in every world within bounds; and every fault is found that is put in.
//!
//! `MODEL_CHANGES`, `MODEL_FAULTS` and `MODEL_TICKS` widen the bounds of the exhaustive check.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

#[allow(
    dead_code,
    unused_imports,
    reason = "the tests of the filter use all of it"
)]
#[path = "../../../filter/tests/support/mod.rs"]
mod support;

#[path = "../../../filter/tests/feed/simulation.rs"]
mod simulation;

use std::panic::catch_unwind;
use std::sync::Mutex;
use std::time::Duration;

use model::check::{Finding, check, walk};
use model::{Bounds, FilterMutant, SidecarMutant, set_filter, set_sidecar};

/// One check at a time: the switches are for the whole process.
static SWITCHES: Mutex<()> = Mutex::new(());
/// How long one check may take on a busy machine before it counts as not ended.
const PATIENCE: Duration = Duration::from_secs(900);

fn number(variable: &str, default: u8) -> u8 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

const fn bounds(changes: u8, faults: u8, ticks: u8) -> Bounds {
    Bounds {
        changes,
        faults,
        ticks,
    }
}

/// Many changes; every fault; a step of the clock.
fn all_bounds() -> Vec<Bounds> {
    match std::env::var_os("MODEL_CHANGES") {
        None => vec![bounds(4, 0, 0), bounds(2, 1, 0), bounds(1, 0, 1)],
        Some(_) => vec![bounds(
            number("MODEL_CHANGES", 4),
            number("MODEL_FAULTS", 1),
            number("MODEL_TICKS", 0),
        )],
    }
}

fn seeds() -> std::ops::Range<u64> {
    let number = |variable: &str, default: u64| {
        std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
    };
    let first = number("MODEL_SEED", 1);
    first..first + number("MODEL_RUNS", 5_000)
}

/// Walks in wide bounds; in half of them time passes and little else happens.
fn walks(mut seeds: std::ops::Range<u64>) -> Option<String> {
    seeds.find_map(|seed| match seed % 2 {
        0 => walk(bounds(6, 6, 0), seed),
        _ => walk(bounds(3, 2, 6), seed),
    })
}

#[test]
fn no_world_within_bounds_breaks_a_promise() {
    let _alone = SWITCHES.lock().unwrap_or_else(|poison| poison.into_inner());
    for bounds in all_bounds() {
        let begin = std::time::Instant::now();
        let Finding { worlds, fault } = check(bounds, PATIENCE);
        println!("{bounds:?}: {worlds} worlds in {:?}", begin.elapsed());
        assert_eq!(fault, None);
        assert!(begin.elapsed() < PATIENCE, "it has not seen them all");
    }
}

#[test]
fn no_random_walk_breaks_a_promise() {
    let _alone = SWITCHES.lock().unwrap_or_else(|poison| poison.into_inner());
    assert_eq!(walks(seeds()), None);
}

/// First by random runs, which are quick: of the protocol, then of an agent whose sidecar and network
/// say anything; then in every small world.
fn is_found(what: &str) -> bool {
    let found = walks(1..1_500)
        .or_else(simulated)
        .or_else(|| check(bounds(2, 1, 0), PATIENCE).fault);
    println!("{what}: {}", found.as_deref().unwrap_or("not found"));
    found.is_some()
}

fn simulated() -> Option<String> {
    let fails = |seed: &u64| catch_unwind(|| simulation::run(*seed)).is_err();
    (1..30)
        .find(fails)
        .map(|seed| format!("FILTER_SEED={seed}"))
}

#[test]
fn every_fault_that_is_put_in_is_found() {
    let _alone = SWITCHES.lock().unwrap_or_else(|poison| poison.into_inner());
    let mut missed = Vec::new();
    for mutant in FilterMutant::ALL {
        set_filter(Some(mutant));
        let name = format!("{mutant:?}");
        if !is_found(&name) {
            missed.push(name);
        }
    }
    set_filter(None);
    for mutant in SidecarMutant::ALL {
        set_sidecar(Some(mutant));
        let name = format!("{mutant:?}");
        if !is_found(&name) {
            missed.push(name);
        }
    }
    set_sidecar(None);
    assert!(missed.is_empty(), "not found: {missed:?}");
}
