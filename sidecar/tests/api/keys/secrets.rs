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
    base16ct::mixed::decode_vec(digits).unwrap()
}

/// Case S-05: a value is in the answer that makes or reveals it, and in no other.
#[test]
fn no_other_answer_shows_a_secret() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("a key", "local");
    let token = json!({"name": "t", "capabilities": ["keys:read"]});
    let token = sidecar.post("/v1/tokens", &token).json();
    let signing = sidecar
        .post("/v1/access-keys", &json!({"account": "demo", "name": "s"}))
        .json();
    let user = json!({"account": "demo", "name": "vera", "role": "viewer"});
    let user = sidecar.post("/v1/users", &user).json();
    let text = |value: &serde_json::Value, name: &str| value[name].as_str().unwrap().to_owned();
    let secrets = [
        text(&key, "key"),
        text(&token, "token"),
        text(&signing, "secret_key"),
        text(&user, "setup_secret"),
        sidecar.token(),
    ];
    let key_path = format!("/v1/keys/{}", text(&key, "id"));
    let answers = [
        sidecar.get(&key_path),
        sidecar.get("/v1/keys?account=demo"),
        sidecar.patch(&key_path, &json!({"description": "edited"})),
        sidecar.patch(&key_path, &json!({"key": secrets[0]})),
        sidecar.get(&format!("{key_path}/usage")),
        sidecar.get(&format!("/v1/keys/{}", secrets[0])),
        sidecar.get("/v1/tokens"),
        sidecar.get(&format!("/v1/tokens/{}", text(&token, "id"))),
        sidecar.get("/v1/access-keys"),
        sidecar.get(&format!("/v1/access-keys/{}", text(&signing, "secret_id"))),
        sidecar.get("/v1/users"),
        sidecar.get(&format!("/v1/users/{}", text(&user, "id"))),
        sidecar.get("/v1/session"),
        sidecar.get("/v1/audit?limit=200"),
        sidecar.get("/v1/recommendations?account=demo"),
        sidecar.get("/openapi.json"),
        sidecar.get("/metrics"),
        sidecar.delete(&format!("{key_path}?confirm=a%20key")),
    ];
    for answer in &answers {
        let headers = format!("{:?}", answer.headers);
        for part in secrets
            .iter()
            .flat_map(|secret| secret.as_bytes().windows(12))
        {
            let part = std::str::from_utf8(part).unwrap();
            assert!(!answer.text.contains(part), "{}", answer.text);
            assert!(!headers.contains(part), "{headers}");
        }
    }
}

#[test]
fn no_value_and_no_master_key_is_in_database_log_or_backup() {
    let scratch = Scratch::in_file();
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
