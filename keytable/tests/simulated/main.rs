//! Limits, simulated: the bound holds whatever network and processes do, and when all is quiet each charge
//! is in the ledger once and nothing is held. Every fault that is put in is found.
//!
//! `LIMITS_SEED` and `LIMITS_RUNS` set the first seed and the number of runs.

#![cfg(test)]

mod checks;
mod ledger;
#[path = "../support/random.rs"]
mod random;
mod world;

use world::{Fault, World};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

/// One run; how many were admitted and refused.
fn run(seed: u64) -> Result<(u64, u64), Fault> {
    let mut world = World::new(seed);
    for _ in 0..400 {
        world.step()?;
    }
    world.quiet()?;
    Ok((world.admitted, world.refused))
}

fn runs() -> std::ops::Range<u64> {
    let first = number("LIMITS_SEED", 1);
    first..first + number("LIMITS_RUNS", 400)
}

/// One test, so that a fault is not put into another's run.
#[test]
fn the_bound_holds_each_charge_counts_once_and_every_fault_is_found() {
    let (mut admitted, mut refused) = (0, 0);
    for seed in runs() {
        match run(seed) {
            Ok((more, less)) => (admitted, refused) = (admitted + more, refused + less),
            Err(fault) => panic!("LIMITS_SEED={seed} LIMITS_RUNS=1: {fault}"),
        }
    }
    assert!(
        admitted > 10_000 && refused > 1_000,
        "{admitted}, {refused}"
    );
    find_the_mutants();
}

#[cfg(not(feature = "mutants"))]
fn find_the_mutants() {}

#[cfg(feature = "mutants")]
fn find_the_mutants() {
    use keytable::mutant::{Mutant, set};

    for mutant in Mutant::ALL {
        set(Some(mutant));
        let found = runs().find_map(|seed| run(seed).err().map(|fault| (seed, fault)));
        set(None);
        let (seed, fault) = found.unwrap_or_else(|| panic!("{mutant:?} is not found"));
        println!("{mutant:?} is found with LIMITS_SEED={seed}: {fault}");
    }
}
