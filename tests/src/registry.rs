//! What tests take from registries (PyPI, npm, Debian) into `target/tools`.
//!
//! Does not know what it is for. Invariants: of all processes one fills a directory at a time, and it is
//! used only when that went to the end; the one excuse for a test not to run is a registry that does
//! not answer, and then it says `skipped` and why.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use envoy::files;
use envoy::provision::apt::AptError;

/// Where an installer takes its packages from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registry {
    /// pip's.
    Pypi,
    /// npm's.
    Npm,
}

/// What pip says when it does not get through, or is told that something in between does not.
const PIP_SAYS: [&str; 12] = [
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "NameResolutionError",
    "ProtocolError",
    "ProxyError",
    "SSLError",
    "IncompleteRead",
    "Connection to ",
    "Connection broken",
    "502 ",
    "503 ",
];
/// What npm says then.
const NPM_SAYS: [&str; 12] = [
    "ENOTFOUND",
    "EAI_AGAIN",
    "ETIMEDOUT",
    "ECONNREFUSED",
    "ECONNRESET",
    "ENETUNREACH",
    "EHOSTUNREACH",
    "EPROTO",
    "ERR_SOCKET_TIMEOUT",
    "E502",
    "E503",
    "E504",
];

/// A directory in `target/tools` that `install` has filled for `wanted`; nothing if that could not be
/// had, as [`Registry::has_given`] says.
pub fn installed(name: &str, wanted: &str, install: impl FnOnce(&Path) -> bool) -> Option<PathBuf> {
    let home = files::target().join("tools").join(name);
    let done = home.join("installed");
    let is_filled = files::locked(name, || {
        if fs::read_to_string(&done).is_ok_and(|text| text == wanted) {
            return true;
        }
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home).unwrap();
        let is_filled = install(&home);
        if is_filled {
            fs::write(&done, wanted).unwrap();
        }
        is_filled
    });
    is_filled.unwrap().then_some(home)
}

/// Says that the test does not run.
pub fn skip(why: &str) {
    println!("skipped: {why}");
}

/// Whether the distribution's package is there; if its mirrors do not answer, that is said.
pub fn is_there(ensured: Result<(), AptError>) -> bool {
    match ensured {
        Ok(()) => true,
        Err(error @ AptError::Away { .. }) => {
            skip(&error.to_string());
            false
        }
        Err(error) => panic!("{error}"),
    }
}

impl Registry {
    /// Whether an installer has installed. If its registry does not answer, that is said; any other
    /// failure is the test's.
    pub fn has_given(self, what: &str, output: &Output) -> bool {
        if output.status.success() {
            return true;
        }
        let (stderr, stdout) = (
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout),
        );
        let said = self.says().into_iter().find(|text| stderr.contains(text));
        let said = said.unwrap_or_else(|| panic!("{what} failed:\n{stdout}\n{stderr}"));
        skip(&format!(
            "{} does not answer ({})",
            self.name(),
            said.trim()
        ));
        false
    }

    const fn says(self) -> [&'static str; 12] {
        match self {
            Self::Pypi => PIP_SAYS,
            Self::Npm => NPM_SAYS,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Pypi => "PyPI",
            Self::Npm => "the npm registry",
        }
    }
}

#[cfg(test)]
mod tests;
