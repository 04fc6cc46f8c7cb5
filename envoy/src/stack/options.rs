//! What a stack is started with.
//!
//! Nothing is started here but the demo upstream. Invariant: the default is what most tests want.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::PortChoice;
use crate::address::HostPort;
use crate::bootstrap::{Addition, HEAP_BYTES_MAX, Place};
use crate::error::StackError;
use crate::files::RunDir;
use crate::lease::MaxStaleness;
use crate::ports;
use crate::upstream::Upstream;

/// Which model server is behind Envoy.
#[derive(Clone, Debug, Default)]
pub enum UpstreamAt {
    /// The demo upstream, in this process.
    #[default]
    Demo,
    /// One that runs already.
    External(HostPort),
}

/// How a stack is started. `StackOptions::default()` is what most tests want.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// Directory of everything, kept afterwards; `None` makes one under `target/runs` that goes
    /// with the stack.
    pub data_dir: Option<PathBuf>,
    /// Envoy's worker threads.
    pub concurrency: u32,
    /// The lease.
    pub max_staleness: MaxStaleness,
    /// The model server.
    pub upstream: UpstreamAt,
    /// The ports.
    pub ports: PortChoice,
    /// File for Envoy's own log instead of the one in the run directory.
    pub envoy_log: Option<PathBuf>,
    /// One of the pinned versions of Envoy instead of the one that is found.
    pub envoy_version: Option<&'static str>,
    /// What is put into the bootstrap.
    pub additions: Vec<Addition>,
    /// Further arguments of the sidecar.
    pub sidecar_args: Vec<String>,
    /// Further members of the gate's configuration.
    pub gate_settings: Map<String, Value>,
    /// Size of Envoy's heap at which it takes no more requests.
    pub heap_bytes_max: u64,
    /// A sidecar to run instead of the one that is built.
    pub sidecar: Option<PathBuf>,
    /// A filter to load instead of the one that is built.
    pub filter_wasm: Option<PathBuf>,
}

// === impl StackOptions ===

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            data_dir: None,
            concurrency: 2,
            max_staleness: MaxStaleness::default(),
            upstream: UpstreamAt::default(),
            ports: PortChoice::default(),
            envoy_log: None,
            envoy_version: None,
            additions: Vec::new(),
            sidecar_args: Vec::new(),
            gate_settings: Map::new(),
            heap_bytes_max: HEAP_BYTES_MAX,
            sidecar: None,
            filter_wasm: None,
        }
    }
}

impl StackOptions {
    /// The same with a gate that keeps limits, and the right that it needs for that.
    pub fn keeping_limits(mut self) -> Self {
        self.gate_settings
            .insert("limits".to_owned(), "keep".into());
        self.additions.push(Addition {
            place: Place::GateRights,
            yaml: "proxy_set_shared_data: {}".to_owned(),
        });
        self
    }

    pub(super) fn run_dir(&self) -> Result<RunDir, StackError> {
        match &self.data_dir {
            Some(path) => RunDir::at(path).map_err(StackError::io("use", path)),
            None => RunDir::temporary().map_err(StackError::io("make", "a run directory")),
        }
    }

    /// The demo upstream, if it is wanted, and the address that Envoy forwards to.
    pub(super) fn start_upstream(
        &self,
        port: u16,
    ) -> Result<(Option<Upstream>, HostPort), StackError> {
        match &self.upstream {
            UpstreamAt::External(address) => Ok((None, address.clone())),
            UpstreamAt::Demo => {
                let upstream =
                    ports::listen(port)
                        .and_then(Upstream::on)
                        .map_err(StackError::io(
                            "listen for the demo upstream on",
                            port.to_string(),
                        ))?;
                let address = HostPort::from(upstream.address());
                Ok((Some(upstream), address))
            }
        }
    }
}
