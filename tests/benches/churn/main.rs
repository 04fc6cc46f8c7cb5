//! What creating and deleting keys without end leaves behind in Envoy's memory: 2,000,000 cycles.
//!
//! `cargo bench -p tests --bench churn` writes the curve into docs/performance.md and fails if it is
//! not flat; `-- --quick` makes a tenth of the cycles and writes nothing.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed"
)]

use std::time::Instant;

use envoy::{Stack, StackOptions};
use tests::{churn, measure};

const CYCLES: usize = 2_000_000;
const SAMPLES: usize = 20;

fn main() {
    let is_quick = std::env::args().any(|arg| arg == "--quick");
    let cycles = if is_quick { CYCLES / 10 } else { CYCLES };
    let stack = Stack::prepare(StackOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    let begin = Instant::now();
    let curve = churn::run(stack, cycles, SAMPLES);
    let text = format!(
        "{}; {cycles} keys created and deleted in {:.0} s, 10,000 others stayed.\n\n{}",
        measure::machine(),
        begin.elapsed().as_secs_f64(),
        curve.text()
    );
    println!("{text}");
    if !is_quick {
        measure::write_down("churn", &text);
    }
    curve.assert_flat();
}
