//! Snapshots, deltas, heartbeats.

use std::thread;

use keytable::{Epoch, Generation};
use serde_json::{Value, json};

use crate::support::agent::{Agent, Got};
use crate::support::{FEED_TOKEN, Scratch, Sidecar, call, call_bytes};

fn path(key: &Value) -> String {
    format!("/v1/keys/{}", key["id"].as_str().unwrap())
}

fn value(key: &Value) -> &str {
    key["key"].as_str().unwrap()
}

#[test]
fn a_new_agent_gets_the_whole_table_page_by_page() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let keys: Vec<Value> = (0..20)
        .map(|n| sidecar.make(&format!("key {n}"), "local"))
        .collect();
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    let first = agent.poll(0);
    assert_eq!(
        first,
        Got::Page {
            generation: 20,
            first: 0,
            end: 4096
        }
    );
    assert_eq!(agent.position.unwrap().1, Generation::new(20));
    assert_eq!(agent.table.len(), 20);
    assert!(keys.iter().all(|key| agent.admits(value(key))));
    assert_eq!(agent.poll(0), Got::Heartbeat);
}

#[test]
fn changes_come_as_deltas_each_key_as_it_is_now() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.catch_up();
    let (kept, gone) = (sidecar.make("kept", "local"), sidecar.make("gone", "local"));
    assert_eq!(
        agent.poll(0),
        Got::Delta {
            from: 0,
            to: 2,
            changes: 2
        }
    );
    assert!(agent.admits(value(&kept)) && agent.admits(value(&gone)));

    sidecar.patch(
        &format!("{}?wait=none", path(&kept)),
        &json!({"status": "disabled"}),
    );
    sidecar.delete(&format!("{}?wait=none&confirm=gone", path(&gone)));
    sidecar.patch(
        &format!("{}?wait=none", path(&kept)),
        &json!({"status": "enabled"}),
    );
    assert_eq!(
        agent.poll(0),
        Got::Delta {
            from: 2,
            to: 5,
            changes: 2
        }
    );
    assert!(agent.admits(value(&kept)) && !agent.admits(value(&gone)));
    assert_eq!(agent.poll(0), Got::Heartbeat);
}

#[test]
fn a_hanging_request_is_answered_by_the_change() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.catch_up();
    let follower = thread::spawn(move || (agent.poll(60), agent.poll(0)));
    // Nobody else follows: the change is answered when the follower has it and says so.
    let body = json!({"account": "demo", "region": "local", "name": "news"});
    let made = sidecar.post("/v1/keys?timeout_s=60", &body).json();
    let propagation = json!({"generation": 1, "envoys": 1, "applied": 1, "pending": []});
    assert_eq!(made["propagation"], propagation);
    let (first, second) = follower.join().unwrap();
    assert_eq!(
        first,
        Got::Delta {
            from: 0,
            to: 1,
            changes: 1
        }
    );
    assert_eq!(second, Got::Heartbeat);
}

#[test]
fn a_change_elsewhere_moves_the_generation_only() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.catch_up();
    let theirs = sidecar.make("theirs", "other");
    assert_eq!(
        agent.poll(0),
        Got::Delta {
            from: 0,
            to: 1,
            changes: 0
        }
    );
    assert!(!agent.admits(value(&theirs)));
    let mut other = Agent::new(&sidecar, 'b', "edge-2", "other");
    other.catch_up();
    assert!(other.admits(value(&theirs)));
    assert_eq!(other.table.len(), 1);
}

/// Case R-25: an agent that is further than this sidecar gets its whole table.
#[test]
fn another_history_or_the_future_gets_the_whole_table() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    sidecar.make("one", "local");
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.catch_up();
    let (epoch, newest) = agent.position.unwrap();
    for position in [
        (Epoch::from_bytes([9; 16]), newest),
        (epoch, Generation::new(2)),
        (epoch, Generation::new(u64::MAX)),
    ] {
        agent.position = Some(position);
        assert_eq!(
            agent.poll(0),
            Got::Page {
                generation: 1,
                first: 0,
                end: 4096
            }
        );
        assert_eq!(agent.position, Some((epoch, newest)));
    }
}

