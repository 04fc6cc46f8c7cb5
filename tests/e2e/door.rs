//! A key made in the sidecar opens the door in Envoy, and every change closes or opens it.

use serde_json::json;
use tests::admin::assert_applied;
use tests::raw::{post_chat, post_chat_with};
use tests::{chat, start};

#[test]
fn a_key_is_accepted_disabled_enabled_and_deleted_for_good() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let upstream = stack.upstream().unwrap();
    let key = admin.create("Production text", json!({"description": "chat backend"}));
    let ask = || post_chat_with(&gate, &key.value, &chat("glm-5.1"));

    assert_eq!(ask().status, 200);
    assert_applied(&admin.patch(&key, &json!({"status": "disabled"})));
    assert_eq!(ask().refusal(), (401, "api_key_disabled".to_owned()));
    assert_applied(&admin.patch(&key, &json!({"status": "enabled"})));
    assert_eq!(ask().status, 200);
    assert_applied(&admin.delete(&key));
    assert_eq!(ask().refusal(), (401, "invalid_api_key".to_owned()));

    let again = admin.create("Production text", json!({}));
    assert_eq!(
        post_chat_with(&gate, &again.value, &chat("glm-5.1")).status,
        200
    );
    assert_eq!(
        ask().refusal(),
        (401, "invalid_api_key".to_owned()),
        "the old value stays dead"
    );
    assert_eq!(
        upstream.count(),
        3,
        "only what was accepted reached the upstream"
    );
}

#[test]
fn an_expired_key_is_refused_with_its_own_code() {
    let (stack, admin) = start();
    let key = admin.create("short", json!({"expires_at": soon()}));
    let ask = || post_chat_with(&stack.envoy_url(), &key.value, &chat("glm-5.1"));
    assert_eq!(ask().status, 200);
    tests::wait_for("the key expires", || {
        ask().refusal() == (401, "api_key_expired".to_owned())
    });
}

#[test]
fn a_key_works_only_from_its_addresses_and_no_header_changes_that() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let here = admin.create(
        "here",
        json!({"ip_allowlist": ["127.0.0.0/8", "2001:db8::7"]}),
    );
    let elsewhere = admin.create("elsewhere", json!({"ip_allowlist": ["10.0.0.0/8"]}));
    assert_eq!(
        post_chat_with(&gate, &here.value, &chat("glm-5.1")).status,
        200
    );

    let bearer = format!("authorization: Bearer {}", elsewhere.value);
    let spoofs: [&[u8]; 6] = [
        b"x-forwarded-for: 10.0.0.5",
        b"x-real-ip: 10.0.0.5",
        b"forwarded: for=10.0.0.5",
        b"x-envoy-external-address: 10.0.0.5",
        b"cf-connecting-ip: 10.0.0.5",
        b"x-plain: nothing",
    ];
    for spoof in spoofs {
        let answer = post_chat(
            &gate,
            &[bearer.as_bytes(), spoof],
            chat("glm-5.1").as_bytes(),
        );
        assert_eq!(answer.refusal(), (403, "ip_not_allowed".to_owned()));
    }
    assert_applied(&admin.patch(&elsewhere, &json!({"ip_allowlist": []})));
    assert_eq!(
        post_chat_with(&gate, &elsewhere.value, &chat("glm-5.1")).status,
        200
    );
}

/// About two seconds from now, RFC 3339.
fn soon() -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    tests::rfc3339(now.as_secs() + 3)
}
