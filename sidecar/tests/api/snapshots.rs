//! `sidecar snapshot` as a process: what it says, and a table that no Envoy could start from.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use keytable::limits::SIGNED_TABLE_BYTES_MAX;
use serde_json::json;

use crate::support::{Scratch, Sidecar};

/// Entries on each axis of a large key, and characters of an entry: about 225 kB in the table.
const ENTRIES: usize = 450;
const ENTRY_CHARS: usize = 248;
const LARGE_KEY_BYTES: usize = 2 * ENTRIES * (ENTRY_CHARS + 3);

fn snapshot(scratch: &Scratch, to: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidecar"));
    command.args(["snapshot", "--region", "local", "--data"]);
    command.arg(scratch.data()).arg("--to").arg(to);
    command.output().unwrap()
}

/// Makes keys until there are so many, each with as long a scope as one call takes.
fn fill(sidecar: &Sidecar, made: &mut usize, wanted: usize) {
    let entry = |prefix: &str, n: usize| format!("{prefix}{n:0>width$}", width = ENTRY_CHARS - 3);
    let axis = |prefix| -> Vec<String> { (0..ENTRIES).map(|n| entry(prefix, n)).collect() };
    let scope = json!({"models": axis("m--"), "services": axis("ep-")});
    for n in *made..wanted {
        let key = json!({
            "account": "demo", "region": "local", "name": format!("large {n}"), "scope": &scope,
        });
        let answer = sidecar.post("/v1/keys?wait=none&allow_unlisted=true", &key);
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    *made = wanted;
}

#[test]
fn a_table_that_no_envoy_could_start_from_is_announced_and_then_refused() {
    let scratch = Scratch::in_file();
    let to = scratch.path().join("table.signed");
    let sidecar = Sidecar::start(&scratch);
    let raised = sidecar.patch("/v1/accounts/demo", &json!({"key_limit": 1000}));
    assert_eq!(raised.status, 200, "{}", raised.text);
    sidecar.make("small", "local");
    let said = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    let small = said(&snapshot(&scratch, &to));
    assert!(small.starts_with("signed generation "), "{small}");

    let mut made = 0;
    fill(
        &sidecar,
        &mut made,
        SIGNED_TABLE_BYTES_MAX / LARGE_KEY_BYTES * 9 / 10,
    );
    let large = snapshot(&scratch, &to);
    assert!(large.status.success());
    let large = said(&large);
    let warning = format!("warning: {} keys take ", made + 1);
    assert!(large.starts_with(&warning), "{large}");
    assert!(large.contains("public_key: "), "{large}");

    let kept = fs::read(&to).unwrap();
    assert!(kept.len() <= SIGNED_TABLE_BYTES_MAX);
    fill(
        &sidecar,
        &mut made,
        SIGNED_TABLE_BYTES_MAX / LARGE_KEY_BYTES + 2,
    );
    let refused = snapshot(&scratch, &to);
    assert_eq!(refused.status.code(), Some(1));
    let why = String::from_utf8(refused.stderr).unwrap();
    let most = format!("Envoy can start from {SIGNED_TABLE_BYTES_MAX} at most");
    assert!(why.contains(&most), "{why}");
    assert!(why.contains("stays as it was: delete keys"), "{why}");
    assert_eq!(fs::read(&to).unwrap(), kept);
}
