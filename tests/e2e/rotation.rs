//! Values that are replaced: both work during a grace, and what is over is over everywhere.

use serde_json::{Value, json};
use tests::admin::assert_applied;
use tests::raw::post_chat_with;
use tests::{Admin, chat, start};

fn post(admin: &Admin, path: &str, body: &Value) -> Value {
    let (status, answer) = admin.call("POST", path, Some(body));
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
    assert_applied(&answer);
    answer
}

#[test]
fn both_values_work_until_the_grace_is_ended() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let old = admin.create("rotating", json!({"scope": {"models": ["glm-5.1"]}}));
    let path = format!("/v1/keys/{}", old.id);
    let new = post(&admin, &format!("{path}/rotate"), &json!({"grace_s": 3600}));
    let new_value = new["key"].as_str().unwrap();
    for value in [old.value.as_str(), new_value] {
        assert_eq!(post_chat_with(&gate, value, &chat("glm-5.1")).status, 200);
        assert_eq!(post_chat_with(&gate, value, &chat("kimi-k2.6")).status, 403);
    }
    post(&admin, &format!("{path}/end-grace"), &json!({}));
    let refused = post_chat_with(&gate, &old.value, &chat("glm-5.1"));
    assert_eq!(refused.refusal(), (401, "api_key_expired".to_owned()));
    assert_eq!(
        post_chat_with(&gate, new_value, &chat("glm-5.1")).status,
        200
    );
}

#[test]
fn without_a_grace_the_old_value_ends_with_the_answer() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let old = admin.create("at once", json!({}));
    let path = format!("/v1/keys/{}/rotate", old.id);
    let new = post(&admin, &path, &json!({"grace_s": 0}));
    let refused = post_chat_with(&gate, &old.value, &chat("glm-5.1"));
    assert_eq!(refused.refusal(), (401, "api_key_expired".to_owned()));
    let value = new["key"].as_str().unwrap();
    assert_eq!(post_chat_with(&gate, value, &chat("glm-5.1")).status, 200);
}

#[test]
fn a_plan_key_that_is_reset_has_its_new_value_alone() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let old = admin.create("plan", json!({"origin": "token_plan"}));
    let new = post(&admin, &format!("/v1/keys/{}/reset", old.id), &json!({}));
    assert_eq!(new["id"], old.id.as_str());
    let refused = post_chat_with(&gate, &old.value, &chat("glm-5.1"));
    assert_eq!(refused.refusal(), (401, "invalid_api_key".to_owned()));
    let value = new["key"].as_str().unwrap();
    assert_eq!(post_chat_with(&gate, value, &chat("glm-5.1")).status, 200);
}
