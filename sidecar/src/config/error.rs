//! Why the settings make no sense.
//!
//! Invariant: a text names the place of the bad value and says what to write; no value that could
//! be a secret is repeated.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the settings make no sense.
#[derive(Debug)]
pub enum ConfigError {
    /// The first words are no command.
    Command,
    /// A flag that does not exist, and the one that is nearest; empty if none is near.
    UnknownFlag(String, String),
    /// A flag without its value.
    NoValue(String),
    /// A setting that has to be given.
    Missing(&'static str),
    /// A setting that stands twice.
    Repeated(String),
    /// A value that cannot be used, and what to write.
    Value(String, String),
    /// Two settings of which only one can be.
    Either(&'static str, &'static str),
    /// An address that others can reach.
    NotLoopback(String, SocketAddr),
    /// The file of settings cannot be read.
    File(PathBuf, io::Error),
    /// A line of the file is no setting.
    Line(PathBuf, usize),
}

// === impl ConfigError ===

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command => {
                f.write_str("write `sidecar serve ...`; `sidecar --help` lists the commands")
            }
            Self::UnknownFlag(flag, near) if near.is_empty() => {
                write!(f, "{flag} is not a flag; `sidecar --help` lists them")
            }
            Self::UnknownFlag(flag, near) => write!(
                f,
                "{flag} is not a flag: did you mean {near}? `sidecar --help` lists them"
            ),
            Self::NoValue(flag) => write!(f, "{flag} needs a value behind it"),
            Self::Missing(name) => write!(f, "--{name} must be given"),
            Self::Repeated(place) => write!(f, "{place} must be given once"),
            Self::Value(place, advice) => write!(f, "{place} {advice}"),
            Self::Either(one, other) => write!(f, "give --{one} or --{other}, not both"),
            Self::NotLoopback(place, address) => write!(
                f,
                "{place} {address} could be reached from other machines, in the clear: write \
                 127.0.0.1:{} or [::1]:{0}, give --tls-certificate-file and --tls-key-file, or \
                 say --behind-tls-proxy",
                address.port()
            ),
            Self::File(path, _) => write!(f, "cannot read the settings in {}", path.display()),
            Self::Line(path, number) => write!(
                f,
                "{}:{number}: must be `name = value` with a name that `sidecar --help` lists",
                path.display()
            ),
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(_, source) => Some(source),
            _ => None,
        }
    }
}
