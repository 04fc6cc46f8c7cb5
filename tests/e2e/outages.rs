//! Sidecar and Envoy come and go in any order; traffic goes on, and changes arrive in the end.

use envoy::{Stack, StackOptions};
use keytable::{Delta, Epoch, Generation};
use serde_json::json;
use tests::impostor::Impostor;
use tests::raw::{Answer, post_chat_with};
use tests::{Admin, Key, chat, start, stat, wait_for};

const GENERATION: &str = "wasmcustom.latchkey.generation";

fn ask(stack: &Stack, key: &Key) -> Answer {
    post_chat_with(&stack.envoy_url(), &key.value, &chat("glm-5.1"))
}

#[test]
fn envoy_before_the_sidecar_answers_503_and_heals_by_itself() {
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    stack.start_envoy().unwrap();
    let anybody = Key {
        id: String::new(),
        value: "sk-any".to_owned(),
        name: String::new(),
    };
    let answer = ask(&stack, &anybody);
    assert_eq!(answer.refusal(), (503, "key_table_unavailable".to_owned()));
    assert!(
        answer.head.contains("x-should-retry: false"),
        "{}",
        answer.head
    );
    assert!(answer.head.contains("retry-after:"), "{}", answer.head);

    stack.start_sidecar().unwrap();
    let key = Admin::of(&stack).create("first", json!({}));
    wait_for("the gate has a table", || ask(&stack, &key).status == 200);
    assert_eq!(stack.upstream().unwrap().count(), 1);
}

#[test]
fn traffic_goes_on_without_the_sidecar_and_changes_arrive_when_it_is_back() {
    let (mut stack, admin) = start();
    let key = admin.create("kept", json!({}));
    stack.kill_sidecar().unwrap();
    for _ in 0..100 {
        assert_eq!(ask(&stack, &key).status, 200);
    }
    stack.start_sidecar().unwrap();
    admin.patch(&key, &json!({"status": "disabled"}));
    wait_for("the change arrives", || ask(&stack, &key).status == 401);
    let fresh = admin.create("fresh", json!({}));
    wait_for("the new key arrives", || ask(&stack, &fresh).status == 200);
}

#[test]
fn envoy_restarted_has_its_table_back_without_a_human() {
    let (mut stack, admin) = start();
    let key = admin.create("kept", json!({}));
    let dead = admin.create("dead", json!({}));
    admin.delete(&dead);
    stack.stop_envoy().unwrap();
    stack.start_envoy().unwrap();
    stack.wait_for_table().unwrap();
    assert_eq!(ask(&stack, &key).status, 200);
    assert_eq!(ask(&stack, &dead).status, 401);
}

#[test]
fn nonsense_from_the_feed_leaves_the_table_as_it_is() {
    let (mut stack, admin) = start();
    let key = admin.create("kept", json!({}));
    let generation = stat(&stack, GENERATION);
    stack.stop_sidecar().unwrap();

    let foreign = Delta {
        epoch: Epoch::from_bytes([7; 16]),
        from: Generation::new(generation),
        to: Generation::new(generation + 1),
        changes: Vec::new(),
    };
    let frame = foreign.encode();
    let nonsense = [
        ("200 OK", Vec::new()),
        (
            "200 OK",
            b"<html><body>502 Bad Gateway</body></html>".to_vec(),
        ),
        ("200 OK", b"{\"keys\":[]}".to_vec()),
        ("200 OK", frame[..frame.len() - 5].to_vec()),
        ("200 OK", frame.clone()),
        ("204 No Content", Vec::new()),
        ("404 Not Found", frame.clone()),
        ("503 Service Unavailable", Vec::new()),
    ];
    let impostor = Impostor::start(&stack.feed_url(), ("200 OK", Vec::new()));
    for (status, body) in nonsense {
        impostor.say((status, body));
        wait_for("the agent hears it", || impostor.answered() >= 2);
        assert_eq!(stat(&stack, GENERATION), generation, "{status}");
        assert_eq!(ask(&stack, &key).status, 200, "{status}");
    }
    drop(impostor);

    stack.start_sidecar().unwrap();
    admin.patch(&key, &json!({"status": "disabled"}));
    wait_for("the change arrives", || ask(&stack, &key).status == 401);
}

#[test]
fn the_lease_ends_traffic_on_every_worker_and_the_sidecar_brings_it_back() {
    let options = StackOptions {
        max_staleness: envoy::MaxStaleness::Seconds(5),
        ..StackOptions::default()
    };
    let (mut stack, admin) = tests::start_with(options);
    let key = admin.create("kept", json!({}));
    stack.sidecar().unwrap().process().pause().unwrap();
    wait_for("the lease ends", || ask(&stack, &key).status == 503);
    for _ in 0..50 {
        assert_eq!(
            ask(&stack, &key).refusal(),
            (503, "key_table_unavailable".to_owned())
        );
    }
    stack.sidecar().unwrap().process().resume().unwrap();
    wait_for("the lease is renewed", || ask(&stack, &key).status == 200);
}
