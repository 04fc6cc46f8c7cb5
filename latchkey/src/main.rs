//! `latchkey`: the command line, a client of the sidecar's REST API.
//!
//! Does not decide anything that the sidecar decides. Invariant: the value of a key is in no
//! argument, no URL and no message; it leaves only where its owner has said that it may.

mod args;
mod client;
mod commands;
mod error;
mod input;
mod limit;
mod login;
mod output;
mod query;
mod secret;
mod terminal;
mod wait;
mod yaml;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::error::CliError;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return terminal::tell_usage(&error),
    };
    let format = cli.common.output;
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::tell_error(&error, format);
            ExitCode::from(CliError::exit_code(&error))
        }
    }
}
