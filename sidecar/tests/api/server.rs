//! An installation whose database is on a PostgreSQL server.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::offline::{complained, run, said};
use crate::support::{Scratch, Sidecar};

/// A sidecar as a process, which is killed with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a process; waits until it is ready.
fn process(scratch: &Scratch) -> Killed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidecar"));
    let child = command.args(scratch.flags()).stdout(Stdio::piped()).spawn();
    let mut process = Killed(child.unwrap());
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    let ready = lines.any(|line| line.unwrap().contains("\"ready\""));
    assert!(ready, "it has ended");
    process
}

fn words<'w>(words: &[&'w str], url: &'w str) -> Vec<&'w str> {
    [words, &["--store", url]].concat()
}

#[test]
fn everything_but_the_master_keys_is_on_the_server_and_every_command_finds_it() {
    let Some(scratch) = Scratch::on_server() else {
        return;
    };
    let url = scratch.url().unwrap();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("kept", "local");
    assert!(!scratch.data().join("latchkey.db").exists());

    let verified = run(&words(&["audit", "verify"], url));
    assert!(verified.status.success(), "{}", complained(&verified));
    assert!(said(&verified).contains("rows, each as it was written"));
    let (data, table) = (scratch.data(), scratch.path().join("table"));
    let (data, table) = (data.to_str().unwrap(), table.to_str().unwrap());
    let snapshot = [
        "snapshot", "--data", data, "--region", "local", "--to", table,
    ];
    let written = run(&words(&snapshot, url));
    assert!(written.status.success(), "{}", complained(&written));
    let busy = run(&words(&["operator", "reset"], url));
    assert!(complained(&busy).contains("another sidecar uses this database"));
    drop(sidecar);

    let reset = run(&words(&["operator", "reset"], url));
    assert!(reset.status.success(), "{}", complained(&reset));
    let ring = scratch.data().join("master-keys");
    let rotate = [
        "keys",
        "rotate-master",
        "--master-key-file",
        ring.to_str().unwrap(),
    ];
    let rotated = run(&words(&rotate, url));
    assert!(
        said(&rotated).contains("values are sealed"),
        "{}",
        complained(&rotated)
    );
    let process = process(&scratch);
    drop(process);
    assert!(key["id"].is_string());
}

#[test]
fn a_second_sidecar_is_refused_and_one_behind_a_killed_one_goes_on() {
    let Some(scratch) = Scratch::on_server() else {
        return;
    };
    let flags = scratch.flags();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let first = process(&scratch);
    let second = run(&flags);
    assert_eq!(second.status.code(), Some(1));
    assert!(complained(&second).contains("another sidecar uses this database"));
    drop(first);
    drop(process(&scratch));
}

#[test]
fn a_database_without_tables_is_not_served() {
    let Some(scratch) = Scratch::on_empty_server() else {
        return;
    };
    let flags = scratch.flags();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let refused = run(&flags);
    assert!(complained(&refused).contains("sidecar store create"));
    let url = scratch.url().unwrap();
    assert!(run(&words(&["store", "create"], url)).status.success());
    assert!(!run(&words(&["store", "create"], url)).status.success());
    assert!(run(&words(&["store", "upgrade"], url)).status.success());
    drop(process(&scratch));
}