#[test]
fn a_snapshot_stays_the_same_while_it_is_paged_through() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    sidecar.make("one", "local");
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    assert_eq!(
        agent.ask(0, None),
        Got::Page {
            generation: 1,
            first: 0,
            end: 4096
        }
    );
    sidecar.make("two", "local");
    let next = agent.ask(0, Some((1, 4096)));
    assert_eq!(
        next,
        Got::Page {
            generation: 1,
            first: 4096,
            end: 8192
        }
    );
    // Whoever begins now begins with what is newest.
    let mut late = Agent::new(&sidecar, 'b', "edge-2", "local");
    assert_eq!(
        late.poll(0),
        Got::Page {
            generation: 2,
            first: 0,
            end: 4096
        }
    );
}

#[test]
fn a_snapshot_that_is_not_kept_begins_anew() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    sidecar.make("one", "local");
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    let first_page = Got::Page {
        generation: 1,
        first: 0,
        end: 4096,
    };
    assert_eq!(agent.ask(0, Some((7, 4096))), first_page);
    assert_eq!(
        agent.ask(0, Some((1, 5))),
        first_page,
        "no page begins there"
    );
}

#[test]
fn an_agent_that_starts_over_cannot_bring_a_deleted_key_back() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("doomed", "local");
    Agent::new(&sidecar, 'a', "edge-1", "local").catch_up();
    sidecar.delete(&format!("{}?wait=none&confirm=doomed", path(&key)));
    let mut restarted = Agent::new(&sidecar, 'b', "edge-1", "local");
    assert_eq!(
        restarted.poll(0),
        Got::Page {
            generation: 2,
            first: 0,
            end: 4096
        }
    );
    assert!(!restarted.admits(value(&key)));
}

#[test]
fn bad_parameters_are_named() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let agent = "a".repeat(32);
    let epoch = "0".repeat(32);
    let good = format!("region=local&agent={agent}&node=edge-1&wait_s=0");
    let ask = |query: &str| {
        let url = format!("{}/feed/v1/table?{query}", sidecar.feed());
        call(&url, "GET", &[("authorization", FEED_TOKEN)], None)
    };
    assert_eq!(ask("").fields(), ["region", "agent", "node"]);
    let cases = [
        (good.replace("local", "Local"), "region"),
        (format!("{good}&region=other"), "region"),
        (good.replace(&agent, "abc"), "agent"),
        (good.replace("edge-1", "%0a"), "node"),
        (good.replace("edge-1", &"n".repeat(257)), "node"),
        (good.replace("wait_s=0", "wait_s=61"), "wait_s"),
        (format!("{good}&epoch={epoch}"), "generation"),
        (format!("{good}&generation=1"), "epoch"),
        (format!("{good}&epoch=xyz&generation=1"), "epoch"),
        (format!("{good}&epoch={epoch}&generation=-1"), "generation"),
        (format!("{good}&snapshot=1&bucket=65536"), "bucket"),
        (format!("{good}&snapshot=1"), "bucket"),
        (format!("{good}&request=x"), "request"),
    ];
    for (query, field) in &cases {
        let answer = ask(query);
        assert_eq!(
            (answer.status, answer.fields()),
            (400, vec![(*field).to_owned()]),
            "{query}"
        );
    }
    assert_eq!(ask(&good.replace("local", "nowhere")).status, 404);
}

#[test]
fn followers_do_not_keep_the_sidecar_from_stopping() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.catch_up();
    let follower = thread::spawn(move || (agent.poll(60), agent.ask(60, None)));
    let body = json!({"account": "demo", "region": "local", "name": "news"});
    let made = sidecar.post("/v1/keys?timeout_s=60", &body).json();
    assert_eq!(
        made["propagation"]["applied"], 1,
        "the second request is open"
    );
    drop(sidecar);
    let (first, second) = follower.join().unwrap();
    let news = Got::Delta {
        from: 0,
        to: 1,
        changes: 1,
    };
    assert_eq!((first, second), (news, Got::Refusal(503)));
}

/// What a proxy keeps and gives again is known by it.
#[test]
fn an_answer_says_to_which_request_it_is() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let agent = "a".repeat(32);
    let answers = |more: &str| {
        let query = format!("region=local&agent={agent}&node=edge-1&wait_s=0{more}");
        let url = format!("{}/feed/v1/table?{query}", sidecar.feed());
        let (parts, _) = call_bytes(&url, "GET", &[("authorization", FEED_TOKEN)], None);
        assert_eq!(parts.status, 200);
        let named = parts.headers.get("x-latchkey-answers");
        named.map(|name| name.to_str().unwrap().to_owned())
    };
    assert_eq!(answers("&request=17"), Some(format!("{agent}-17")));
    assert_eq!(answers("&request=18"), Some(format!("{agent}-18")));
    assert_eq!(answers(""), None, "the first filters give no number");
}
