//! The recipes of docs/recipes.md, each as it stands there, with the real Envoy.

use std::fs;

use envoy::bootstrap::Addition;
use envoy::{Stack, StackOptions, Upstream, ports};
use serde_json::{Value, json};
use tests::raw::{self, post_chat, post_chat_with};
use tests::recipes::recipe;
use tests::{Admin, chat, start_with, wait_for};

fn start(additions: Vec<Addition>) -> (Stack, Admin) {
    start_with(StackOptions {
        additions,
        ..StackOptions::default()
    })
}

#[test]
fn a_key_over_its_rate_is_refused_and_the_others_are_not() {
    // Three, and no more comes while the test runs, however slow the machine is.
    let short = [(
        "max_tokens: 60, tokens_per_fill: 60, fill_interval: 60s",
        "max_tokens: 3, tokens_per_fill: 3, fill_interval: 36000s",
    )];
    let (stack, admin) = start(recipe("Rate limit per key", &short));
    let gate = stack.envoy_url();
    let ask = |key: &str| post_chat_with(&gate, key, &chat("glm-5.1")).status;
    let key = |name: &str| admin.create(name, json!({})).value;
    let (busy, limited) = (key("busy"), {
        let scope = json!({"scope": {"models": ["glm-5.1"]}});
        admin.create("list", scope).value
    });
    assert_eq!([&busy; 4].map(|key| ask(key)), [200, 200, 200, 429]);
    assert_eq!([&limited; 4].map(|key| ask(key)), [200, 200, 200, 429]);
    assert_eq!(ask("sk-nobody"), 401, "no key, no bucket");

    // Buckets of many keys do not push out one that is in use.
    for number in 0..40 {
        assert_eq!(ask(&key(&format!("other {number}"))), 200);
    }
    let bearer = format!("authorization: Bearer {busy}");
    let forged: [&[u8]; 2] = [bearer.as_bytes(), b"x-latchkey-key-id: ak-somebody-else"];
    let answer = post_chat(&gate, &forged, chat("glm-5.1").as_bytes());
    assert_eq!(answer.status, 429, "a client cannot name another bucket");
    assert!(answer.head.contains("retry-after: 60"), "{}", answer.head);
    assert_eq!(stack.upstream().unwrap().count(), 46);
}

#[test]
fn the_access_log_names_key_account_model_and_reason() {
    let heading = "Access log with key id, resource and reason";
    let (stack, admin) = start(recipe(heading, &[]));
    let gate = stack.envoy_url();
    let key = admin.create("list", json!({"scope": {"models": ["glm-5.1"]}}));
    let bearer = format!("authorization: Bearer {}", key.value);
    let forged: [&[u8]; 3] = [
        bearer.as_bytes(),
        b"x-latchkey-model: forged",
        b"x-latchkey-account: forged",
    ];
    let ask = |model: &str| post_chat(&gate, &forged, chat(model).as_bytes()).status;
    assert_eq!((ask("glm-5.1"), ask("other")), (200, 403));
    let anonymous = post_chat(&gate, &forged[1..], chat("glm-5.1").as_bytes());
    assert_eq!(anonymous.status, 401);

    let lines = access_log(&stack, 3);
    let facts = |line: &Value| json!([line["key_id"], line["account"], line["model"]]);
    let permitted = find(&lines, 200);
    assert_eq!(facts(permitted), json!([key.id, "demo", "glm-5.1"]));
    let denied = find(&lines, 403);
    assert_eq!(denied["key_id"], json!(key.id));
    assert_eq!(denied["details"], "latchkey_scope");
    assert_eq!(denied["denial"], "scope");
    assert_eq!(permitted["denial"], Value::Null);
    assert_ne!(denied["model"], "forged");
    let nobody = find(&lines, 401);
    assert_eq!(facts(nobody), json!([null, null, null]));
    assert_eq!(nobody["details"], "latchkey_no_key");
    assert_eq!(nobody["denial"], "no_key");
}

