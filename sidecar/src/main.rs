//! The binary `sidecar`: serves until it is told to stop, or does one thing that needs no server.
//!
//! Holds no behaviour of its own. Invariant: every failure ends in one line on stderr that says
//! what to do, and in exit code 1 (2 for flags that make no sense).

use std::error::Error;
use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use sidecar::config::{self, Command, Config};
use sidecar::lint;
use sidecar::offline;
use sidecar::serve::{self, announce};
use sidecar::snapshot;
use sidecar::telemetry::{self, LogFormat};

fn main() -> ExitCode {
    match Command::parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve(config)) => serve(&config),
        Ok(Command::CheckConfig(config)) => say(serve::check(&config)),
        Ok(Command::CreateStore(server)) => say(offline::create_store(&server)),
        Ok(Command::UpgradeStore(server)) => say(offline::upgrade_store(&server)),
        Ok(Command::Backup { data, to }) => say(offline::backup(&data, &to)),
        Ok(Command::Restore { data, from }) => say(offline::restore(&data, &from)),
        Ok(Command::VerifyAudit { store }) => say(offline::verify_audit(&store)),
        Ok(Command::ResetOperator { store }) => {
            telemetry::install(LogFormat::Text);
            say(offline::reset_operator(&store).as_deref())
        }
        Ok(Command::RotateMaster { store, master_key }) => {
            telemetry::install(LogFormat::Text);
            say(offline::rotate_master(&store, &master_key))
        }
        Ok(Command::Snapshot {
            store,
            data,
            region,
            to,
        }) => say(snapshot::write(&store, &data, &region, &to)),
        Ok(Command::LintEnvoy { file }) => lint_envoy(&file),
        Ok(Command::Help) => print(&config::usage()),
        Ok(Command::Version) => print(&format!("sidecar {}\n", sidecar::VERSION)),
        Err(error) => fail(&error, 2),
    }
}

fn serve(config: &Config) -> ExitCode {
    telemetry::install(config.log_format);
    let json = config.json;
    match serve::run(config, |event| announce::print(event, json)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

/// Prints what a command has to say, or why it failed.
fn say<T: Display, E: Error>(outcome: Result<T, E>) -> ExitCode {
    match outcome {
        Ok(said) => print(&format!("{said}\n")),
        Err(error) => fail(&error, 1),
    }
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// 0: nothing to say; 1: findings; 2: not judged.
fn lint_envoy(file: &Path) -> ExitCode {
    match lint::run(file, &mut std::io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => fail(&error, 2),
    }
}

fn fail(error: &dyn Error, code: u8) -> ExitCode {
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
