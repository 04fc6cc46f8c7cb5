//! Ten thousand keys: all of them are found, and a change is in force when its answer says so.

use std::time::Instant;

use envoy::StackOptions;
use serde_json::json;
use tests::admin::assert_applied;
use tests::raw::post_chat_with;
use tests::{Key, chat, start_with, stat, wait_for};

const KEYS: usize = 10_000;
const THREADS: usize = 8;
const LOOK_UPS: usize = 500;
const CHANGES: usize = 50;

#[test]
fn ten_thousand_keys_are_found_and_changes_are_in_force_at_once() {
    let sidecar_args = vec!["--key-limit-default".to_owned(), (KEYS * 2).to_string()];
    let (stack, admin) = start_with(StackOptions {
        sidecar_args,
        ..StackOptions::default()
    });
    let keys: Vec<Key> = std::thread::scope(|scope| {
        let make = |thread: usize| {
            let admin = admin.clone();
            move || -> Vec<Key> {
                let name = |n| format!("key {thread} {n}");
                (0..KEYS / THREADS)
                    .map(|n| admin.create_waiting(&name(n), json!({}), "?wait=none"))
                    .collect()
            }
        };
        let makers: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(make(thread)))
            .collect();
        makers
            .into_iter()
            .flat_map(|maker| maker.join().unwrap())
            .collect()
    });
    assert_eq!(admin.total(), KEYS as u64);
    wait_for("all are in Envoy", || {
        stat(&stack, "wasmcustom.latchkey.records") == KEYS as u64
    });

    let gate = stack.envoy_url();
    for number in 0..LOOK_UPS {
        let key = &keys[number * 7919 % KEYS];
        assert_eq!(
            post_chat_with(&gate, &key.value, &chat("glm-5.1")).status,
            200,
            "{}",
            key.id
        );
    }
    let mut in_force_ms = Vec::new();
    for number in 0..CHANGES {
        let key = &keys[number * 104_729 % KEYS];
        let begin = Instant::now();
        assert_applied(&admin.patch(key, &json!({"status": "disabled"})));
        in_force_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
        for _ in 0..4 {
            let answer = post_chat_with(&gate, &key.value, &chat("glm-5.1"));
            assert_eq!(
                answer.status, 401,
                "a change is in force when its answer says so"
            );
        }
    }
    in_force_ms.sort_by(f64::total_cmp);
    println!(
        "{KEYS} keys: from call to answer 'applied', ms: p50 {:.1}, max {:.1}",
        in_force_ms[CHANGES / 2],
        in_force_ms[CHANGES - 1]
    );
}
