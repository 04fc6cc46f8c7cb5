//! What may be written on the command line.
//!
//! Does not do anything. Invariant: no argument takes a secret value: those come from stdin, a file
//! or the environment, where other users of the machine do not see them.

pub(crate) mod key;
pub(crate) mod others;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::output::Format;

/// Manages API keys that Envoy enforces, by the REST API of Latchkey's sidecar.
#[derive(Debug, Parser)]
#[command(name = "latchkey", version, propagate_version = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 a file cannot be read or written; 2 arguments or \
    input cannot be right; 3 not logged in, or not allowed; 4 not there; 5 conflict; 6 the sidecar \
    cannot be reached, or asks to come again; 7 stored, but not in force on every Envoy yet; 8 the \
    answer is no (`key check`, `apply --dry-run --exit-code`).\n\
    The token is in LATCHKEY_TOKEN, or where `latchkey login` has put it.";

/// What every command takes.
#[derive(Args, Debug)]
pub(crate) struct Common {
    /// The sidecar's REST API; that of the login if it is left out
    #[arg(long, global = true, env = "LATCHKEY_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Certificates (PEM) to trust instead of the system's, for https
    #[arg(long, global = true, env = "LATCHKEY_CA", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Send the token over plain http to another machine, too
    #[arg(long, global = true, env = "LATCHKEY_ALLOW_HTTP")]
    pub(crate) allow_http: bool,
    /// The account to act in
    #[arg(long, global = true, env = "LATCHKEY_ACCOUNT", value_name = "ID")]
    pub(crate) account: Option<String>,
    /// How to write what comes back
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        default_value_t,
        env = "LATCHKEY_OUTPUT"
    )]
    pub(crate) output: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Store a token for later calls, readable by its owner alone; it is read from stdin
    Login(LoginArgs),
    /// Forget the stored token
    Logout,
    /// Say who calls, and what they may do
    Whoami,
    /// Make, find, change and delete API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Accounts: list, make, change, delete; what their keys were used for
    #[command(subcommand)]
    Account(others::AccountCommand),
    /// Regions: list, make, disable, delete
    #[command(subcommand)]
    Region(others::RegionCommand),
    /// People who log in to the console
    #[command(subcommand)]
    User(others::UserCommand),
    /// Requests for more keys than an account may have
    #[command(subcommand)]
    LimitRequest(others::LimitRequestCommand),
    /// Envoys: what each has in force; one that is gone for good
    #[command(subcommand)]
    Envoy(others::EnvoyCommand),
    /// List what was done, the newest first
    Audit(others::AuditArgs),
    /// Make the keys of a file true: what is missing is made, what differs is changed
    Apply(ApplyArgs),
    /// Print a completion script for a shell
    Completions {
        /// Which one
        shell: Shell,
    },
}

#[derive(Args, Debug)]
pub(crate) struct LoginArgs {
    /// Read the token from this file instead of stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// Where a secret value goes.
#[derive(Args, Debug)]
pub(crate) struct ValueArgs {
    /// Print the value, also where the output is no terminal
    #[arg(long)]
    pub(crate) show: bool,
    /// Write the value into a new file that only its owner can read
    #[arg(long, value_name = "FILE", conflicts_with = "show")]
    pub(crate) value_file: Option<PathBuf>,
}

/// How long to wait for the Envoys.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct WaitArgs {
    /// Do not wait until every Envoy has it in force
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// How long to wait for the Envoys, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        conflicts_with = "no_wait"
    )]
    pub(crate) wait_s: u64,
}

#[derive(Args, Debug)]
pub(crate) struct ApplyArgs {
    /// The file, YAML or JSON; `-` is stdin
    #[arg(long, short, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Say what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// With --dry-run: exit with 8 if something would change
    #[arg(long, requires = "dry_run")]
    pub(crate) exit_code: bool,
    /// Let a scope name what is not in the catalog
    #[arg(long)]
    pub(crate) allow_unlisted: bool,
    #[command(flatten)]
    pub(crate) value: ValueArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_contradict_nobody() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_argument_takes_a_secret() {
        let mut commands = vec![Cli::command()];
        while let Some(command) = commands.pop() {
            commands.extend(command.get_subcommands().cloned());
            for argument in command.get_arguments() {
                let name = argument.get_id().as_str();
                let is_secret =
                    ["token", "password", "secret", "value", "key_value"].contains(&name);
                assert!(!is_secret, "{} {name}", command.get_name());
            }
        }
    }

    #[test]
    fn everything_is_described() {
        let mut commands = vec![Cli::command()];
        while let Some(command) = commands.pop() {
            commands.extend(command.get_subcommands().cloned());
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{}: {argument}",
                    command.get_name()
                );
            }
        }
    }

    #[test]
    fn every_command_of_the_document_is_one() {
        let text = include_str!("../../docs/cli.md");
        let blocks = text.split("```sh\n").skip(1);
        let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines());
        let commands: Vec<&str> = lines.filter(|line| line.starts_with("latchkey ")).collect();
        assert!(commands.len() > 25, "{}", commands.len());
        for line in commands {
            let ends = [" #", " <", " >", " |"]
                .iter()
                .filter_map(|end| line.find(end));
            let command = &line[..ends.min().unwrap_or(line.len())];
            let words = command
                .split_whitespace()
                .map(|word| word.trim_matches('\''));
            let parsed = Cli::try_parse_from(words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}
