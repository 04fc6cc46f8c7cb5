//! The three programs of a stack: Envoy, the filter, the sidecar.
//!
//! It starts none of them. Invariant: each is provisioned or built once per process, however many
//! stacks there are.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use super::StackOptions;
use crate::build::{self, Profile};
use crate::error::StackError;
use crate::provision::{self, EnvoyBinary};

/// Where the programs are.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) envoy: PathBuf,
    pub(super) filter_wasm: PathBuf,
    pub(super) sidecar: PathBuf,
}

/// A path that is found once.
type FoundOnce = Mutex<Option<PathBuf>>;

static ENVOY: FoundOnce = Mutex::new(None);
static FILTER_WASM: FoundOnce = Mutex::new(None);
static SIDECAR: FoundOnce = Mutex::new(None);

// === impl Parts ===

impl Parts {
    /// Takes what the options name, and finds or builds the rest: all three at once, since one waits
    /// for the network while the others compute.
    pub(super) fn of(options: &StackOptions) -> Result<Self, StackError> {
        thread::scope(|scope| {
            let envoy = scope.spawn(|| envoy(options));
            let filter_wasm = scope.spawn(|| filter_wasm(options));
            let sidecar = sidecar(options);
            let joined = |part: ScopedJoinHandle<'_, _>| {
                part.join().unwrap_or_else(|panic| resume_unwind(panic))
            };
            Ok(Self {
                envoy: joined(envoy)?,
                filter_wasm: joined(filter_wasm)?,
                sidecar: sidecar?,
            })
        })
    }
}

fn envoy(options: &StackOptions) -> Result<PathBuf, StackError> {
    let path_of = |found: EnvoyBinary| found.path;
    match options.envoy_version {
        Some(version) => provision::find_envoy_version(version)
            .map(path_of)
            .map_err(StackError::Provision),
        None => once(&ENVOY, || {
            provision::find_envoy()
                .map(path_of)
                .map_err(StackError::Provision)
        }),
    }
}

fn filter_wasm(options: &StackOptions) -> Result<PathBuf, StackError> {
    match &options.filter_wasm {
        Some(path) => Ok(path.clone()),
        None => once(&FILTER_WASM, || {
            build::filter_wasm().map_err(StackError::Build)
        }),
    }
}

fn sidecar(options: &StackOptions) -> Result<PathBuf, StackError> {
    match &options.sidecar {
        Some(path) => Ok(path.clone()),
        None => once(&SIDECAR, || {
            build::sidecar(Profile::own()).map_err(StackError::Build)
        }),
    }
}

fn once(
    found: &FoundOnce,
    find: impl FnOnce() -> Result<PathBuf, StackError>,
) -> Result<PathBuf, StackError> {
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    match &*found {
        Some(path) => Ok(path.clone()),
        None => Ok(found.insert(find()?).clone()),
    }
}
