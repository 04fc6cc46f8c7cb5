//! Lints the filter for wasm32, with whichever compiler has that target.
//!
//! Lints nothing else. Invariant: a warning is a failure.

use std::process::ExitCode;

fn main() -> ExitCode {
    match envoy::build::lint_filter() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latchkey: {error}");
            ExitCode::FAILURE
        }
    }
}
