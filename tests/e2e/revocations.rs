//! Revoked means refused, under load: no request arrives at the upstream after the answer.
//!
//! `LATCHKEY_KEYS` and `LATCHKEY_REVOCATIONS` set the size; docs/feed.md has the figures of the full
//! one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use envoy::{Recorded, Stack, StackOptions};
use serde_json::json;
use tests::admin::assert_applied;
use tests::load::{Load, Told, quantile};
use tests::{Admin, Key, number, start_with, stat, wait_for};

const CLIENTS: usize = 4;

/// A stack with so many keys in force.
fn prepared(count: usize) -> (Stack, Admin, Vec<Key>) {
    let sidecar_args = vec!["--key-limit-default".to_owned(), (count * 2).to_string()];
    let (stack, admin) = start_with(StackOptions {
        sidecar_args,
        ..StackOptions::default()
    });
    let keys = admin.create_many(count);
    let records = u64::try_from(keys.len()).unwrap();
    wait_for("all are in Envoy", || {
        stat(&stack, "wasmcustom.latchkey.records") == records
    });
    (stack, admin, keys)
}

/// when a change is answered with `applied == envoys`, no request with that key
/// is passed on any more, however many are under way.
#[test]
fn nothing_arrives_after_the_answer() {
    let revocations = number("LATCHKEY_REVOCATIONS", 60);
    let (stack, admin, keys) = prepared(number("LATCHKEY_KEYS", 1_000));
    let upstream = stack.upstream().unwrap();
    let now = Arc::new(AtomicUsize::new(0));
    let (values, turn): (Vec<String>, _) = (
        keys.iter().map(|key| key.value.clone()).collect(),
        Arc::clone(&now),
    );
    // Two clients use the key that is about to die, two the one that died last.
    let load = Load::start(&stack.envoy_url(), CLIENTS, move |client| {
        let at = turn.load(Ordering::SeqCst).saturating_sub(client % 2);
        values[at % values.len()].clone()
    });
    let mut dead = Vec::new();
    let mut took_ms = Vec::new();
    for (turn, key) in keys.iter().enumerate().take(revocations) {
        now.store(turn, Ordering::SeqCst);
        let count = load.count();
        wait_for("the key is in use", || load.count() >= count + 2 * CLIENTS);
        let begin = Instant::now();
        let answer = match turn % 2 {
            0 => admin.delete(key),
            _ => admin.patch(key, &json!({"status": "disabled"})),
        };
        let answered = Instant::now();
        assert_applied(&answer);
        took_ms.push((answered - begin).as_secs_f64() * 1000.0);
        dead.push((key, answered));
    }
    let count = load.count();
    wait_for("dead keys are tried", || {
        load.count() >= count + 4 * CLIENTS
    });
    let told = load.stop();
    let late = passed_after(&dead, &told, &upstream.requests());
    let refused = told.iter().filter(|told| told.status == 401).count();
    assert!(refused > revocations, "dead keys were tried: {refused}");
    let others = other_answers(&dead, &told);
    assert!(others.is_empty(), "no other answer: {others:?}");
    took_ms.sort_by(f64::total_cmp);
    println!(
        "| {} | {} | {} | {:.1} | {:.1} | {:.1} | {} |",
        keys.len(),
        took_ms.len(),
        told.len(),
        quantile(&took_ms, 0.5),
        quantile(&took_ms, 0.99),
        quantile(&took_ms, 1.0),
        late.len(),
    );
    assert!(late.is_empty(), "passed on after the answer: {late:?}");
}

/// Whatever else than a permit or a refusal was told. A request that was under way when its key
/// died may have been cut, which ends its connection.
fn other_answers(dead: &[(&Key, Instant)], told: &[Told]) -> Vec<(String, u16)> {
    let was_cut = |told: &Told| {
        let dies = |(key, at): &(&Key, Instant)| key.value == told.key && told.begun < *at;
        told.status == 0 && dead.iter().any(dies)
    };
    told.iter()
        .filter(|told| ![200, 401].contains(&told.status) && !was_cut(told))
        .map(|told| (told.name.clone(), told.status))
        .collect()
}

/// The requests that were sent after the answer that their key is dead, and that the upstream has
/// got all the same.
fn passed_after(dead: &[(&Key, Instant)], told: &[Told], recorded: &[Recorded]) -> Vec<String> {
    let answered: HashMap<&str, Instant> = dead
        .iter()
        .map(|(key, at)| (key.value.as_str(), *at))
        .collect();
    let passed: HashSet<&str> = recorded
        .iter()
        .filter_map(|request| request.header("x-load"))
        .collect();
    let is_late = |told: &&Told| {
        let dead = answered.get(told.key.as_str());
        dead.is_some_and(|at| told.begun > *at)
            && (told.status == 200 || passed.contains(told.name.as_str()))
    };
    told.iter()
        .filter(is_late)
        .map(|told| told.name.clone())
        .collect()
}

/// the last change that was answered is what is in force.
#[test]
fn a_key_that_is_switched_off_and_on_has_its_last_state() {
    let (stack, admin) = tests::start();
    let key = admin.create("switched", json!({}));
    let ask = || tests::raw::post_chat_with(&stack.envoy_url(), &key.value, &tests::chat("m"));
    for turn in 0..number("LATCHKEY_SWITCHES", 1_000) {
        assert_applied(&admin.patch(&key, &json!({"status": "disabled"})));
        assert_eq!(ask().status, 401, "turn {turn}");
        assert_applied(&admin.patch(&key, &json!({"status": "enabled"})));
        assert_eq!(ask().status, 200, "turn {turn}");
    }
}

/// a changed scope and a changed address list come into force together.
#[test]
fn a_policy_changes_as_a_whole() {
    let (stack, admin) = tests::start();
    let key = admin.create("whole", json!({"scope": {"models": ["glm-5.1"]}}));
    let load = Load::start(&stack.envoy_url(), CLIENTS, {
        let value = key.value.clone();
        move |_| value.clone()
    });
    // Either all of it lets the request pass, or all of it refuses by its address.
    let here = json!({"scope": {"models": ["glm-5.1"]}, "ip_allowlist": []});
    let elsewhere = json!({"scope": {"models": ["kimi-k2.6"]}, "ip_allowlist": ["10.0.0.0/8"]});
    for _ in 0..20 {
        assert_applied(&admin.patch(&key, &elsewhere));
        assert_applied(&admin.patch(&key, &here));
    }
    let sent = u64::try_from(load.count()).unwrap();
    load.stop();
    let refused = |why: &str| stat(&stack, &format!("wasmcustom.latchkey.requests.{why}"));
    wait_for("workers have handed over what they counted", || {
        ["address", "allowed", "scope"]
            .map(refused)
            .iter()
            .sum::<u64>()
            >= sent
    });
    assert!(refused("address") > 0 && refused("allowed") > 0);
    assert_eq!(refused("scope"), 0, "a new scope with the old addresses");
}
