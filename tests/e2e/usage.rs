//! Usage from end to end: what the gate judged is what the sidecar tells, each request once,
//! whatever happens to the sidecar and to its answers.
//!
//! Retention is the store's own affair and proved there. Invariant checked throughout: after a
//! later request is told, nothing earlier is told twice.

use envoy::{Stack, StackOptions};
use serde_json::{Value, json};
use tests::raw::post_chat_with;
use tests::wire::{Fault, Wire};
use tests::{Admin, Key, chat, start, wait_for};

const IN_SCOPE: u64 = 7;
const OTHER_IN_SCOPE: u64 = 5;
const OUT_OF_SCOPE: u64 = 3;
const REFUSED_BODIES: u64 = 4;
const DISABLED: u64 = 6;
const FROM_ELSEWHERE: u64 = 2;

/// Sends the same chat request several times; all have to come to this status.
fn ask(stack: &Stack, key: &Key, body: &str, times: u64, status: u16) {
    for _ in 0..times {
        let answer = post_chat_with(&stack.envoy_url(), &key.value, body);
        assert_eq!(answer.status, status, "{body}");
    }
}

fn get(admin: &Admin, path: &str) -> Value {
    let (status, answer) = admin.call("GET", path, None);
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

fn usage_of(admin: &Admin, key: &Key, period: &str) -> Value {
    get(admin, &format!("/v1/keys/{}/usage?period={period}", key.id))
}

/// How many requests are told of the whole account.
fn told(admin: &Admin) -> u64 {
    let total = get(admin, "/v1/usage?account=demo&period=day")["total"].clone();
    total["permitted"].as_u64().unwrap() + total["refused"].as_u64().unwrap()
}

fn wait_until_told(admin: &Admin, count: u64) {
    wait_for(&format!("{count} requests are told"), || {
        told(admin) >= count
    });
    assert_eq!(told(admin), count);
}

/// One more request of a key of its own is told, and with it every one before it: reports are
/// taken in their order.
fn flush(stack: &Stack, admin: &Admin, last: &Key, before: u64) {
    ask(stack, last, &chat("glm-5.1"), 1, 200);
    wait_until_told(admin, before + 1);
}

#[test]
fn every_request_is_told_once_by_key_resource_and_reason() {
    let (stack, admin) = start();
    let scope = json!({"models": ["glm-5.1", "deepseek-*"]});
    let listed = admin.create("listed", json!({"scope": scope}));
    let off = admin.create("off", json!({"status": "disabled"}));
    let elsewhere = admin.create("elsewhere", json!({"ip_allowlist": ["10.0.0.0/8"]}));
    let last = admin.create("last", json!({}));
    ask(&stack, &listed, &chat("glm-5.1"), IN_SCOPE, 200);
    ask(&stack, &listed, &chat("deepseek-v3.2"), OTHER_IN_SCOPE, 200);
    ask(&stack, &listed, &chat("kimi-k2.6"), OUT_OF_SCOPE, 403);
    ask(
        &stack,
        &listed,
        r#"{"model":"glm-5.1","model":"glm-5.1"}"#,
        REFUSED_BODIES,
        400,
    );
    ask(&stack, &off, &chat("glm-5.1"), DISABLED, 401);
    ask(&stack, &elsewhere, &chat("glm-5.1"), FROM_ELSEWHERE, 403);
    let of_listed = IN_SCOPE + OTHER_IN_SCOPE + OUT_OF_SCOPE + REFUSED_BODIES;
    let sent = of_listed + DISABLED + FROM_ELSEWHERE;
    wait_until_told(&admin, sent);
    flush(&stack, &admin, &last, sent);

    let reasons = |key: &Key| usage_of(&admin, key, "day")["outcomes"].clone();
    let of_listed = json!({
        "permitted": IN_SCOPE + OTHER_IN_SCOPE, "out_of_scope": OUT_OF_SCOPE,
        "body_refused": REFUSED_BODIES,
    });
    assert_eq!(reasons(&listed), of_listed);
    assert_eq!(reasons(&off), json!({"disabled": DISABLED}));
    assert_eq!(
        reasons(&elsewhere),
        json!({"ip_not_allowed": FROM_ELSEWHERE})
    );
    let resource = |name: &str| {
        let resources = usage_of(&admin, &listed, "day")["resources"].clone();
        let found = resources
            .as_array()
            .unwrap()
            .iter()
            .find(|share| share["resource"] == name);
        let share = found.unwrap_or_else(|| panic!("{name} is not in {resources}"));
        (
            share["permitted"].as_u64().unwrap(),
            share["refused"].as_u64().unwrap(),
        )
    };
    assert_eq!(resource("glm-5.1"), (IN_SCOPE, 0));
    assert_eq!(resource("deepseek-v3.2"), (OTHER_IN_SCOPE, 0));
    assert_eq!(resource("kimi-k2.6"), (0, OUT_OF_SCOPE));
    every_period_tells_the_same(&admin, &listed, IN_SCOPE + OTHER_IN_SCOPE);
    only_use_is_noted(&admin, &listed, &off);
}

/// Minutes, hours and days are the same requests.
fn every_period_tells_the_same(admin: &Admin, key: &Key, permitted: u64) {
    for period in ["minute", "hour", "day"] {
        let usage = usage_of(admin, key, period);
        let series = usage["series"].as_array().unwrap();
        let sum: u64 = series
            .iter()
            .map(|point| point["permitted"].as_u64().unwrap())
            .sum();
        assert_eq!(sum, permitted, "{period}: {usage}");
        assert_eq!(usage["total"]["permitted"], permitted, "{period}");
    }
}

fn only_use_is_noted(admin: &Admin, used: &Key, refused: &Key) {
    let last_used = |key: &Key| get(admin, &format!("/v1/keys/{}", key.id))["last_used_at"].clone();
    assert!(last_used(used).is_string());
    assert_eq!(last_used(refused), Value::Null);
    let account = get(admin, "/v1/usage?account=demo&period=day");
    let names: Vec<_> = account["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["name"])
        .collect();
    assert_eq!(
        names,
        ["listed", "off", "elsewhere", "last"],
        "the busiest first"
    );
}

#[test]
fn what_is_asked_while_the_sidecar_is_away_is_told_when_it_is_back() {
    let (mut stack, admin) = start();
    let (key, last) = (
        admin.create("kept", json!({})),
        admin.create("last", json!({})),
    );
    ask(&stack, &key, &chat("glm-5.1"), 5, 200);
    wait_until_told(&admin, 5);
    ask(&stack, &key, &chat("glm-5.1"), 3, 200);
    stack.kill_sidecar().unwrap();
    ask(&stack, &key, &chat("glm-5.1"), 11, 200);
    stack.start_sidecar().unwrap();
    wait_until_told(&admin, 19);
    flush(&stack, &admin, &last, 19);
    assert_eq!(usage_of(&admin, &key, "hour")["total"]["permitted"], 19);
}

#[test]
fn a_report_whose_answer_is_lost_comes_again_and_counts_once() {
    let (mut stack, admin, wire) = Wire::stack(StackOptions::default());
    let (key, last) = (
        admin.create("kept", json!({})),
        admin.create("last", json!({})),
    );
    wire.set(Fault::LoseReports);
    ask(&stack, &key, &chat("glm-5.1"), 9, 200);
    wait_for("two answers are lost", || wire.faulted() >= 2);
    assert!(told(&admin) > 0, "the report arrived, its answer did not");
    stack.kill_sidecar().unwrap();
    stack.start_sidecar().unwrap();
    let lost = wire.faulted();
    wait_for("one more is lost by the new process", || {
        wire.faulted() > lost
    });
    wire.set(Fault::None);
    wait_until_told(&admin, 9);
    flush(&stack, &admin, &last, 9);
}
