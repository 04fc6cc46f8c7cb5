//! The catalog: filled from what a model server says it has, and what scopes are held to. The gate
//! itself knows nothing of it.

use envoy::Stack;
use serde_json::{Value, json};
use tests::raw::{get_text, post_chat_with};
use tests::{Admin, chat, start};

const ALIAS: &str = "best-model";

/// What the upstream answers to `GET /v1/models`, put into the catalog as it is.
fn import(stack: &Stack, admin: &Admin) -> Value {
    let upstream = stack.upstream().unwrap().address();
    let list: Value =
        serde_json::from_str(&get_text(&format!("http://{upstream}/v1/models"))).unwrap();
    let (status, answer) = admin.call("POST", "/v1/catalog/local/import", Some(&list));
    assert_eq!(status, 200, "{answer}");
    let count = list["data"].as_array().unwrap().len();
    assert_eq!(answer, json!({"added": count, "known_before": 0}));
    list
}

/// Makes a key for these models; status and answer.
fn make(admin: &Admin, query: &str, models: &[&str]) -> (u16, Value) {
    let key = json!({
        "account": "demo", "region": "local", "name": "scoped", "scope": {"models": models},
    });
    admin.call("POST", &format!("/v1/keys{query}"), Some(&key))
}

#[test]
fn scopes_are_held_to_what_the_upstream_has() {
    let (stack, admin) = start();
    let list = import(&stack, &admin);
    let name = list["data"][0]["id"].as_str().unwrap();
    let (begin, _) = name.split_at(3);
    let wild = format!("{begin}*");
    assert_eq!(make(&admin, "", &[name, &wild]).0, 201);

    let misspelt = format!("{name}x");
    let (status, refusal) = make(&admin, "", &[&misspelt, "no-such-*"]);
    assert_eq!(status, 422, "{refusal}");
    let errors = refusal["errors"].as_array().unwrap();
    let fields: Vec<_> = errors.iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["scope.models[0]", "scope.models[1]"]);
    let advice = errors[0]["detail"].as_str().unwrap();
    assert!(
        advice.contains(&format!("did you mean {name}?")),
        "{advice}"
    );
    let (status, made) = make(&admin, "?allow_unlisted=true", &[&misspelt, "no-such-*"]);
    assert_eq!(status, 201, "{made}");
    let value = made["key"].as_str().unwrap();
    let ask = |model: &str| post_chat_with(&stack.envoy_url(), value, &chat(model)).status;
    assert_eq!(
        (ask(&misspelt), ask("no-such-thing"), ask(name)),
        (200, 200, 403)
    );
}

#[test]
fn an_alias_is_shown_and_opens_nothing() {
    let (stack, admin) = start();
    let list = import(&stack, &admin);
    let name = list["data"][0]["id"].as_str().unwrap();
    let entry = json!({"aliases": [ALIAS]});
    let (status, answer) = admin.call("PUT", &format!("/v1/catalog/local/{name}"), Some(&entry));
    assert_eq!(
        (status, &answer["aliases"]),
        (200, &json!([ALIAS])),
        "{answer}"
    );
    assert_eq!(
        make(&admin, "", &[ALIAS]).0,
        422,
        "a scope has to name the name itself"
    );
    let (_, made) = make(&admin, "?allow_unlisted=true", &[ALIAS]);
    let value = made["key"].as_str().unwrap();
    let answer = post_chat_with(&stack.envoy_url(), value, &chat(name));
    assert_eq!(answer.refusal(), (403, "model_not_found".to_owned()));
}
