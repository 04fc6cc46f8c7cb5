//! TLS of our own: the certificate that both ports show, and its key.
//!
//! Does not renew: both files are read at the start. Invariant: the key can be read by its owner
//! alone and belongs to the certificate, or nothing is served.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsFiles;

const OTHERS: u32 = 0o077;

/// Why TLS cannot be spoken.
#[derive(Debug)]
pub enum TlsError {
    /// A file cannot be read.
    Io(PathBuf, io::Error),
    /// The file has no certificate in PEM.
    Certificate(PathBuf),
    /// The file has no key in PEM.
    Key(PathBuf),
    /// Others can read the key.
    OpenToOthers(PathBuf),
    /// The key is not the certificate's, or of a kind that is not known.
    Pair(rustls::Error),
}

/// Reads certificate and key.
pub(super) fn load(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let certificates = certificates(&files.certificate)?;
    let key = key(&files.key)?;
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Pair)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(TlsError::Pair)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = fs::read(path).map_err(|error| TlsError::Io(path.into(), error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(TlsError::Certificate(path.into())),
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let failed = |error| TlsError::Io(path.into(), error);
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(TlsError::OpenToOthers(path.into()));
    }
    let bytes = zeroize::Zeroizing::new(fs::read(path).map_err(failed)?);
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| TlsError::Key(path.into()))
}

// === impl TlsError ===

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, _) => write!(f, "cannot read {}", path.display()),
            Self::Certificate(path) => write!(
                f,
                "{} has no certificate: write it in PEM, its issuers behind it",
                path.display()
            ),
            Self::Key(path) => write!(f, "{} has no private key: write it in PEM", path.display()),
            Self::OpenToOthers(path) => write!(
                f,
                "{0} can be read by others: `chmod 600 {0}`",
                path.display()
            ),
            Self::Pair(_) => f.write_str("the private key is not the certificate's"),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, source) => Some(source),
            Self::Pair(source) => Some(source),
            _ => None,
        }
    }
}
