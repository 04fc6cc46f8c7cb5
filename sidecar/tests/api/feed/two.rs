//! Two sidecars by mistake, on copies of one database. Case R-24.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

use crate::support::agent::{Agent, Got};
use crate::support::{Scratch, Sidecar, call};

/// Copies what a running sidecar has on the disk.
pub(crate) fn copy(from: &Scratch, to: &Scratch) {
    fs::create_dir(to.data()).unwrap();
    for entry in fs::read_dir(from.data()).unwrap() {
        let file = entry.unwrap().path();
        if file.file_name().is_some_and(|name| name != "latchkey.lock") {
            fs::copy(&file, to.data().join(file.file_name().unwrap())).unwrap();
        }
    }
    let token = Path::new("operator-token");
    fs::copy(from.path().join(token), to.path().join(token)).unwrap();
}

fn metric(sidecar: &Sidecar, name: &str) -> u64 {
    let page = call(&format!("{}/metrics", sidecar.admin()), "GET", &[], None).text;
    let line = format!("latchkey_sidecar_{name} ");
    let value = page.lines().find_map(|other| other.strip_prefix(&line));
    value
        .unwrap_or_else(|| panic!("{name}: {page}"))
        .parse()
        .unwrap()
}

fn delete(sidecar: &Sidecar, key: &Value) {
    let (id, name) = (key["id"].as_str().unwrap(), key["name"].as_str().unwrap());
    let path = format!("/v1/keys/{id}?wait=none&confirm={name}");
    assert_eq!(sidecar.delete(&path).status, 200);
}

/// What a sidecar says of the one Envoy named `edge-1`.
fn envoy(sidecar: &Sidecar) -> Value {
    let envoys = sidecar.get("/v1/envoys").json();
    let all = envoys["envoys"].as_array().unwrap();
    let found = all.iter().find(|envoy| envoy["envoy"] == "edge-1");
    found.unwrap_or_else(|| panic!("{envoys}")).clone()
}

/// Whether an agent's table is one that this sidecar gives to whoever has none.
fn has_the_table_of(agent: &Agent, sidecar: &Sidecar) -> bool {
    let mut other = Agent::new(sidecar, 'b', "other", "local");
    other.lease_s = "0";
    other.catch_up();
    agent.table == other.table && agent.position == other.position
}

#[test]
fn two_sidecars_on_copies_of_one_database_are_never_mixed_and_are_noticed() {
    let (first, second) = (Scratch::in_file(), Scratch::in_file());
    let one = Sidecar::start(&first);
    let [here, there] = ["here", "there"].map(|name| one.make(name, "local"));
    let mut agent = Agent::new(&one, 'a', "edge-1", "local");
    agent.catch_up();
    copy(&first, &second);
    let two = Sidecar::start(&second);
    assert_eq!(
        (
            metric(&one, "database_copied"),
            metric(&two, "database_copied")
        ),
        (0, 1)
    );

    // As many changes here as there: the numbers of the generations do not tell them apart.
    delete(&one, &here);
    delete(&two, &there);
    for _ in 0..3 {
        for sidecar in [&two, &one] {
            agent.turn_to(sidecar);
            assert!(matches!(agent.ask(0, None), Got::Page { first: 0, .. }));
            assert_eq!(
                envoy(sidecar)["generation"],
                Value::Null,
                "nothing of this one yet"
            );
            agent.poll(0);
            assert!(has_the_table_of(&agent, sidecar));
            assert_eq!(agent.poll(0), Got::Heartbeat);
            assert_eq!(envoy(sidecar)["generation"], 3);
        }
    }
    for sidecar in [&one, &two] {
        assert!(metric(sidecar, "envoys_astray_total") >= 2);
        assert_eq!(envoy(sidecar)["last_error"]["error"], "two_sidecars");
    }
    agent.turn_to(&two);
    agent.catch_up();
    drop(two);
    let two = Sidecar::restart(&second);
    assert_eq!(metric(&two, "database_copied"), 0, "it is at home now");
    agent.turn_to(&two);
    assert_eq!(agent.poll(0), Got::Heartbeat, "and goes on");
}

/// A copy that cannot know of itself, as one of a whole disk or machine.
#[test]
fn an_envoy_that_comes_from_the_future_is_noticed() {
    let (first, second) = (Scratch::in_file(), Scratch::in_file());
    let one = Sidecar::start(&first);
    let key = one.make("here", "local");
    copy(&first, &second);
    let copied = Connection::open(second.data().join("latchkey.db")).unwrap();
    copied.execute("UPDATE meta SET home = NULL", []).unwrap();
    drop(copied);
    let two = Sidecar::start(&second);
    let mut agent = Agent::new(&two, 'a', "edge-1", "local");
    agent.catch_up();
    assert_eq!(metric(&two, "envoys_astray_total"), 0);
    agent.turn_to(&one);
    delete(&one, &key);
    agent.catch_up();
    agent.turn_to(&two);
    assert!(matches!(agent.poll(0), Got::Page { first: 0, .. }));
    assert_eq!(metric(&two, "envoys_astray_total"), 1);
    assert_eq!(envoy(&two)["last_error"]["error"], "two_sidecars");
}

/// No snapshot is ever complete, so there is nothing that the agent could acknowledge.
#[test]
fn an_agent_that_two_sidecars_answer_in_turn_is_noticed_by_both() {
    let (first, second) = (Scratch::in_file(), Scratch::in_file());
    let one = Sidecar::start(&first);
    one.make("here", "local");
    copy(&first, &second);
    let two = Sidecar::start(&second);
    let mut agent = Agent::new(&one, 'a', "edge-1", "local");
    let mut next = None;
    for round in 0..4 {
        for sidecar in [&one, &two] {
            agent.turn_to(sidecar);
            let Got::Page {
                generation,
                first,
                end,
            } = agent.ask(0, next)
            else {
                panic!("no page");
            };
            assert_eq!((generation, first), (1, 0), "no page of the other's table");
            assert_eq!(metric(sidecar, "envoys_astray_total"), round);
            next = Some((generation, end));
        }
    }
    for sidecar in [&one, &two] {
        assert_eq!(envoy(sidecar)["last_error"]["error"], "two_sidecars");
    }
}
