//! The simulation, for a number of seeds: `FILTER_RUNS` sets how many, `FILTER_SEED` the first; a
//! failure names its seed, and the command that repeats it.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::simulation::run;

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// Case R-28.
#[test]
fn whatever_happens_the_slots_hold_what_is_acknowledged() {
    let first = number("FILTER_SEED", 1);
    let runs = number("FILTER_RUNS", 40);
    println!("FILTER_SEED={first} FILTER_RUNS={runs}");
    for seed in first..first + runs {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed))) {
            println!(
                "again: FILTER_SEED={seed} FILTER_RUNS=1 cargo test -p filter --test main simulated"
            );
            resume_unwind(panic);
        }
    }
}
