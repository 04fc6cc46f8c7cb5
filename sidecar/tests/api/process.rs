//! The binary itself: what it prints, how it stops, what it refuses.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::feed::two::copy;
use crate::support::{Scratch, call};

/// The binary; killed with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(scratch: &Scratch) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidecar"));
    command
        .args(scratch.flags())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn start(scratch: &Scratch) -> (Process, Vec<Value>) {
    start_by(command(scratch))
}

fn start_by(mut command: Command) -> (Process, Vec<Value>) {
    let mut child = command.spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    let mut events = Vec::new();
    for line in BufReader::new(stdout).lines() {
        events.push(serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        if events.last().unwrap()["event"] == "ready" {
            break;
        }
    }
    (Process(child), events)
}

fn terminate(process: &Process) {
    let pid = process.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn the_setup_secret_is_printed_once_and_the_operator_token_is_in_its_file() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let (mut process, events) = start(&scratch);
    assert_eq!(events.len(), 2);
    let secret = events[0]["setup_secret"].as_str().unwrap();
    assert!(secret.starts_with("lku-"), "{secret}");
    let file = scratch.path().join("operator-token");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = std::fs::read_to_string(&file).unwrap();
    let url = format!(
        "{}/v1/keys?account=demo",
        events[1]["admin"].as_str().unwrap()
    );
    let bearer = format!("Bearer {}", token.trim());
    assert_eq!(
        call(&url, "GET", &[("authorization", &bearer)], None).status,
        200
    );
    terminate(&process);
    assert!(process.0.wait().unwrap().success());

    let (_process, events) = start(&scratch);
    assert_eq!(events.len(), 1, "a later start prints no secret");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), token);
}

#[test]
fn the_setup_secret_is_in_its_file_where_one_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let file = scratch.path().join("setup-secret");
    let mut named = command(&scratch);
    named.arg("--setup-secret-file").arg(&file);
    let (process, events) = start_by(named);
    assert_eq!(
        events[0],
        json!({"event": "first_start", "setup_secret_file": file})
    );
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let secret = std::fs::read_to_string(&file).unwrap();
    let body = json!({"setup_secret": secret.trim(), "password": "correct horse battery"});
    let url = format!("{}/v1/setup", events[1]["admin"].as_str().unwrap());
    let answer = call(&url, "POST", &[], Some(&body.to_string()));
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        !Value::from(events).to_string().contains(secret.trim()),
        "it is said nowhere else"
    );
    drop(process);
}

#[test]
fn the_release_is_that_of_the_workspace() {
    let mut sidecar = Command::new(env!("CARGO_BIN_EXE_sidecar"));
    let said = sidecar.arg("--version").output().unwrap();
    let expected = format!("sidecar {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(said.stdout).unwrap(), expected);
}

/// Case S-09.
#[test]
fn no_secret_is_on_the_command_line_or_in_the_environment() {
    let scratch = Scratch::new();
    let (process, events) = start(&scratch);
    let ring = std::fs::read_to_string(scratch.data().join("master-keys")).unwrap();
    let token = std::fs::read_to_string(scratch.path().join("operator-token")).unwrap();
    let feed = std::fs::read_to_string(scratch.path().join("feed-token")).unwrap();
    let setup = events[0]["setup_secret"].as_str().unwrap();
    for place in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("/proc/{}/{place}", process.0.id())).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(place == "environ" || text.contains("--data"), "{text}");
        for secret in [ring.trim(), token.trim(), feed.trim(), setup] {
            assert!(!text.contains(secret), "{place}");
        }
    }
}

#[test]
fn a_second_process_on_the_same_directory_is_refused() {
    let scratch = Scratch::in_file();
    let (_process, _) = start(&scratch);
    let second = command(&scratch).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains("in use by another sidecar"), "{message}");
}

/// Case R-24.
#[test]
fn a_copy_of_a_database_in_use_says_that_it_is_one() {
    let (first, second) = (Scratch::in_file(), Scratch::in_file());
    let (_first, _) = start(&first);
    copy(&first, &second);
    let log_of = |scratch: &Scratch| {
        let (mut process, _) = start(scratch);
        terminate(&process);
        let mut log = String::new();
        let mut stderr = process.0.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        log
    };
    let log = log_of(&second);
    assert!(
        log.contains("ERROR") && log.contains("this database is a copy"),
        "{log}"
    );
    let log = log_of(&second);
    assert!(!log.contains("this database is a copy"), "{log}");
}

#[test]
fn flags_that_make_no_sense_end_with_their_own_code() {
    let scratch = Scratch::new();
    let output = command(&scratch).arg("--no-such-flag").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[test]
fn a_feed_token_file_that_everybody_can_read_is_refused() {
    let scratch = Scratch::new();
    let path = scratch.path().join("feed-token");
    for (mode, is_refused) in [(0o644, true), (0o604, true), (0o602, true), (0o640, false)] {
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let checked = Command::new(env!("CARGO_BIN_EXE_sidecar"))
            .args(["config", "check"])
            .args(&scratch.flags()[1..])
            .output()
            .unwrap();
        let message = String::from_utf8(checked.stderr).unwrap();
        assert_eq!(checked.status.success(), !is_refused, "{mode:o}: {message}");
        assert_eq!(
            message.contains("chmod 600"),
            is_refused,
            "{mode:o}: {message}"
        );
    }
}

#[test]
fn a_feed_token_file_without_a_token_is_refused() {
    let scratch = Scratch::new();
    for contents in [
        "",
        "feed-token-of-the-tests",
        "Bearer short",
        "Bearer two words and more",
    ] {
        std::fs::write(scratch.path().join("feed-token"), contents).unwrap();
        let output = command(&scratch).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{contents}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("write `Bearer `"), "{message}");
    }
}
