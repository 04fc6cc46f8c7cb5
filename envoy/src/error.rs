//! Why a stack did not start, with the evidence.
//!
//! It logs nothing. Invariant: an error about a process names the file in which the process says
//! why.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bootstrap::TemplateError;
use crate::build::BuildError;
use crate::files;
use crate::process::{Process, ProcessError};
use crate::provision::ProvisionError;

/// Lines of a log that an error quotes.
const QUOTED_LINES: usize = 15;

/// A stack, or a part of it, that did not do what was asked.
#[derive(Debug)]
pub enum StackError {
    /// Envoy is missing.
    Provision(ProvisionError),
    /// Filter or sidecar could not be built.
    Build(BuildError),
    /// The bootstrap could not be rendered.
    Template(TemplateError),
    /// A process could not be started or stopped.
    Process(ProcessError),
    /// A file, directory or port could not be used.
    Io {
        /// What was attempted.
        attempt: &'static str,
        /// With what.
        what: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The five ports would not fit below 65536, or begin at 0.
    PortBase {
        /// The first of them.
        base: u16,
    },
    /// A process runs, but is not ready in time.
    NotReady {
        /// The process.
        name: String,
        /// What was awaited.
        awaited: &'static str,
        /// For how long.
        limit: Duration,
        /// Its log.
        log: PathBuf,
    },
    /// A process has ended by itself.
    Ended {
        /// The process.
        name: String,
        /// How: exit code or signal.
        how: String,
        /// Its log.
        log: PathBuf,
    },
    /// The part has to be started first.
    NotStarted {
        /// The part.
        name: &'static str,
    },
    /// The database is there but the operator token is not.
    NoOperatorToken {
        /// Where it should be.
        file: PathBuf,
    },
}

// === impl StackError ===

impl StackError {
    /// For `map_err`: names what was attempted, and with what.
    pub(crate) fn io(
        attempt: &'static str,
        what: impl AsRef<Path>,
    ) -> impl FnOnce(io::Error) -> Self {
        let what = what.as_ref().to_owned();
        move |source| Self::Io {
            attempt,
            what,
            source,
        }
    }

    pub(crate) fn ended(process: &mut Process) -> Self {
        let how = process
            .exit_status()
            .map(|status| status.to_string())
            .unwrap_or_default();
        Self::Ended {
            name: process.name().to_owned(),
            how,
            log: process.stderr().to_owned(),
        }
    }

    pub(crate) fn not_ready(process: &Process, awaited: &'static str, limit: Duration) -> Self {
        let (name, log) = (process.name().to_owned(), process.stderr().to_owned());
        Self::NotReady {
            name,
            awaited,
            limit,
            log,
        }
    }
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provision(error) => error.fmt(f),
            Self::Build(error) => error.fmt(f),
            Self::Template(error) => error.fmt(f),
            Self::Process(error) => error.fmt(f),
            Self::Io {
                attempt,
                what,
                source,
            } => {
                write!(f, "could not {attempt} {}: {source}", what.display())
            }
            Self::PortBase { base } => {
                write!(
                    f,
                    "five ports from {base} on do not exist: choose a base from 1 to 65531"
                )
            }
            Self::NotReady {
                name,
                awaited,
                limit,
                log,
            } => {
                write!(f, "after {} s {name} is not yet {awaited}", limit.as_secs())?;
                quote(f, log)
            }
            Self::Ended { name, how, log } => {
                write!(f, "{name} has ended by itself ({how})")?;
                quote(f, log)
            }
            Self::NotStarted { name } => write!(f, "{name} is not running: start it first"),
            Self::NoOperatorToken { file } => write!(
                f,
                "there is no operator token in {}: start the sidecar, or use a new data directory",
                file.display()
            ),
        }
    }
}

fn quote(f: &mut fmt::Formatter<'_>, log: &Path) -> fmt::Result {
    write!(f, "; its log is {}", log.display())?;
    match files::tail(log, QUOTED_LINES) {
        end if end.is_empty() => Ok(()),
        end => write!(f, " and ends with\n{end}"),
    }
}

impl std::error::Error for StackError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Provision(error) => Some(error),
            Self::Build(error) => Some(error),
            Self::Template(error) => Some(error),
            Self::Process(error) => Some(error),
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
