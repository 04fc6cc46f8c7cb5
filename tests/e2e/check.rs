//! The sidecar's check says what the gate says, for every key and request of a grid.

use serde_json::{Value, json};
use tests::raw::post_chat_with;
use tests::{Admin, Key, chat, start};

const MODELS: [&str; 9] = [
    "glm-5.1",
    "GLM-5.1",
    "glm-5.1-air",
    "deepseek-v3.2",
    "deepseek-",
    "deepseek-a,b",
    "kimi-k2.6",
    "ep-12345678",
    "@team/bot",
];

fn policies() -> Vec<Value> {
    let scopes = [
        json!({"models": "all", "services": "all"}),
        json!({"models": ["glm-5.1", "deepseek-*"], "services": []}),
        json!({"models": [], "services": "all"}),
        json!({"models": "all", "services": ["ep-*"]}),
        json!({"models": [], "services": []}),
    ];
    let addresses = [
        json!([]),
        json!(["127.0.0.0/8"]),
        json!(["10.0.0.0/8", "::/0"]),
    ];
    let statuses = ["enabled", "disabled"];
    let mut policies = Vec::new();
    for scope in &scopes {
        for list in &addresses {
            for status in statuses {
                policies.push(json!({"scope": scope, "ip_allowlist": list, "status": status}));
            }
        }
    }
    policies
}

/// Status and code of the sidecar's verdict.
fn explained(admin: &Admin, key: &Key, model: &str) -> (u16, String) {
    let request = json!({
        "ip": "127.0.0.1", "method": "POST", "path": "/v1/chat/completions", "model": model,
    });
    let path = format!("/v1/keys/{}/check", key.id);
    let (status, verdict) = admin.call("POST", &path, Some(&request));
    assert_eq!(status, 200, "{verdict}");
    let code = verdict["code"].as_str().unwrap_or_default().to_owned();
    (
        u16::try_from(verdict["status"].as_u64().unwrap()).unwrap(),
        code,
    )
}

#[test]
fn check_and_gate_agree_on_whole_requests() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let scope = json!({"scope": {"models": ["glm-5.1"], "services": []}});
    let key = admin.create("whole", scope);
    for body in [
        r#"{"model":"glm-5.1","messages":[]}"#,
        r#"{"model":"kimi-k2.6","messages":[]}"#,
        r#"{"model":"models/ep-1"}"#,
        r#"{"messages":[]}"#,
        r#"{"engine":"glm-5.1"}"#,
        r#"{"model":"glm-5.1","model":"glm-5.1"}"#,
        r#"{"model":"glm-5.1","fallbacks":[{"model":"glm-5.1","fallbacks":["kimi-k2.6"]}]}"#,
        r#"{"model":"glm-5.1","preset":"p"}"#,
        r#"{"model":"glm-5.1","metadata":{"model":"kimi-k2.6"}}"#,
    ] {
        let request = json!({"path": "/v1/chat/completions", "body": body});
        let path = format!("/v1/keys/{}/check", key.id);
        let (_, verdict) = admin.call("POST", &path, Some(&request));
        let code = verdict["code"].as_str().unwrap_or_default().to_owned();
        let said = (
            u16::try_from(verdict["status"].as_u64().unwrap()).unwrap(),
            code,
        );
        let answer = post_chat_with(&gate, &key.value, body);
        assert_eq!(answer.refusal(), said, "{body} {verdict}");
    }
}

#[test]
fn check_and_gate_agree_on_the_whole_grid() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let mut compared = 0;
    for (number, policy) in policies().into_iter().enumerate() {
        let key = admin.create(&format!("grid {number}"), policy.clone());
        for model in MODELS {
            let said = explained(&admin, &key, model);
            let answer = post_chat_with(&gate, &key.value, &chat(model));
            assert_eq!(answer.refusal(), said, "{policy} {model}");
            compared += 1;
        }
        admin.delete(&key);
    }
    println!("{compared} requests judged alike by the sidecar's check and the gate");
}
