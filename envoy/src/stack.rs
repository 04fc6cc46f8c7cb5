//! The whole of Latchkey on one machine: upstream, sidecar, Envoy, in one run directory.
//!
//! It sends no traffic beyond looking whether the gate has a table. Invariant: parts restart on the
//! ports and files that they had, and all of them are gone when the stack is.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bootstrap::Bootstrap;
use crate::command::say;
use crate::envoy::{Envoy, EnvoySettings};
use crate::error::StackError;
use crate::files::{self, RunDir};
use crate::sidecar::{self, Sidecar, SidecarSettings};
use crate::upstream::Upstream;

mod options;
mod parts;
mod ports;

pub use options::{StackOptions, UpstreamAt};
pub use ports::PortChoice;

use parts::Parts;
use ports::Ports;

/// How long the gate may take until it has a key table.
const TABLE_LIMIT: Duration = Duration::from_secs(30);
/// Ends of the names of files that tell of an earlier run.
const EVIDENCE: [&str; 2] = ["log", "out"];

/// Everything, running or ready to run. Fields are dropped in this order: Envoy first, the files
/// last.
#[derive(Debug)]
pub struct Stack {
    envoy: Option<Envoy>,
    sidecar: Option<Sidecar>,
    upstream: Option<Upstream>,
    envoy_settings: EnvoySettings,
    sidecar_settings: SidecarSettings,
    run_dir: RunDir,
}

// === impl Stack ===

impl Stack {
    /// Provisions, builds and starts everything, and waits until the gate has a key table.
    pub fn start(options: StackOptions) -> Result<Self, StackError> {
        let mut stack = Self::prepare(options)?;
        say("starting sidecar and Envoy");
        let started = stack.start_sidecar().and_then(|()| stack.start_envoy());
        match started.and_then(|()| stack.wait_for_table()) {
            Ok(()) => Ok(stack),
            Err(error) => {
                stack.keep();
                Err(error)
            }
        }
    }

    /// Provisions and builds everything and starts the upstream: sidecar and Envoy can then be
    /// started in any order.
    pub fn prepare(options: StackOptions) -> Result<Self, StackError> {
        let run_dir = options.run_dir()?;
        let parts = Parts::of(&options)?;
        remove_old_evidence(run_dir.path());
        let ports = Ports::choose(options.ports)?;
        let (upstream, upstream_address) = options.start_upstream(ports.upstream)?;
        let sidecar_settings = SidecarSettings {
            binary: parts.sidecar,
            data_dir: run_dir.path().to_owned(),
            admin_port: ports.sidecar_admin,
            feed_port: ports.feed,
            feed_token_file: feed_token_file(&run_dir)?,
            gateway_url: format!("http://127.0.0.1:{}", ports.listener),
            args: options.sidecar_args,
        };
        let bootstrap = Bootstrap {
            node_id: "envoy".to_owned(),
            admin_port: ports.envoy_admin,
            listen_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            listen_port: ports.listener,
            filter_wasm: parts.filter_wasm,
            feed_token_file: sidecar_settings.feed_token_file.clone(),
            access_log: run_dir.file("access.log"),
            region: sidecar::REGION.to_owned(),
            max_staleness: options.max_staleness,
            signed_table_key: None,
            gate_settings: options.gate_settings,
            heap_bytes_max: options.heap_bytes_max,
            additions: options.additions,
            sidecar: crate::HostPort::loopback(ports.feed),
            sidecar_ca: None,
            upstream: upstream_address,
            tls: None,
        };
        let envoy_settings = EnvoySettings {
            binary: parts.envoy,
            bootstrap,
            config: run_dir.file("envoy.yaml"),
            concurrency: options.concurrency,
            log: options
                .envoy_log
                .unwrap_or_else(|| run_dir.file("envoy.log")),
        };
        let (envoy, sidecar) = (None, None);
        Ok(Self {
            envoy,
            sidecar,
            upstream,
            envoy_settings,
            sidecar_settings,
            run_dir,
        })
    }

    /// Starts the sidecar, if it does not run, and waits until it is ready.
    pub fn start_sidecar(&mut self) -> Result<(), StackError> {
        if self.sidecar.is_none() {
            self.sidecar = Some(Sidecar::start(self.sidecar_settings.clone())?);
        }
        Ok(())
    }

    /// Asks the sidecar to end and waits for it.
    pub fn stop_sidecar(&mut self) -> Result<(), StackError> {
        match self.sidecar.take() {
            Some(mut sidecar) => sidecar
                .process()
                .stop()
                .map(drop)
                .map_err(StackError::Process),
            None => Ok(()),
        }
    }

    /// Kills the sidecar: no chance to tidy up.
    pub fn kill_sidecar(&mut self) -> Result<(), StackError> {
        match self.sidecar.take() {
            Some(mut sidecar) => sidecar.process().kill().map_err(StackError::Process),
            None => Ok(()),
        }
    }

    /// Starts Envoy, if it does not run, and waits until it listens; it may have no key table yet.
    pub fn start_envoy(&mut self) -> Result<(), StackError> {
        if self.envoy.is_none() {
            self.envoy = Some(Envoy::start(self.envoy_settings.clone())?);
        }
        Ok(())
    }

    /// Asks Envoy to end and waits for it.
    pub fn stop_envoy(&mut self) -> Result<(), StackError> {
        match self.envoy.take() {
            Some(mut envoy) => envoy
                .process()
                .stop()
                .map(drop)
                .map_err(StackError::Process),
            None => Ok(()),
        }
    }

