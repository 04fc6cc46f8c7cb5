//! TLS of the sidecar's own, on both ports.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;

use crate::support::{FEED_TOKEN, Scratch, Sidecar};

/// A certificate for loopback and its key, in files.
struct Pair {
    certificate: CertificateDer<'static>,
    files: [PathBuf; 2],
}

impl Pair {
    fn new(scratch: &Scratch, name: &str) -> Self {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let files =
            ["certificate", "key"].map(|kind| scratch.path().join(format!("{name}-{kind}.pem")));
        fs::write(&files[0], made.cert.pem()).unwrap();
        fs::write(&files[1], made.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(&files[1], fs::Permissions::from_mode(0o600)).unwrap();
        let certificate = made.cert.der().clone();
        Self { certificate, files }
    }

    fn flags(&self) -> [&str; 4] {
        let [certificate, key] = &self.files;
        [
            "--tls-certificate-file",
            certificate.to_str().unwrap(),
            "--tls-key-file",
            key.to_str().unwrap(),
        ]
    }

    /// What an address answers to a client that trusts this certificate alone.
    fn ask(&self, url: &str, head: &str, body: &str) -> String {
        let address = url.split_once("://").unwrap().1;
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
        let length = body.len();
        let request = format!(
            "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // The end of the connection may come without a word.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[test]
fn both_ports_speak_tls_and_nothing_else() {
    let scratch = Scratch::new();
    let pair = Pair::new(&scratch, "one");
    let sidecar = Sidecar::start_with(&scratch, &pair.flags());
    let bearer = format!(
        "GET /v1/session HTTP/1.1\r\nAuthorization: Bearer {}",
        sidecar.token()
    );
    assert!(
        pair.ask(sidecar.admin(), &bearer, "")
            .starts_with("HTTP/1.1 200 ")
    );
    let table = format!(
        "GET /feed/v1/table?region=local&node=n&agent={:032x}&wait_s=0 HTTP/1.1\r\nAuthorization: {FEED_TOKEN}",
        7
    );
    assert!(
        pair.ask(sidecar.feed(), &table, "")
            .starts_with("HTTP/1.1 200 ")
    );
    for url in [sidecar.admin(), sidecar.feed()] {
        let address = url.split_once("://").unwrap().1;
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
}

#[test]
fn the_cookie_is_bound_to_tls() {
    let scratch = Scratch::new();
    let pair = Pair::new(&scratch, "one");
    let sidecar = Sidecar::start_with(&scratch, &pair.flags());
    let password = "correct horse battery";
    let body = json!({"setup_secret": sidecar.setup_secret(), "password": password});
    let set_up = pair.ask(
        sidecar.admin(),
        "POST /v1/setup HTTP/1.1",
        &body.to_string(),
    );
    assert!(set_up.starts_with("HTTP/1.1 200 "), "{set_up}");
    let body = json!({"user": "operator", "password": password}).to_string();
    let log_in = pair.ask(sidecar.admin(), "POST /v1/session HTTP/1.1", &body);
    assert!(
        log_in.contains("set-cookie: __Host-latchkey_session=lks-"),
        "{log_in}"
    );
    assert!(log_in.contains("; Secure"), "{log_in}");
    let foreign = "POST /v1/session HTTP/1.1\r\nOrigin: http://localhost";
    assert!(
        pair.ask(sidecar.admin(), foreign, &body)
            .starts_with("HTTP/1.1 403 ")
    );
    let own = "POST /v1/session HTTP/1.1\r\nOrigin: https://localhost";
    assert!(
        pair.ask(sidecar.admin(), own, &body)
            .starts_with("HTTP/1.1 200 ")
    );
}

#[test]
fn files_that_make_no_pair_are_refused() {
    let scratch = Scratch::new();
    let (one, other) = (Pair::new(&scratch, "one"), Pair::new(&scratch, "other"));
    let open = Pair::new(&scratch, "open");
    fs::set_permissions(&open.files[1], fs::Permissions::from_mode(0o644)).unwrap();
    let cases = [
        (&one.files[0], &other.files[1], "not the certificate's"),
        (&one.files[1], &one.files[1], "has no certificate"),
        (&open.files[0], &open.files[1], "can be read by others"),
        (&one.files[0], &scratch.path().join("none"), "cannot read"),
    ];
    for (certificate, key, text) in cases {
        for command in ["serve", "check"] {
            let mut words = scratch.flags();
            words.remove(0);
            words.retain(|word| command == "serve" || word != "--json");
            let mut process = Command::new(env!("CARGO_BIN_EXE_sidecar"));
            match command {
                "serve" => process.arg("serve"),
                _ => process.args(["config", "check"]),
            };
            process
                .args(words)
                .arg("--tls-certificate-file")
                .arg(certificate);
            let output = process.arg("--tls-key-file").arg(key).output().unwrap();
            let message = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{text}: {message}");
            assert!(message.contains(text), "{message}");
        }
    }
}
