//! Why the sidecar cannot serve.
//!
//! Invariant: a text says what could not be done; the cause is its source.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::domain::secrets::entropy::EntropyError;
use crate::feed::auth::FeedTokenError;
use crate::master_key::MasterKeyError;
use crate::serve::TlsError;
use crate::store::{OpenError, StoreError};

/// Why the sidecar did not start, or stopped.
#[derive(Debug)]
pub enum ServeError {
    /// The feed token file is missing or wrong.
    FeedToken(FeedTokenError),
    /// TLS cannot be spoken.
    Tls(TlsError),
    /// An address cannot be listened on.
    Bind(SocketAddr, io::Error),
    /// The data directory cannot be opened.
    Open(OpenError),
    /// The master keys cannot be used.
    MasterKey(MasterKeyError),
    /// The store failed while starting.
    Store(StoreError),
    /// A secret of the first start cannot be written to this file.
    SecretFile(PathBuf, io::Error),
    /// No secret of the operator could be made.
    Entropy(EntropyError),
    /// Signals cannot be received.
    Signal(io::Error),
    /// A server failed.
    Server(io::Error),
    /// The database on the server may be another sidecar's by now.
    Lost,
    /// The database was still in use at the end; nothing that was answered is lost.
    NotClosed,
}

// === impl ServeError ===

impl From<FeedTokenError> for ServeError {
    fn from(error: FeedTokenError) -> Self {
        Self::FeedToken(error)
    }
}

impl From<TlsError> for ServeError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<OpenError> for ServeError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<MasterKeyError> for ServeError {
    fn from(error: MasterKeyError) -> Self {
        Self::MasterKey(error)
    }
}

impl From<EntropyError> for ServeError {
    fn from(error: EntropyError) -> Self {
        Self::Entropy(error)
    }
}

impl From<StoreError> for ServeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FeedToken(_) => f.write_str("--feed-token-file cannot be used"),
            Self::Tls(_) => f.write_str("TLS cannot be spoken"),
            Self::Bind(address, _) => {
                write!(
                    f,
                    "cannot listen on {address}: name another address or port 0"
                )
            }
            Self::Open(_) => f.write_str("the database cannot be used"),
            Self::MasterKey(_) => f.write_str("the master keys cannot be used"),
            Self::Store(_) => f.write_str("the database failed while starting"),
            Self::SecretFile(path, _) => write!(
                f,
                "cannot write a secret of the first start to {}: name a file that can be made with \
                 --operator-token-file and --setup-secret-file",
                path.display()
            ),
            Self::Entropy(_) => f.write_str("no secret for the operator could be made"),
            Self::Signal(_) => f.write_str("signals cannot be received"),
            Self::Server(_) => f.write_str("a server failed"),
            Self::Lost => f.write_str(
                "the connection that says that this sidecar alone uses the database is lost: stopped, \
                 so that another one can go on",
            ),
            Self::NotClosed => f.write_str(
                "stopped before the last request had ended; what was answered is stored",
            ),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::FeedToken(source) => Some(source),
            Self::Tls(source) => Some(source),
            Self::Open(source) => Some(source),
            Self::MasterKey(source) => Some(source),
            Self::Store(source) => Some(source),
            Self::Entropy(source) => Some(source),
            Self::SecretFile(_, source)
            | Self::Bind(_, source)
            | Self::Signal(source)
            | Self::Server(source) => Some(source),
            Self::Lost | Self::NotClosed => None,
        }
    }
}
