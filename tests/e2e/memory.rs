//! Memory that one key can take: it is told to wait, or its streams are reset, and another key is
//! served all the while.

use std::thread::JoinHandle;

use envoy::{Stack, StackOptions};
use serde_json::{Map, Value, json};
use tests::{Admin, Answer, Key, http2, start_with, stat, wait_for};

const MIB: usize = 1024 * 1024;
/// What one greedy request makes Envoy hold.
const HELD: usize = 4 * MIB;

fn start(gate_settings: Value, heap_bytes_max: Option<u64>) -> (Stack, Admin) {
    let Value::Object(gate_settings) = gate_settings else {
        panic!("no settings: {gate_settings}");
    };
    let options = StackOptions {
        concurrency: 1,
        gate_settings: Map::from_iter(gate_settings),
        ..StackOptions::default()
    };
    start_with(StackOptions {
        heap_bytes_max: heap_bytes_max.unwrap_or(options.heap_bytes_max),
        ..options
    })
}

fn limited(admin: &Admin, name: &str) -> Key {
    admin.create(name, json!({"scope": {"models": ["good-1"]}}))
}

fn post(key: &Key) -> http::Request<()> {
    let bearer = format!("Bearer {}", key.value).into_bytes();
    let fields: &[(&str, &[u8])] = &[
        ("authorization", &bearer),
        ("content-type", b"application/json"),
    ];
    http2::request("POST", "/v1/embeddings", fields)
}

/// A request whose body says nothing of its model and never ends.
fn hold(stack: &Stack, key: &Key) -> JoinHandle<Answer> {
    let mut body = b"{\"x\":\"".to_vec();
    body.resize(HELD, b'x');
    http2::hold(&stack.envoy_url(), post(key), body)
}

/// The status of a request with its model behind so many bytes.
fn call(stack: &Stack, key: &Key, size: usize) -> u16 {
    let filling = "x".repeat(size);
    let body = format!("{{\"x\":\"{filling}\",\"model\":\"good-1\"}}");
    let chunks: &[&[u8]] = &[body.as_bytes()];
    http2::send(
        &stack.envoy_url(),
        post(key),
        chunks,
        http::HeaderMap::new(),
    )
    .status
}

#[test]
fn a_key_that_makes_everything_be_held_is_told_to_wait_and_no_other_one() {
    let (stack, admin) = start(json!({"held_bytes_total_max": 64 * MIB}), None);
    let (greedy, honest) = (limited(&admin, "greedy"), limited(&admin, "honest"));
    let held: Vec<_> = (0..24).map(|_| hold(&stack, &greedy)).collect();
    // Half of 64 MiB is room for less than eight of them.
    let busy = "wasmcustom.latchkey.requests.busy";
    wait_for("what is too much is refused", || stat(&stack, busy) >= 16);
    for size in [10, MIB, HELD] {
        assert_eq!(call(&stack, &honest, size), 200, "{size}");
    }
    assert_eq!(call(&stack, &greedy, 2 * HELD - MIB), 503);
    let mut answers = held.into_iter().filter(JoinHandle::is_finished);
    let answer = answers.next().unwrap().join().unwrap();
    assert_eq!(answer.refusal(), (503, "too_much_held".to_owned()));
    assert!(answer.head.contains("retry-after"), "{}", answer.head);
}

#[test]
fn the_streams_that_hold_most_are_reset_before_memory_is_gone() {
    let heap = 128 * MIB;
    let settings = json!({"held_bytes_total_max": 2_000 * MIB});
    let (stack, admin) = start(settings, u64::try_from(heap).ok());
    let (greedy, honest) = (limited(&admin, "greedy"), limited(&admin, "honest"));
    let held: Vec<_> = (0..60).map(|_| hold(&stack, &greedy)).collect();
    let resets = "envoy.overload_actions.reset_high_memory_stream.count";
    wait_for("streams are reset", || stat(&stack, resets) > 0);
    for size in [10, MIB] {
        wait_for("another key is served", || {
            call(&stack, &honest, size) == 200
        });
    }
    let allocated = stat(&stack, "server.memory_allocated");
    println!(
        "{allocated} of {heap} bytes, {} resets",
        stat(&stack, resets)
    );
    assert!(allocated < u64::try_from(heap).unwrap());
    assert!(held.iter().any(JoinHandle::is_finished), "some were reset");
}
