//! One Envoy process with its own bootstrap.
//!
//! It does not know the sidecar beyond its address. Invariant: over restarts the configuration, and
//! with it every port, stays the same.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::bootstrap::Bootstrap;
use crate::error::StackError;
use crate::process::{Process, Program};
use crate::wait;

/// How long Envoy may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Longest time for one look at Envoy.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// How soon the access log is on disk, in milliseconds (Envoy's own 10 s is long to wait for a
/// line).
const FLUSH_MS: &str = "200";

/// What one Envoy is started with.
#[derive(Clone, Debug)]
pub struct EnvoySettings {
    /// The executable.
    pub binary: PathBuf,
    /// The bootstrap.
    pub bootstrap: Bootstrap,
    /// Where the rendered bootstrap is written.
    pub config: PathBuf,
    /// Worker threads.
    pub concurrency: u32,
    /// File for Envoy's own log.
    pub log: PathBuf,
}

/// A running Envoy. Dropping it stops it.
#[derive(Debug)]
pub struct Envoy {
    settings: EnvoySettings,
    process: Process,
}

// === impl EnvoySettings ===

impl EnvoySettings {
    /// Where clients call.
    pub fn url(&self) -> String {
        let scheme = match &self.bootstrap.tls {
            Some(_) => "https",
            None => "http",
        };
        let Bootstrap {
            listen_address,
            listen_port,
            ..
        } = &self.bootstrap;
        format!("{scheme}://{listen_address}:{listen_port}")
    }

    /// Envoy's admin interface.
    pub fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.bootstrap.admin_port)
    }

    fn program(&self) -> Program {
        let concurrency = self.concurrency.to_string();
        let args = [
            "--concurrency",
            &concurrency,
            "--disable-hot-restart",
            "--log-level",
            "info",
        ];
        let mut args: Vec<_> = args.map(Into::into).to_vec();
        args.extend(["--file-flush-interval-msec", FLUSH_MS, "--config-path"].map(Into::into));
        args.push(self.config.clone().into());
        Program {
            name: self.bootstrap.node_id.clone(),
            path: self.binary.clone(),
            args,
            stdout: self.config.with_extension("out"),
            stderr: self.log.clone(),
        }
    }
}

// === impl Envoy ===

impl Envoy {
    /// Renders the bootstrap, starts Envoy and waits until it listens. It may have no key table
    /// yet.
    pub fn start(settings: EnvoySettings) -> Result<Self, StackError> {
        let yaml = settings.bootstrap.render().map_err(StackError::Template)?;
        fs::write(&settings.config, yaml).map_err(StackError::io("write", &settings.config))?;
        let process = Process::start(settings.program()).map_err(StackError::Process)?;
        let mut envoy = Self { settings, process };
        envoy.wait_until("listening", START_LIMIT, Self::is_live)?;
        Ok(envoy)
    }

    /// Waits until the gate has a key table: it then asks for a key (401) instead of refusing all
    /// (503). Cannot look over TLS: the sidecar's list of Envoys tells there.
    pub fn wait_for_table(&mut self, limit: Duration) -> Result<(), StackError> {
        self.wait_until("holding a key table", limit, Self::has_table)
    }

    /// Whether its listeners are open.
    pub fn is_live(&self) -> bool {
        status_of(&format!("{}/ready", self.settings.admin_url())) == Some(200)
    }

    /// Whether its gate decides by a key table.
    pub fn has_table(&self) -> bool {
        status_of(&format!("{}/latchkey/ready", self.settings.url())) == Some(200)
    }

    /// What it was started with.
    pub fn settings(&self) -> &EnvoySettings {
        &self.settings
    }

    /// Its process, to pause or kill it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    fn wait_until(
        &mut self,
        what: &'static str,
        limit: Duration,
        is_so: impl Fn(&Self) -> bool,
    ) -> Result<(), StackError> {
        let reached = wait::until(limit, || match is_so(self) {
            true => Some(true),
            false => (!self.process.is_running()).then_some(false),
        });
        match reached {
            Some(true) => Ok(()),
            Some(false) => Err(StackError::ended(&mut self.process)),
            None => Err(StackError::not_ready(&self.process, what, limit)),
        }
    }
}

/// The status of a GET; `None` without an answer.
fn status_of(url: &str) -> Option<u16> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(LOOK_LIMIT))
        .http_status_as_error(false)
        .max_idle_connections(0)
        .proxy(None)
        .build()
        .new_agent();
    agent
        .get(url)
        .call()
        .ok()
        .map(|answer| answer.status().as_u16())
}
