//! A certificate for one name, made on the spot.
//!
//! It is its own issuer. Invariant: the key goes with the directory that it was made in.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair};

/// Certificate and key as two PEM files in a directory.
pub fn certificate_for(name: &str, dir: &Path) -> (PathBuf, PathBuf) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let file = |end: &str| dir.join(format!("{name}.{end}"));
    let files = (file("crt"), file("key"));
    fs::write(&files.0, certificate.pem()).unwrap();
    fs::write(&files.1, key.serialize_pem()).unwrap();
    files
}
