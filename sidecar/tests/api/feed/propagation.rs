//! What a change says of the Envoys.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::agent::Agent;
use crate::support::{Scratch, Sidecar};

fn propagation(answer: &Value) -> (u64, u64, Vec<String>) {
    let part = &answer["propagation"];
    let pending = part["pending"].as_array().unwrap();
    let names = pending.iter().map(|laggard| {
        assert!(laggard["last_seen"].as_str().unwrap().ends_with('Z'));
        let until = laggard["may_serve_until"].as_str().unwrap();
        assert!(until > laggard["last_seen"].as_str().unwrap());
        laggard["envoy"].as_str().unwrap().to_owned()
    });
    (
        part["envoys"].as_u64().unwrap(),
        part["applied"].as_u64().unwrap(),
        names.collect(),
    )
}

#[test]
fn a_laggard_is_named() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut prompt = Agent::new(&sidecar, 'a', "prompt", "local");
    let mut slow = Agent::new(&sidecar, 'b', "slow", "local");
    prompt.catch_up();
    slow.catch_up();
    let key = sidecar.make("one", "local");
    assert_eq!(
        propagation(&key),
        (2, 0, vec!["prompt".into(), "slow".into()])
    );
    prompt.catch_up();
    // An edit is a new generation; ask about it with no patience at all.
    let path = format!("/v1/keys/{}?timeout_s=0", key["id"].as_str().unwrap());
    let edited = sidecar.patch(&path, &json!({"status": "disabled"})).json();
    assert_eq!(propagation(&edited).1, 0, "both have yet to hear of it");
}

#[test]
fn a_change_is_answered_when_every_envoy_of_its_region_has_it() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("one", "local");
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    let mut idle = Agent::new(&sidecar, 'c', "elsewhere", "other");
    idle.catch_up();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for (digit, node) in [('a', "edge-1"), ('b', "edge-2")] {
            let mut agent = Agent::new(&sidecar, digit, node, "local");
            agent.catch_up();
            let over = &over;
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    agent.poll(1);
                }
            });
        }
        for (turn, status) in ["disabled", "enabled", "disabled"].into_iter().enumerate() {
            let body = json!({"status": status});
            let answer = sidecar.patch(&format!("{path}?timeout_s=60"), &body).json();
            assert_eq!(propagation(&answer), (2, 2, vec![]), "turn {turn}");
        }
        let answer = sidecar
            .delete(&format!("{path}?confirm=one&timeout_s=60"))
            .json();
        assert_eq!(propagation(&answer), (2, 2, vec![]));
        over.store(true, Ordering::SeqCst);
    });
}

#[test]
fn an_acknowledgement_of_the_future_is_none() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.catch_up();
    let (epoch, _) = agent.position.unwrap();
    agent.position = Some((epoch, keytable::Generation::new(1_000)));
    agent.ask(0, None);
    assert_eq!(
        propagation(&sidecar.make("one", "local")),
        (1, 0, vec!["edge-1".into()])
    );
}

#[test]
fn a_page_of_a_snapshot_acknowledges_nothing() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    sidecar.make("one", "local");
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.ask(0, None);
    agent.ask(0, Some((1, 4096)));
    assert_eq!(
        propagation(&sidecar.make("two", "local")),
        (1, 0, vec!["edge-1".into()])
    );
}

#[test]
fn a_restarted_envoy_is_one_envoy() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    Agent::new(&sidecar, 'a', "edge-1", "local").catch_up();
    let mut restarted = Agent::new(&sidecar, 'b', "edge-1", "local");
    restarted.poll(0);
    assert_eq!(propagation(&sidecar.make("one", "local")).0, 1);
    assert_eq!(
        sidecar.get("/v1/envoys").json()["envoys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn right_after_a_restart_a_change_knows_the_envoys_that_may_serve() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut back = Agent::new(&sidecar, 'a', "back", "local");
    let mut lost = Agent::new(&sidecar, 'b', "lost", "local");
    back.catch_up();
    lost.catch_up();
    drop(sidecar);
    let sidecar = Sidecar::restart(&scratch);
    let both = vec!["back".into(), "lost".into()];
    assert_eq!(propagation(&sidecar.make("one", "local")), (2, 0, both));
    let mut again = Agent::new(&sidecar, 'a', "back", "local");
    again.position = back.position;
    again.catch_up();
    let envoys = sidecar.get("/v1/envoys").json();
    assert_eq!(envoys["envoys"][0]["generation"], 1);
    assert_eq!(
        envoys["envoys"][1]["generation"], 0,
        "it is said what it had"
    );
}

#[test]
fn an_envoy_whose_lease_has_run_out_is_not_waited_for() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.lease_s = "1";
    agent.catch_up();
    assert_eq!(propagation(&sidecar.make("one", "local")).0, 1);
    let key = sidecar.make("two", "local");
    let path = format!(
        "/v1/keys/{}?wait=applied&timeout_s=60",
        key["id"].as_str().unwrap()
    );
    let edited = sidecar.patch(&path, &json!({"status": "disabled"})).json();
    assert_eq!(
        propagation(&edited),
        (0, 0, vec![]),
        "it refuses everything by now"
    );
}
