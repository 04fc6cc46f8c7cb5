//! The commands that need no server, as processes.

use std::process::{Command, Output};

use serde_json::json;

use crate::feed::two::copy;
use crate::support::agent::{Agent, Got};
use crate::support::person::{PASSWORD, Person};
use crate::support::{Scratch, Sidecar, call};

pub(crate) fn run(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sidecar"))
        .args(words)
        .output()
        .unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_copy_is_made_and_put_in_place_and_nobody_is_logged_in_any_more() {
    let scratch = Scratch::in_file();
    let data = scratch.data();
    let data = data.to_str().unwrap();
    let copy = scratch.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    let sidecar = Sidecar::start(&scratch);
    let cookie = Person::operator(&sidecar).cookie.unwrap();
    let key = sidecar.make("kept", "local");
    let gone = sidecar.make("gone", "local");
    let backup = run(&["backup", "--data", data, "--to", copy]);
    assert!(backup.status.success(), "{}", complained(&backup));
    let busy = run(&["restore", "--data", data, "--from", copy]);
    assert_eq!(busy.status.code(), Some(1));
    assert!(complained(&busy).contains("in use by another sidecar"));
    let path = |key: &serde_json::Value| format!("/v1/keys/{}", key["id"].as_str().unwrap());
    let deleted = sidecar.delete(&format!("{}?confirm=gone&wait=none", path(&gone)));
    assert_eq!(deleted.status, 200);
    drop(sidecar);

    let restore = run(&["restore", "--data", data, "--from", copy]);
    assert!(restore.status.success(), "{}", complained(&restore));
    assert!(
        said(&restore).contains("1 keys that were deleted"),
        "{}",
        said(&restore)
    );
    let sidecar = Sidecar::restart(&scratch);
    assert_eq!(sidecar.get(&path(&key)).status, 200);
    assert_eq!(sidecar.get(&path(&gone)).status, 404, "deletion is final");
    let mut person = Person::unknown(&sidecar, "operator", PASSWORD);
    person.cookie = Some(cookie);
    assert_eq!(person.get("/v1/session").status, 401);
    assert_eq!(person.log_in().status, 200);
    let rows = sidecar.get("/v1/audit?action=installation.restored").json();
    assert_eq!(rows["entries"][0]["detail"]["file"], "copy.db");
    let whole = run(&["audit", "verify", "--data", data]);
    assert!(whole.status.success(), "{}", complained(&whole));
}

/// Case R-12: an Envoy is further than the copy, and the same number is another table.
#[test]
fn an_envoy_takes_the_whole_table_of_a_database_that_went_back() {
    let scratch = Scratch::in_file();
    let (data, copy) = (scratch.data(), scratch.path().join("copy.db"));
    let (data, copy) = (data.to_str().unwrap(), copy.to_str().unwrap());
    let sidecar = Sidecar::start(&scratch);
    let kept = sidecar.make("kept", "local");
    assert!(
        run(&["backup", "--data", data, "--to", copy])
            .status
            .success()
    );
    let lost = sidecar.make("lost", "local");
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.catch_up();
    let value = |key: &serde_json::Value| key["key"].as_str().unwrap().to_owned();
    assert!(agent.admits(&value(&kept)) && agent.admits(&value(&lost)));
    drop(sidecar);
    assert!(
        run(&["restore", "--data", data, "--from", copy])
            .status
            .success()
    );
    let sidecar = Sidecar::restart(&scratch);
    let other = sidecar.make("other", "local");
    agent.turn_to(&sidecar);
    let whole = agent.poll(0);
    assert!(
        matches!(
            whole,
            Got::Page {
                generation: 2,
                first: 0,
                ..
            }
        ),
        "{whole:?}"
    );
    assert!(agent.admits(&value(&kept)) && agent.admits(&value(&other)));
    assert!(
        !agent.admits(&value(&lost)),
        "it is in no database any more"
    );
    assert_eq!(agent.poll(0), Got::Heartbeat);
}

#[test]
fn an_operator_who_is_locked_out_is_let_in_again() {
    let scratch = Scratch::in_file();
    let data = scratch.data();
    let words = ["operator", "reset", "--data", data.to_str().unwrap()];
    let sidecar = Sidecar::start(&scratch);
    let cookie = Person::operator(&sidecar).cookie.unwrap();
    let descendant = json!({"account": "demo", "name": "script", "capabilities": ["keys:read"]});
    let descendant = sidecar.post("/v1/tokens", &descendant).json();
    let user = json!({"account": "demo", "name": "owner", "role": "owner"});
    let user = sidecar.post("/v1/users", &user).json()["id"].clone();
    for body in [
        json!({"account": "demo", "name": "cloud"}),
        json!({"account": "demo", "name": "of somebody else", "user": user}),
    ] {
        assert_eq!(sidecar.post("/v1/access-keys", &body).status, 201);
    }
    assert_eq!(run(&words).status.code(), Some(1), "the database is in use");
    drop(sidecar);
    let reset = run(&words);
    assert!(reset.status.success(), "{}", complained(&reset));
    let secret = said(&reset).trim().to_owned();
    let sidecar = Sidecar::restart(&scratch);
    assert_eq!(
        sidecar.get("/v1/session").status,
        401,
        "the first start's token"
    );
    let session = format!("{}/v1/session", sidecar.admin());
    let bearer = format!("Bearer {}", descendant["token"].as_str().unwrap());
    let answer = call(&session, "GET", &[("authorization", &bearer)], None);
    assert_eq!(answer.status, 401, "what was made with it");
    let mut person = Person::unknown(&sidecar, "operator", PASSWORD);
    person.cookie = Some(cookie);
    assert_eq!(person.get("/v1/session").status, 401);
    assert_eq!(person.log_in().status, 401, "the old password is no more");
    let body = json!({"setup_secret": secret, "password": "another horse battery"});
    let url = format!("{}/v1/setup", sidecar.admin());
    assert_eq!(call(&url, "POST", &[], Some(&body.to_string())).status, 200);
    person.password = "another horse battery".into();
    assert_eq!(person.log_in().status, 200);
    for (path, list) in [("/v1/tokens", "tokens"), ("/v1/access-keys", "access_keys")] {
        assert_eq!(person.get(path).json()[list], json!([]), "{list}");
    }
}

/// The next start could not tell any more.
#[test]
fn a_command_that_finds_a_copy_says_so() {
    let (first, second) = (Scratch::in_file(), Scratch::in_file());
    let sidecar = Sidecar::start(&first);
    copy(&first, &second);
    drop(sidecar);
    for (scratch, is_copy) in [(&first, false), (&second, true), (&second, false)] {
        let data = scratch.data();
        for words in [["operator", "reset"], ["keys", "rotate-master"]] {
            let output = run(&[words[0], words[1], "--data", data.to_str().unwrap()]);
            assert!(output.status.success(), "{}", complained(&output));
            let says_so = complained(&output).contains("this database is a copy");
            assert_eq!(says_so, is_copy && words[0] == "operator", "{words:?}");
        }
    }
}

#[test]
fn settings_are_checked_without_a_start() {
    let scratch = Scratch::in_file();
    let flags = scratch.flags();
    let mut words = vec!["config", "check"];
    words.extend(flags.iter().skip(1).map(String::as_str));
    let good = run(&words);
    assert!(good.status.success(), "{}", complained(&good));
    assert!(!scratch.data().exists(), "nothing is started");
    let at = words.iter().position(|word| *word == "--admin").unwrap() + 1;
    words[at] = "0.0.0.0:80";
    let bad = run(&words);
    assert_eq!(bad.status.code(), Some(2));
    assert!(complained(&bad).contains("--admin 0.0.0.0:80 could be reached"));
}

#[test]
fn commands_without_a_database_say_so() {
    let scratch = Scratch::new();
    let nowhere = scratch.path().join("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    for words in [
        &["audit", "verify", "--data", nowhere][..],
        &["backup", "--data", nowhere, "--to", "/dev/null/x"],
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            complained(&output).contains("missing"),
            "{}",
            complained(&output)
        );
    }
    assert_eq!(run(&["audit"]).status.code(), Some(2));
}
