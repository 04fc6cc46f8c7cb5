//! `PATCH /v1/keys/{id}`

use serde_json::{Value, json};

use crate::support::{Scratch, Sidecar};

fn made(sidecar: &Sidecar) -> (String, Value) {
    let body = json!({
        "account": "demo", "region": "local", "name": "a key", "description": "before",
        "ip_allowlist": ["10.0.0.0/8"], "scope": {"models": ["a"], "services": ["ep-1"]},
        "expires_at": "2999-01-01T00:00:00Z",
    });
    let key = sidecar.post("/v1/keys?wait=none", &body).json();
    (format!("/v1/keys/{}", key["id"].as_str().unwrap()), key)
}

#[test]
fn an_edit_changes_what_it_names_and_nothing_else() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let (path, before) = made(&sidecar);
    let edits = [
        ("description", json!("after")),
        ("status", json!("disabled")),
        ("scope", json!({"models": "all", "services": "all"})),
        ("ip_allowlist", json!([])),
        ("expires_at", json!(null)),
        ("labels", json!({"team": "search"})),
    ];
    let mut wanted = before.clone();
    for (step, (field, value)) in edits.into_iter().enumerate() {
        let answer = sidecar.patch(&path, &json!({field: value}));
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("etag"), format!("\"{}\"", step + 2));
        let mut after = answer.json();
        assert_eq!(after["propagation"]["generation"], step + 2);
        wanted[field] = value;
        for varying in ["propagation", "updated_at"] {
            after[varying] = wanted[varying].clone();
        }
        after["key"] = wanted["key"].clone();
        assert_eq!(after, wanted);
    }
}

#[test]
fn a_scope_is_replaced_whole() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let (path, _) = made(&sidecar);
    let after = sidecar
        .patch(&path, &json!({"scope": {"models": ["b"]}}))
        .json();
    assert_eq!(after["scope"], json!({"models": ["b"], "services": []}));
}

#[test]
fn what_cannot_be_changed_is_refused_and_nothing_is_stored() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let (path, _) = made(&sidecar);
    let cases = [
        ("name", json!("another")),
        ("account", json!("second")),
        ("region", json!("other")),
        ("origin", json!("token_plan")),
        ("key", json!("sk-1")),
        ("id", json!("ak-1")),
        ("status", json!("off")),
        ("status", json!(null)),
        ("expires_at", json!("2001-01-01T00:00:00Z")),
        ("colour", json!("red")),
    ];
    for (field, value) in cases {
        let body = json!({field: value, "description": "must not be stored"});
        let answer = sidecar.patch(&path, &body);
        assert_eq!(
            (answer.status, answer.fields()),
            (422, vec![field.to_owned()])
        );
    }
    let key = sidecar.get(&path);
    assert_eq!(
        (key.header("etag"), &key.json()["description"]),
        ("\"1\"", &json!("before"))
    );
}

#[test]
fn only_the_state_that_was_read_is_changed() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let (path, _) = made(&sidecar);
    let edit = |tag| {
        let body = "{\"status\": \"disabled\"}";
        sidecar
            .call("PATCH", &path, &[("if-match", tag)], Some(body))
            .status
    };
    assert_eq!(edit("\"1\""), 200);
    assert_eq!(edit("\"1\""), 412);
    assert_eq!(edit("W/\"2\""), 412, "weak tags do not match");
    assert_eq!(edit("nonsense"), 412);
    assert_eq!(edit("\"7\", \"2\""), 200);
    assert_eq!(edit("*"), 200);
}

#[test]
fn a_key_of_another_account_is_not_found() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let (path, _) = made(&sidecar);
    let body = json!({"status": "disabled"});
    assert_eq!(
        sidecar
            .patch(&format!("{path}?account=second"), &body)
            .status,
        404
    );
    assert_eq!(sidecar.patch("/v1/keys/ak-20260101-0", &body).status, 404);
    assert_eq!(sidecar.get(&path).json()["status"], "enabled");
}

#[test]
fn what_never_changes_may_be_sent_back_as_it_is() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let (path, before) = made(&sidecar);
    let mut body = json!({"description": "after"});
    for part in ["name", "account", "region", "origin"] {
        body[part] = before[part].clone();
    }
    let answer = sidecar.patch(&path, &body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["description"], "after");
    body["name"] = "A key".into();
    body["region"] = "other".into();
    let answer = sidecar.patch(&path, &body);
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert_eq!(answer.fields(), ["name", "region"]);
}
