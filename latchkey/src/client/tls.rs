//! Whom to trust where the sidecar speaks TLS: the certificates of a file, or the system's.
//!
//! Does not switch checking off, whatever is asked. Invariant: without a certificate to trust there is
//! no call.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

use crate::error::CliError;

/// Where systems keep the certificates that they trust.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Trusts what `ca` holds; without it what `SSL_CERT_FILE` names, or the system.
pub(super) fn config(ca: Option<&Path>) -> Result<TlsConfig, CliError> {
    let path = ca
        .map(Path::to_owned)
        .or_else(of_the_system)
        .ok_or_else(|| {
            CliError::Usage(
                "this system has no certificates to trust: name some with --ca FILE".into(),
            )
        })?;
    let roots = certificates(&path)?;
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots))
        .build())
}

fn of_the_system() -> Option<PathBuf> {
    let named = env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    named.or_else(|| SYSTEM.iter().map(PathBuf::from).find(|path| path.is_file()))
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, CliError> {
    let pem = fs::read(path).map_err(CliError::at(path))?;
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    let found: Vec<_> = parse_pem(&pem).filter_map(certificate).collect();
    match found.is_empty() {
        false => Ok(found),
        true => Err(CliError::Usage(format!(
            "{} holds no certificate in PEM",
            path.display()
        ))),
    }
}