    /// Kills Envoy: no chance to tidy up.
    pub fn kill_envoy(&mut self) -> Result<(), StackError> {
        match self.envoy.take() {
            Some(mut envoy) => envoy.process().kill().map_err(StackError::Process),
            None => Ok(()),
        }
    }

    /// Waits until the gate decides by a key table.
    pub fn wait_for_table(&mut self) -> Result<(), StackError> {
        let envoy = self
            .envoy
            .as_mut()
            .ok_or(StackError::NotStarted { name: "envoy" })?;
        envoy.wait_for_table(TABLE_LIMIT)
    }

    /// Settings of one more Envoy that follows the same sidecar, on ports and files of its own.
    ///
    /// `name` is its node id and the beginning of its files' names.
    pub fn another_envoy(&self, name: &str) -> Result<EnvoySettings, StackError> {
        let mut settings = self.envoy_settings.clone();
        settings.bootstrap.node_id = name.to_owned();
        settings.bootstrap.admin_port = ports::free_port()?;
        settings.bootstrap.listen_port = ports::free_port()?;
        settings.bootstrap.access_log = self.run_dir.file(&format!("{name}.access.log"));
        settings.config = self.run_dir.file(&format!("{name}.yaml"));
        settings.log = self.run_dir.file(&format!("{name}.log"));
        Ok(settings)
    }

    /// Keeps the run directory as evidence.
    pub fn keep(&mut self) {
        self.run_dir.keep();
    }

    /// The first part that has ended by itself.
    pub fn ended_part(&mut self) -> Option<StackError> {
        let sidecar = self.sidecar.as_mut().map(Sidecar::process);
        let envoy = self.envoy.as_mut().map(Envoy::process);
        let mut processes = [sidecar, envoy].into_iter().flatten();
        let ended = processes.find_map(|process| (!process.is_running()).then_some(process));
        ended.map(StackError::ended)
    }
}

/// Where everything is.
impl Stack {
    /// Where clients call.
    pub fn envoy_url(&self) -> String {
        self.envoy_settings.url()
    }

    /// Envoy's admin interface.
    pub fn envoy_admin_url(&self) -> String {
        self.envoy_settings.admin_url()
    }

    /// The model servers.
    pub fn upstream_url(&self) -> String {
        format!("http://{}", self.envoy_settings.bootstrap.upstream)
    }

    /// The sidecar's REST API and console.
    pub fn console_url(&self) -> String {
        self.sidecar_settings.admin_url()
    }

    /// The sidecar's feed.
    pub fn feed_url(&self) -> String {
        self.sidecar_settings.feed_url()
    }

    /// File that holds `Bearer <token>` for the feed.
    pub fn feed_token_file(&self) -> &Path {
        &self.sidecar_settings.feed_token_file
    }

    /// Token of the operator; an error before the first start of the sidecar.
    pub fn operator_token(&self) -> Result<String, StackError> {
        let file = || self.sidecar_settings.operator_token_file();
        sidecar::operator_token(&self.sidecar_settings)
            .ok_or_else(|| StackError::NoOperatorToken { file: file() })
    }

    /// The secret with which the user `operator` sets a password, if this was ever a first start.
    pub fn setup_secret(&self) -> Option<String> {
        let secret = fs::read_to_string(self.sidecar_settings.setup_secret_file()).ok()?;
        Some(secret.trim().to_owned())
    }

    /// The account that exists from the start.
    pub fn account(&self) -> &'static str {
        sidecar::ACCOUNT
    }

    /// The region that exists from the start.
    pub fn region(&self) -> &'static str {
        sidecar::REGION
    }

    /// Configuration, logs and database.
    pub fn run_dir(&self) -> &Path {
        self.run_dir.path()
    }

    /// The sidecar's database.
    pub fn database(&self) -> PathBuf {
        self.sidecar_settings.database()
    }

    /// Envoy's own log.
    pub fn envoy_log(&self) -> &Path {
        &self.envoy_settings.log
    }

    /// Envoy's access log, one JSON object a line.
    pub fn access_log(&self) -> &Path {
        &self.envoy_settings.bootstrap.access_log
    }

    /// The sidecar's log.
    pub fn sidecar_log(&self) -> PathBuf {
        self.run_dir.file("sidecar.log")
    }

    /// The demo upstream, unless an external one is used.
    pub fn upstream(&self) -> Option<&Upstream> {
        self.upstream.as_ref()
    }

    /// The Envoy, if it was started.
    pub fn envoy(&mut self) -> Option<&mut Envoy> {
        self.envoy.as_mut()
    }

    /// The sidecar, if it was started.
    pub fn sidecar(&mut self) -> Option<&mut Sidecar> {
        self.sidecar.as_mut()
    }

    /// What Envoy is started with, to change it before a start.
    pub fn envoy_settings(&mut self) -> &mut EnvoySettings {
        &mut self.envoy_settings
    }

    /// What the sidecar is started with, to change it before a start.
    pub fn sidecar_settings(&mut self) -> &mut SidecarSettings {
        &mut self.sidecar_settings
    }
}

/// A token for the feed that nobody knows, made once per run directory.
fn feed_token_file(run_dir: &RunDir) -> Result<PathBuf, StackError> {
    let file = run_dir.file("feed-token");
    if !file.exists() {
        files::random_token()
            .and_then(|token| files::write_secret(&file, &format!("Bearer {token}")))
            .map_err(StackError::io("write", &file))?;
    }
    Ok(file)
}

/// Logs are of one run; what cannot be removed is appended to.
fn remove_old_evidence(dir: &Path) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let is_old = |path: &PathBuf| {
        path.extension()
            .is_some_and(|end| EVIDENCE.iter().any(|known| end == *known))
    };
    for path in entries.map(|entry| entry.path()).filter(is_old) {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests;
