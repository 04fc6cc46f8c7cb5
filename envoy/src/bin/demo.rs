//! `cargo demo`: all of Latchkey on one machine. What it does is in the library, `demo`.

use std::process::ExitCode;

fn main() -> ExitCode {
    envoy::demo::run()
}
