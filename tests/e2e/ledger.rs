//! Limits from the REST call to the refusal and back: a real sidecar with its ledger, a real Envoy of two workers.
//!
//! What one gate does with a limit is `limits.rs`; what the sidecar does with charges, its own tests. Judge: the
//! upstream's own sums.

use envoy::Stack;
use serde_json::{Value, json};
use tests::admin::assert_applied;
use tests::counting_upstream::CountingUpstream;
use tests::raw::post_chat_with;
use tests::{Admin, Key, chat, start_with, wait_for};

use crate::limits::keeping;

/// How many requests are served until one is refused because nothing is left.
fn use_up(stack: &Stack, key: &Key) -> u64 {
    for served in 0..1_000 {
        let answer = post_chat_with(&stack.envoy_url(), &key.value, &chat("glm-5.1"));
        if answer.status != 200 {
            assert_eq!(answer.refusal(), (429, "insufficient_quota".to_owned()));
            return served;
        }
    }
    panic!("1,000 requests and no end");
}

/// The only limit of a key or an account, as the ledger has it.
fn standing(admin: &Admin, subject: &str) -> Value {
    let (status, told) = admin.call("GET", &format!("/v1/{subject}/limits"), None);
    assert_eq!(status, 200, "{told}");
    told["limits"][0].clone()
}

fn wait_until_used(admin: &Admin, subject: &str, used: u64) {
    wait_for("the ledger has heard of it", || {
        let limit = standing(admin, subject);
        limit["used"] == used && limit["held"] == 0
    });
}

fn requests(amount: u64) -> Value {
    json!({"limits": [{"unit": "requests", "window": "month", "amount": amount}]})
}

#[test]
fn a_keys_limit_is_kept_told_raised_and_begun_anew() {
    let upstream = CountingUpstream::start();
    let (stack, admin) = start_with(keeping(upstream.behind()));
    let key = admin.create("limited", requests(5));
    let subject = format!("keys/{}", key.id);
    assert_eq!(use_up(&stack, &key), 5);
    wait_until_used(&admin, &subject, 5);
    assert_eq!(standing(&admin, &subject)["exhausted"], true);

    assert_applied(&admin.patch(&key, &requests(8)));
    assert_eq!(use_up(&stack, &key), 3, "what was used stays used");
    wait_until_used(&admin, &subject, 8);

    let (status, reset) = admin.call("POST", &format!("/v1/{subject}/limits/reset"), None);
    assert_eq!(status, 200, "{reset}");
    assert_applied(&reset);
    assert_eq!(use_up(&stack, &key), 8);
    wait_until_used(&admin, &subject, 8);

    assert_applied(&admin.patch(&key, &json!({"limits": []})));
    let answer = post_chat_with(&stack.envoy_url(), &key.value, &chat("glm-5.1"));
    assert_eq!(answer.status, 200);
}

#[test]
fn what_an_envoy_charged_outlives_it() {
    let upstream = CountingUpstream::start();
    let (mut stack, admin) = start_with(keeping(upstream.behind()));
    let key = admin.create("limited", requests(10));
    let subject = format!("keys/{}", key.id);
    for _ in 0..4 {
        let answer = post_chat_with(&stack.envoy_url(), &key.value, &chat("glm-5.1"));
        assert_eq!(answer.status, 200);
    }
    wait_until_used(&admin, &subject, 4);
    stack.kill_envoy().unwrap();
    stack.start_envoy().unwrap();
    stack.wait_for_table().unwrap();
    assert_eq!(use_up(&stack, &key), 6);
    wait_until_used(&admin, &subject, 10);
}

#[test]
fn an_accounts_tokens_are_those_of_all_its_keys() {
    let upstream = CountingUpstream::start();
    let (stack, admin) = start_with(keeping(upstream.behind()));
    let keys = ["one", "other"].map(|name| admin.create(name, json!({})));
    let limit = json!({"limits": [{"unit": "tokens", "window": "lifetime", "amount": 30_000}]});
    let (status, answer) = admin.call("PATCH", "/v1/accounts/demo", Some(&limit));
    assert_eq!(status, 200, "{answer}");
    assert_applied(&answer);
    let served: u64 = keys.iter().map(|key| use_up(&stack, key)).sum();
    assert!(served > 0);
    let [input, _, output, _] = upstream.sums();
    assert!(input + output >= 30_000, "not before it was used up");
    wait_until_used(&admin, "accounts/demo", input + output);
}
