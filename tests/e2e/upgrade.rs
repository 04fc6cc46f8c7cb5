//! An upgrade in either order: filter and sidecar of two releases that know different formats.
//!
//! The next release is this one with one format version more. Invariant: whichever side is newer,
//! keys, changes and counts go on as between equals.

use envoy::{StackOptions, build};
use keytable::FormatVersion;
use serde_json::{Value, json};
use tests::raw::{self, post_chat_with};
use tests::wire::{self, Fault, Wire};
use tests::{Admin, Key, chat, start, start_with, stat, wait_for};

const GENERATION: &str = "wasmcustom.latchkey.generation";

/// A key is made, used, counted, limited and deleted.
fn live_a_keys_life(stack: &envoy::Stack, admin: &Admin) {
    let ask = |key: &Key| post_chat_with(&stack.envoy_url(), &key.value, &chat("glm-5.1")).status;
    let key = admin.create("upgraded", json!({}));
    assert_eq!(ask(&key), 200);
    wait_for("the use of the key is counted", || {
        let path = format!("/v1/keys/{}/usage", key.id);
        let (_, usage) = admin.call("GET", &path, None);
        usage["total"]["permitted"].as_u64() >= Some(1)
    });
    tests::admin::assert_applied(&admin.patch(&key, &json!({"status": "disabled"})));
    assert_eq!(ask(&key), 401);
    tests::admin::assert_applied(&admin.delete(&key));
}

#[test]
fn the_filter_may_be_upgraded_first_and_the_sidecar_first() {
    let (next_filter, next_sidecar) = build::rehearsal().unwrap_or_else(|error| panic!("{error}"));
    let filter_first = StackOptions {
        filter_wasm: Some(next_filter),
        ..StackOptions::default()
    };
    let (stack, admin) = start_with(filter_first);
    live_a_keys_life(&stack, &admin);
    drop(stack);

    let sidecar_first = StackOptions {
        sidecar: Some(next_sidecar),
        ..StackOptions::default()
    };
    let (stack, admin) = start_with(sidecar_first);
    live_a_keys_life(&stack, &admin);
}

#[test]
fn a_format_that_nobody_agreed_on_leaves_the_table_as_it_is_and_is_named() {
    let (stack, admin, wire) = Wire::stack(StackOptions::default());
    let key = admin.create("kept", json!({}));
    let generation = stat(&stack, GENERATION);
    let unknown = FormatVersion::NEWEST.number() + 1;
    let mut frame = b"LKF1".to_vec();
    frame.extend(unknown.to_le_bytes());
    frame.resize(64, 0);
    wire.set(Fault::Say(wire::answer("200 OK", &frame)));
    admin.create_waiting("news", json!({}), "?wait=none");
    wait_for("the agent hears it", || wire.faulted() >= 2);
    assert_eq!(stat(&stack, GENERATION), generation);
    let status = post_chat_with(&stack.envoy_url(), &key.value, &chat("glm-5.1")).status;
    assert_eq!(status, 200);
    let named = format!("format version {unknown} is not read here");
    let log = stack.envoy_log().to_owned();
    wait_for("the version is in the log", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains(&named))
    });
}

#[test]
fn the_sidecar_says_no_to_a_format_that_it_no_longer_writes() {
    let (stack, _) = start();
    let token = std::fs::read_to_string(stack.feed_token_file()).unwrap();
    let path = format!(
        "/feed/v1/table?region=local&node=old&wait_s=0&format=0&agent={}",
        "a".repeat(32)
    );
    let authorization = format!("authorization: {token}");
    let head = raw::head("GET", &path, &[authorization.as_bytes()]);
    let answer = raw::send(&stack.feed_url(), &head);
    assert_eq!(answer.status, 400);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let detail = body["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("upgrade the filter"), "{detail}");
}