#[test]
fn routes_lead_to_services_by_path_and_by_the_model_that_was_judged() {
    let embeddings = Upstream::start(("127.0.0.1", 0)).unwrap();
    let port = format!("port_value: {}", embeddings.address().port());
    let additions = recipe("Services by route", &[("port_value: 8001", &port)]);
    let (stack, admin) = start(additions);
    let gate = stack.envoy_url();
    let limited = admin.create(
        "list",
        json!({"scope": {"models": ["deepseek-*", "glm-5.1"]}}),
    );
    let everything = admin.create("all", json!({}));
    let ask = |key: &str, model: &str| post_chat_with(&gate, key, &chat(model)).status;
    let counts = || (stack.upstream().unwrap().count(), embeddings.count());

    assert_eq!(ask(&limited.value, "glm-5.1"), 200);
    assert_eq!(counts(), (1, 0));
    assert_eq!(ask(&limited.value, "deepseek-v3.2"), 200);
    assert_eq!(counts(), (1, 1));
    let bearer = format!("authorization: Bearer {}", everything.value);
    let get = |path: &str, lines: &[&[u8]]| raw::send(&gate, &raw::head("GET", path, lines));
    assert_eq!(get("/v1/embeddings", &[bearer.as_bytes()]).status, 200);
    assert_eq!(counts(), (1, 2));
    assert_eq!(get("/v1/embeddings", &[]).status, 401);
    assert_eq!(get("/healthz", &[]).status, 200);
    assert_eq!(get("/healthz/../v1/models", &[]).status, 401);
    let forged: [&[u8]; 2] = [bearer.as_bytes(), b"x-latchkey-model: deepseek-v3.2"];
    assert_eq!(get("/v1/models", &forged).status, 200);
    assert_eq!(counts(), (2, 2), "a client cannot choose a route");
}

#[test]
fn several_listeners_share_one_table_and_have_their_own_settings() {
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    let port = ports::free().unwrap();
    let wasm = stack.envoy_settings().bootstrap.filter_wasm.clone();
    let port_value = format!("port_value: {port}");
    let values = [
        ("port_value: 10001", port_value.as_str()),
        ("/etc/latchkey/filter.wasm", wasm.to_str().unwrap()),
    ];
    stack.envoy_settings().bootstrap.additions = recipe("Several listeners", &values);
    stack.start_sidecar().unwrap();
    stack.start_envoy().unwrap();
    stack.wait_for_table().unwrap();
    let admin = Admin::of(&stack);
    let key = admin.create("list", json!({"scope": {"models": ["glm-5.1"]}}));
    let (gate, batch) = (stack.envoy_url(), format!("http://127.0.0.1:{port}"));

    let late = |bytes: usize| format!(r#"{{"pad":"{}","model":"glm-5.1"}}"#, "x".repeat(bytes));
    let ask = |gate: &str, body: &str| post_chat_with(gate, &key.value, body).status;
    assert_eq!((ask(&gate, &late(10)), ask(&batch, &late(10))), (200, 200));
    let large = late(12 << 20);
    assert_eq!((ask(&gate, &large), ask(&batch, &large)), (200, 413));
    admin.patch(&key, &json!({"status": "disabled"}));
    assert_eq!((ask(&gate, &late(10)), ask(&batch, &late(10))), (401, 401));
}

/// The lines of the access log, once there are that many beside those of the runner's own looks.
fn access_log(stack: &Stack, count: usize) -> Vec<Value> {
    let read = || -> Vec<Value> {
        let text = fs::read_to_string(stack.access_log()).unwrap_or_default();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines
            .filter(|line: &Value| {
                let request = line["request"].as_str().unwrap_or_default();
                request.starts_with("POST ")
            })
            .collect()
    };
    wait_for("the access log is written", || read().len() >= count);
    read()
}

fn find(lines: &[Value], status: u16) -> &Value {
    let found = lines.iter().find(|line| line["status"] == json!(status));
    found.unwrap_or_else(|| panic!("no {status} in {lines:?}"))
}
