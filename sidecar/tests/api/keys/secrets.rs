//! What is on the disk: no value of a key, and no master key, whatever was done.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::keys::body_with;
use crate::support::{Scratch, Sidecar};

/// Every file below a directory.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// No run of twelve characters of `secret` is in any file of the data directory.
fn assert_nowhere(scratch: &Scratch, secret: &str, but: &str) {
    for (name, bytes) in files(&scratch.data()) {
        if name == but {
            continue;
        }
        for part in secret.as_bytes().windows(12) {
            let found = bytes.windows(part.len()).any(|window| window == part);
            assert!(!found, "{name} has a part of a secret");
        }
    }
}

/// The bytes that hexadecimal digits write.
fn raw(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn no_value_and_no_master_key_is_in_database_log_or_backup() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut secrets = Vec::new();
    let kept = sidecar.make("kept", "local");
    let gone = sidecar.make("gone", "local");
    let plan = sidecar
        .post("/v1/keys", &body_with("origin", "token_plan".into()))
        .json();
    let path = |key: &serde_json::Value| format!("/v1/keys/{}", key["id"].as_str().unwrap());
    let rotated = sidecar
        .post(&format!("{}/rotate", path(&kept)), &json!({}))
        .json();
    let reset = sidecar
        .call("POST", &format!("{}/reset", path(&plan)), &[], None)
        .json();
    let header = [("idempotency-key", "one")];
    let body = body_with("name", "once".into()).to_string();
    let once = sidecar
        .call("POST", "/v1/keys", &header, Some(&body))
        .json();
    for key in [&kept, &gone, &plan, &rotated, &reset, &once] {
        secrets.push(key["key"].as_str().unwrap().to_owned());
    }
    let shown = sidecar.call("POST", &format!("{}/reveal", path(&kept)), &[], None);
    assert_eq!(shown.status, 200);
    assert_eq!(
        sidecar
            .delete(&format!("{}?confirm=gone", path(&gone)))
            .status,
        200
    );
    let ring = fs::read_to_string(scratch.data().join("master-keys")).unwrap();
    let master = ring.trim();
    let check = || {
        for secret in &secrets {
            assert_nowhere(&scratch, secret, "");
        }
        assert_nowhere(&scratch, master, "master-keys");
        for (name, bytes) in files(&scratch.data()) {
            assert!(
                !bytes.windows(32).any(|window| window == raw(master)),
                "{name}"
            );
        }
    };
    check();
    let copy = scratch.data().join("backup");
    sidecar::store::backup(&scratch.data(), &copy).unwrap();
    check();
    drop(sidecar);
    check();
}
