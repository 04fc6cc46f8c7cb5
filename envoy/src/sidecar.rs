//! The sidecar as a process.
//!
//! It does not look into the database. Invariant: operator token and setup secret are in their files,
//! for their owner only, before anybody is told that the sidecar is ready.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::error::StackError;
use crate::process::{Process, Program};
use crate::wait;

/// How long the sidecar may take until it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The account that exists from the start.
pub const ACCOUNT: &str = "demo";
/// The region that exists from the start.
pub const REGION: &str = "local";

/// What the sidecar is started with.
#[derive(Clone, Debug)]
pub struct SidecarSettings {
    /// The executable.
    pub binary: PathBuf,
    /// Directory of the database and of the logs.
    pub data_dir: PathBuf,
    /// Port of REST API and console on loopback.
    pub admin_port: u16,
    /// Port of the feed on loopback.
    pub feed_port: u16,
    /// File that holds `Bearer <token>` for the feed.
    pub feed_token_file: PathBuf,
    /// Where clients reach Envoy.
    pub gateway_url: String,
    /// Further arguments.
    pub args: Vec<String>,
}

/// A running sidecar. Dropping it stops it.
#[derive(Debug)]
pub struct Sidecar {
    settings: SidecarSettings,
    process: Process,
}

// === impl SidecarSettings ===

impl SidecarSettings {
    /// REST API and console.
    pub fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.admin_port)
    }

    /// The feed.
    pub fn feed_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.feed_port)
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("latchkey.db")
    }

    /// File that holds the operator token.
    pub fn operator_token_file(&self) -> PathBuf {
        self.data_dir.join("operator-token")
    }

    /// File that holds the secret with which the user `operator` sets a password, once.
    pub fn setup_secret_file(&self) -> PathBuf {
        self.data_dir.join("setup-secret")
    }

    fn program(&self) -> Program {
        let mut args: Vec<_> = ["serve", "--json", "--data"].map(Into::into).to_vec();
        args.push(self.data_dir.clone().into());
        args.extend([
            "--admin".into(),
            format!("127.0.0.1:{}", self.admin_port).into(),
        ]);
        args.extend([
            "--feed".into(),
            format!("127.0.0.1:{}", self.feed_port).into(),
        ]);
        args.extend([
            "--feed-token-file".into(),
            self.feed_token_file.clone().into(),
        ]);
        args.extend([
            "--operator-token-file".into(),
            self.operator_token_file().into(),
        ]);
        args.extend([
            "--setup-secret-file".into(),
            self.setup_secret_file().into(),
        ]);
        args.extend([
            "--gateway".into(),
            format!("{REGION}={}", self.gateway_url).into(),
        ]);
        args.extend(["--seed-account", ACCOUNT, "--seed-region", REGION].map(Into::into));
        args.extend(self.args.iter().map(Into::into));
        Program {
            name: "sidecar".to_owned(),
            path: self.binary.clone(),
            args,
            stdout: self.data_dir.join("sidecar.out"),
            stderr: self.data_dir.join("sidecar.log"),
        }
    }
}

// === impl Sidecar ===

impl Sidecar {
    /// Starts the sidecar and waits until it says that it is ready.
    pub fn start(settings: SidecarSettings) -> Result<Self, StackError> {
        let program = settings.program();
        let mut process = Process::start(program).map_err(StackError::Process)?;
        let reached = wait::until(START_LIMIT, || {
            let is_running = process.is_running();
            let printed = process.printed();
            match member_of(&printed, "ready", "admin") {
                Some(_) => Some(true),
                None => (!is_running).then_some(false),
            }
        });
        match reached {
            Some(true) => Ok(Self { settings, process }),
            Some(false) => Err(StackError::ended(&mut process)),
            None => Err(StackError::not_ready(&process, "ready", START_LIMIT)),
        }
    }

    /// What it was started with.
    pub fn settings(&self) -> &SidecarSettings {
        &self.settings
    }

    /// Its process, to pause or kill it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// A member of the line that tells of an event.
fn member_of(printed: &str, event: &str, member: &str) -> Option<String> {
    let lines = printed
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut told = lines.filter(|line| line.get("event").and_then(Value::as_str) == Some(event));
    Some(told.next()?.get(member)?.as_str()?.to_owned())
}

/// The operator token of an earlier or of this start, if there is one.
pub fn operator_token(settings: &SidecarSettings) -> Option<String> {
    let token = fs::read_to_string(settings.operator_token_file()).ok()?;
    Some(token.trim().to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_among_what_is_printed() {
        let printed = "noise\n{\"event\":\"ready\",\"admin\":\"a\"}\n{\"event\":\"re";
        assert_eq!(member_of(printed, "ready", "admin").as_deref(), Some("a"));
        assert_eq!(member_of(printed, "first_start", "admin"), None);
    }
}
