//! The three programs of a stack: Envoy, the filter, the sidecar.
//!
//! It starts none of them. Invariant: each is provisioned or built once per process, however many
//! stacks there are.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::StackOptions;
use crate::build;
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
type Once = Mutex<Option<PathBuf>>;

static ENVOY: Once = Mutex::new(None);
static FILTER_WASM: Once = Mutex::new(None);
static SIDECAR: Once = Mutex::new(None);

// === impl Parts ===

impl Parts {
    /// Takes what the options name, and finds or builds the rest.
    pub(super) fn of(options: &StackOptions) -> Result<Self, StackError> {
        let path_of = |found: EnvoyBinary| found.path;
        let envoy = match options.envoy_version {
            Some(version) => provision::find_envoy_version(version)
                .map(path_of)
                .map_err(StackError::Provision)?,
            None => once(&ENVOY, || {
                provision::find_envoy()
                    .map(path_of)
                    .map_err(StackError::Provision)
            })?,
        };
        let filter_wasm = match &options.filter_wasm {
            Some(path) => path.clone(),
            None => once(&FILTER_WASM, || {
                build::filter_wasm().map_err(StackError::Build)
            })?,
        };
        let sidecar = match &options.sidecar {
            Some(path) => path.clone(),
            None => once(&SIDECAR, || build::sidecar().map_err(StackError::Build))?,
        };
        Ok(Self {
            envoy,
            filter_wasm,
            sidecar,
        })
    }
}

fn once(
    found: &Once,
    find: impl FnOnce() -> Result<PathBuf, StackError>,
) -> Result<PathBuf, StackError> {
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    match &*found {
        Some(path) => Ok(path.clone()),
        None => Ok(found.insert(find()?).clone()),
    }
}
