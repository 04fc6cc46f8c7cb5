//! The binary `sidecar`: reads its flags, then serves until it is told to stop.
//!
//! Holds no behaviour of its own. Invariant: every failure ends in one line on stderr that says
//! what to do, and in exit code 1 (2 for flags that make no sense).

use std::io::Write;
use std::process::ExitCode;

use sidecar::config::{Command, USAGE};
use sidecar::serve::{self, announce};
use sidecar::telemetry;

fn main() -> ExitCode {
    let config = match Command::parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve(config)) => config,
        Ok(Command::Help) => return print_usage(),
        Err(error) => return fail(&error, 2),
    };
    telemetry::install();
    let json = config.json;
    match serve::run(&config, |event| announce::print(event, json)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

fn print_usage() -> ExitCode {
    match std::io::stdout().write_all(USAGE.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    let mut line = format!("sidecar: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        line = format!("{line}: {cause}");
        source = cause.source();
    }
    // When stderr is gone too, the exit code is all that is left to say.
    let _ = writeln!(std::io::stderr(), "{line}");
    ExitCode::from(code)
}
