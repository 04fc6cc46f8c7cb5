//! The releases of Envoy that Latchkey says it runs on: the walk through the door on each.
//!
//! Each release that is pinned beside the usual one is fetched once. What differs between them is
//! in docs/operations.md.

use envoy::StackOptions;
use serde_json::json;
use tests::admin::assert_applied;
use tests::raw::{self, post_chat, post_chat_with};
use tests::{chat, start_with, stat, wait_for};

#[test]
fn envoy_1_36_opens_and_closes_the_door() {
    walk("1.36.4");
}

#[test]
fn envoy_1_38_opens_and_closes_the_door() {
    walk("1.38.2");
}

#[test]
fn envoy_1_40_opens_and_closes_the_door() {
    walk("1.40.0");
}

/// Permit, every kind of denial, a body that is read as it streams, a crash-free end.
fn walk(version: &'static str) {
    let options = StackOptions {
        envoy_version: Some(version),
        ..StackOptions::default()
    };
    let (stack, admin) = start_with(options);
    let gate = stack.envoy_url();
    let info = raw::get_text(&format!("{}/server_info", stack.envoy_admin_url()));
    assert!(info.contains(&format!("/{version}/")), "{info}");

    let key = admin.create("walk", json!({"ip_allowlist": ["127.0.0.0/8"]}));
    let ask = |model: &str| post_chat_with(&gate, &key.value, &chat(model));
    assert_eq!(ask("glm-5.1").status, 200);
    assert_applied(&admin.patch(&key, &json!({"scope": {"models": ["glm-5.1"]}})));
    assert_eq!(ask("glm-5.1").status, 200);
    assert_eq!(ask("other").refusal(), (403, "model_not_found".to_owned()));
    let late = format!(
        r#"{{"model":"glm-5.1","pad":"{}","model":"x"}}"#,
        "x".repeat(1 << 21)
    );
    let cut = post_chat_with(&gate, &key.value, &late);
    assert_eq!(cut.refusal(), (400, "invalid_request_body".to_owned()));
    assert_applied(&admin.patch(&key, &json!({"ip_allowlist": ["10.0.0.0/8"]})));
    let bearer = format!("authorization: Bearer {}", key.value);
    let spoofed: [&[u8]; 2] = [bearer.as_bytes(), b"x-forwarded-for: 10.0.0.5"];
    let answer = post_chat(&gate, &spoofed, chat("glm-5.1").as_bytes());
    assert_eq!(answer.refusal(), (403, "ip_not_allowed".to_owned()));
    assert_applied(&admin.delete(&key));
    assert_eq!(
        ask("glm-5.1").refusal(),
        (401, "invalid_api_key".to_owned())
    );

    let whole = stack.upstream().unwrap().requests();
    let whole = whole.iter().filter(|request| request.is_complete);
    assert_eq!(whole.count(), 2, "only what was permitted arrived");

    for crash in ["success", "backoff", "failure"] {
        assert_eq!(stat(&stack, &format!("wasm.gate.vm_reload_{crash}")), 0);
    }
    let log = stack.access_log().to_owned();
    wait_for("the key id is in the access log", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains(&key.id))
    });
}
