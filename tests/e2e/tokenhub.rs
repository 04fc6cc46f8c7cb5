//! Tencent's official SDKs, unmodified: they manage keys here, and what they do is in force at the
//! gate when their call returns.

use envoy::StackOptions;
use serde_json::{Map, Value, json};
use tests::node::Packages;
use tests::raw::post_chat_with;
use tests::{Admin, chat, python, start, start_with};

/// The SDK from PyPI.
const PYPI: [&str; 2] = [
    "tencentcloud-sdk-python-tokenhub==3.1.177",
    "requests==2.34.2",
];
/// The SDK from npm: there is none for this service alone.
const NPM: [&str; 1] = ["tencentcloud-sdk-nodejs@4.1.313"];

/// An access key of the account that exists from the start: its id and its secret.
fn access_key(admin: &Admin) -> (String, String) {
    let body = json!({"account": "demo", "name": "sdk"});
    let (status, made) = admin.call("POST", "/v1/access-keys", Some(&body));
    assert_eq!(status, 201, "{made}");
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("secret_id"), text("secret_key"))
}

#[test]
fn the_sdk_for_python_runs_every_action() {
    let (stack, _) = start();
    let given = json!({
        "admin": stack.console_url(),
        "envoy": stack.envoy_url(),
        "region": stack.region(),
        "token": stack.operator_token().unwrap(),
        "database": stack.database(),
    });
    let Some(interpreter) = python::with_packages("tencent", &PYPI) else {
        return;
    };
    let printed = python::run(&interpreter, "with_tencent.py", &[&given.to_string()]);
    assert_eq!(printed.lines().count(), 8, "{printed}");
    assert!(
        printed.lines().all(|line| line.ends_with(": ok")),
        "{printed}"
    );
}

#[test]
fn the_sdk_for_node_is_a_second_signer() {
    let Some(packages) = Packages::install("tencent", &NPM) else {
        return;
    };
    let (stack, admin) = start();
    let (id, secret) = access_key(&admin);
    let url = stack.console_url();
    let port = url.rsplit(':').next().unwrap();
    let args = [port, stack.region(), id.as_str(), secret.as_str()];
    assert_eq!(packages.run("with_tencent.mjs", &args).trim(), "node: ok");
}

#[test]
fn the_gate_refuses_in_tokenhubs_own_words() {
    let (stack, admin) = start_with(StackOptions {
        gate_settings: Map::from_iter([("errors".to_owned(), "tokenhub".into())]),
        ..StackOptions::default()
    });
    let limited = admin.create("limited", json!({"scope": {"models": ["glm-5.1"]}}));
    let elsewhere = admin.create("elsewhere", json!({"ip_allowlist": ["192.0.2.1"]}));
    let refusal = |key: &str, body: &str| {
        let answer = post_chat_with(&stack.envoy_url(), key, body);
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let error = &body["error"];
        assert_eq!(error["source"], "gateway", "{body}");
        let text = |name: &str| error[name].as_str().unwrap().to_owned();
        assert!(!text("message").is_empty());
        (answer.status, text("type"), text("code"))
    };
    let words = |status, kind: &str, code: &str| (status, kind.to_owned(), code.to_owned());
    let permission = |code| words(403, "permission_error", code);
    let unknown = refusal("sk-unknown", &chat("glm-5.1"));
    assert_eq!(unknown, words(401, "authentication_error", "401002"));
    assert_eq!(
        refusal(&limited.value, &chat("kimi-k2.6")),
        permission("403001")
    );
    assert_eq!(
        refusal(&elsewhere.value, &chat("glm-5.1")),
        permission("403005")
    );
    let invalid = words(400, "invalid_request_error", "400001");
    assert_eq!(refusal(&limited.value, r#"{"model": 1}"#), invalid);
}
