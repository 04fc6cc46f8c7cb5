//! The feed protocol, checked in every world within bounds; and every fault is found that is put in.
//!
//! `MODEL_SECOND` (`alike` or `prompt`), `MODEL_CHANGES`, `MODEL_FAULTS` and `MODEL_TICKS` set the bounds of
//! the exhaustive check; `MODEL_SEED` and `MODEL_RUNS` the first and the number of the random walks.

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
use std::time::{Duration, Instant};

use model::check::{Finding, check, walk};
use model::{Bounds, FilterMutant, Second, SidecarMutant, set};

/// A fault that is put in.
#[derive(Clone, Copy, Debug)]
enum Mutant {
    Filter(FilterMutant),
    Sidecar(SidecarMutant),
}

impl Mutant {
    fn all() -> impl Iterator<Item = Self> {
        let filter = FilterMutant::OF_THE_FEED.iter().copied().map(Self::Filter);
        filter.chain(
            SidecarMutant::OF_THE_FEED
                .iter()
                .copied()
                .map(Self::Sidecar),
        )
    }
}

/// One check at a time: the switches are for the whole process.
static SWITCHES: Mutex<()> = Mutex::new(());

/// How long one check may take before it counts as not ended.
fn patience() -> Duration {
    Duration::from_secs(number("MODEL_PATIENCE_S", 900))
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

const fn bounds(second: Second, changes: u8, faults: u8, ticks: u8) -> Bounds {
    Bounds {
        changes,
        faults,
        ticks,
        second,
    }
}

/// Four changes, every kind of fault, two leases; and both Envoys at any pace in smaller bounds.
const ALL_BOUNDS: [Bounds; 3] = [
    bounds(Second::Prompt, 4, 1, 2),
    bounds(Second::Alike, 2, 1, 1),
    bounds(Second::Alike, 4, 0, 1),
];

fn all_bounds() -> Vec<Bounds> {
    let second = match std::env::var("MODEL_SECOND").as_deref() {
        Err(_) => return ALL_BOUNDS.to_vec(),
        Ok("prompt") => Second::Prompt,
        Ok(_) => Second::Alike,
    };
    let number = |variable, default| number(variable, default).try_into().unwrap();
    vec![bounds(
        second,
        number("MODEL_CHANGES", 4),
        number("MODEL_FAULTS", 1),
        number("MODEL_TICKS", 2),
    )]
}

/// Walks in wide bounds; in half of them time passes and little else happens.
fn walk_of(seed: u64) -> Option<String> {
    let bounds = match seed % 2 {
        0 => bounds(Second::Alike, 6, 6, 1),
        _ => bounds(Second::Alike, 3, 2, 3),
    };
    let fault = walk(bounds, seed)?;
    Some(format!(
        "{fault}\nagain: MODEL_SEED={seed} MODEL_RUNS=1 cargo test -p model random"
    ))
}

/// Case R-28.
#[test]
fn no_world_within_bounds_breaks_a_promise() {
    let _alone = SWITCHES.lock().unwrap_or_else(|poison| poison.into_inner());
    for bounds in all_bounds() {
        let begin = Instant::now();
        let Finding { worlds, fault } = check(bounds, patience());
        println!("{bounds:?}: {worlds} worlds in {:?}", begin.elapsed());
        assert_eq!(fault, None);
        assert!(begin.elapsed() < patience(), "it has not seen them all");
    }
}

/// Case R-28.
#[test]
fn no_random_walk_breaks_a_promise() {
    let _alone = SWITCHES.lock().unwrap_or_else(|poison| poison.into_inner());
    let first = number("MODEL_SEED", 1);
    let mut seeds = first..first + number("MODEL_RUNS", 5_000);
    assert_eq!(seeds.find_map(walk_of), None);
}

/// Looks for a fault by random runs, of the protocol and of an agent whose sidecar and network say anything;
/// then in every world of a change and two faults.
fn find() -> Option<String> {
    let every = || check(bounds(Second::Alike, 1, 2, 0), patience()).fault;
    (1..1_500)
        .find_map(walk_of)
        .or_else(|| (1..60).find_map(simulated))
        .or_else(every)
}

fn simulated(seed: u64) -> Option<String> {
    let panic = catch_unwind(|| simulation::run(seed)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    let again =
        format!("FILTER_SEED={seed} FILTER_RUNS=1 cargo test -p filter --test main simulated");
    Some(format!("{}\nagain: {again}", text.unwrap_or_default()))
}

/// Runs something with a fault put in.
fn with<T>(mutant: Mutant, run: impl FnOnce() -> T) -> T {
    set(Some(match mutant {
        Mutant::Filter(mutant) => mutant.number(),
        Mutant::Sidecar(mutant) => mutant.number(),
    }));
    let outcome = run();
    set(None);
    outcome
}

#[test]
fn every_fault_that_is_put_in_is_found_and_no_other() {
    let _alone = SWITCHES.lock().unwrap_or_else(|poison| poison.into_inner());
    assert_eq!(find(), None, "nothing is put in");
    let mut missed = Vec::new();
    for mutant in Mutant::all() {
        let found = with(mutant, find);
        println!("{mutant:?}: {}", found.as_deref().unwrap_or("not found"));
        missed.extend(found.is_none().then_some(mutant));
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// A run by its seed: what it found.
type Run = fn(u64) -> Option<String>;

/// The seed that a failed run names.
fn seed_in(failure: &str) -> u64 {
    let (_, rest) = failure.split_once("SEED=").expect("it names its seed");
    let (seed, _) = rest.split_once(' ').expect("a command goes on");
    seed.parse().unwrap()
}

/// Case R-28: the seed that is printed is enough.
#[test]
fn a_run_that_failed_fails_again_in_the_same_way() {
    let _alone = SWITCHES.lock().unwrap_or_else(|poison| poison.into_inner());
    let runs: [(Mutant, Run); 2] = [
        (Mutant::Sidecar(SidecarMutant::TrustAnyEpoch), walk_of),
        (Mutant::Filter(FilterMutant::AcceptGaps), simulated),
    ];
    for (mutant, run) in runs {
        let first = with(mutant, || (1..1_500).find_map(run)).expect("it is found");
        let seed = seed_in(&first);
        assert_eq!(with(mutant, || run(seed)), Some(first), "with the fault");
        assert_eq!(run(seed), None, "without it");
    }
}
