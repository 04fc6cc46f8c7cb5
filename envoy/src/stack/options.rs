//! What a stack is started with, and the ports that it uses.
//!
//! Nothing is started here but the demo upstream. Invariant: the ports of a stack differ from each
//! other.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::address::HostPort;
use crate::bootstrap::Addition;
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
    /// First of five ports in a row: Envoy, Envoy's admin, sidecar, feed, upstream; `None` takes
    /// free ones.
    pub port_base: Option<u16>,
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
    /// A sidecar to run instead of the one that is built.
    pub sidecar: Option<PathBuf>,
    /// A filter to load instead of the one that is built.
    pub filter_wasm: Option<PathBuf>,
}

/// The ports of one stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) listener: u16,
    pub(super) envoy_admin: u16,
    pub(super) sidecar_admin: u16,
    pub(super) feed: u16,
    pub(super) upstream: u16,
}

// === impl StackOptions ===

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            data_dir: None,
            concurrency: 2,
            max_staleness: MaxStaleness::default(),
            upstream: UpstreamAt::default(),
            port_base: None,
            envoy_log: None,
            envoy_version: None,
            additions: Vec::new(),
            sidecar_args: Vec::new(),
            gate_settings: Map::new(),
            sidecar: None,
            filter_wasm: None,
        }
    }
}

impl StackOptions {
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
                let upstream = Upstream::start((Ipv4Addr::LOCALHOST, port)).map_err(
                    StackError::io("listen for the demo upstream on", port.to_string()),
                )?;
                let address = HostPort::from(upstream.address());
                Ok((Some(upstream), address))
            }
        }
    }
}

// === impl Ports ===

impl Ports {
    pub(super) fn choose(base: Option<u16>) -> Result<Self, StackError> {
        let Some(base) = base else {
            let [a, b, c, d, e] = [
                free_port(),
                free_port(),
                free_port(),
                free_port(),
                free_port(),
            ];
            return Ok(Self::from_array([a?, b?, c?, d?, e?]));
        };
        let from_base = |offset| base.checked_add(offset).filter(|_| base > 0);
        match [0, 1, 2, 3, 4].map(from_base) {
            [Some(a), Some(b), Some(c), Some(d), Some(e)] => Ok(Self::from_array([a, b, c, d, e])),
            _ => Err(StackError::PortBase { base }),
        }
    }

    fn from_array([listener, envoy_admin, sidecar_admin, feed, upstream]: [u16; 5]) -> Self {
        Self {
            listener,
            envoy_admin,
            sidecar_admin,
            feed,
            upstream,
        }
    }
}

pub(super) fn free_port() -> Result<u16, StackError> {
    let failed = |source: io::Error| StackError::io("find", "a free port")(source);
    ports::free().map_err(failed)
}
