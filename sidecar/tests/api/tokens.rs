//! API tokens and access keys: shown once, bounded by whoever makes them, dead when revoked.

use serde_json::{Value, json};

use crate::support::person::Person;
use crate::support::{Answer, Scratch, Sidecar, call};

fn with(
    sidecar: &Sidecar,
    token: &Value,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let url = format!("{}{path}", sidecar.admin());
    let headers = [("authorization", bearer.as_str())];
    call(
        &url,
        method,
        &headers,
        body.map(Value::to_string).as_deref(),
    )
}

fn mint(sidecar: &Sidecar, account: Option<&str>, capabilities: &[&str]) -> Value {
    let mut body = json!({"name": "script", "capabilities": capabilities});
    if let Some(account) = account {
        body["account"] = account.into();
    }
    let answer = sidecar.post("/v1/tokens", &body);
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert!(answer.json()["token"].as_str().unwrap().starts_with("lkt-"));
    answer.json()
}

#[test]
fn a_token_does_what_it_was_given_in_its_account() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let reader = mint(&sidecar, Some("demo"), &["keys:read"]);
    let new = json!({"region": "local", "name": "k"});
    assert_eq!(with(&sidecar, &reader, "GET", "/v1/keys", None).status, 200);
    assert_eq!(
        with(&sidecar, &reader, "POST", "/v1/keys", Some(&new)).status,
        403
    );
    assert_eq!(
        with(&sidecar, &reader, "GET", "/v1/keys?account=second", None).status,
        404
    );
    let writer = mint(&sidecar, Some("demo"), &["keys:read", "keys:write"]);
    let key = with(&sidecar, &writer, "POST", "/v1/keys?wait=none", Some(&new));
    assert_eq!(key.status, 201, "{}", key.text);
    let path = format!(
        "/v1/keys/{}?confirm=k&wait=none",
        key.json()["id"].as_str().unwrap()
    );
    assert_eq!(with(&sidecar, &writer, "DELETE", &path, None).status, 403);
    let deleter = mint(&sidecar, Some("demo"), &["keys:delete"]);
    assert_eq!(with(&sidecar, &deleter, "DELETE", &path, None).status, 200);
    assert_eq!(
        with(&sidecar, &deleter, "GET", "/v1/users", None).status,
        403
    );
}

#[test]
fn nobody_gives_more_than_they_have() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let admin = mint(&sidecar, Some("demo"), &["admin", "keys:read"]);
    let more = json!({"name": "n", "capabilities": ["keys:read", "keys:reveal"]});
    let refused = with(&sidecar, &admin, "POST", "/v1/tokens", Some(&more));
    assert_eq!(
        (refused.status, refused.fields()),
        (422, vec!["capabilities".into()])
    );
    let elsewhere = json!({"account": "second", "name": "n", "capabilities": ["keys:read"]});
    assert_eq!(
        with(&sidecar, &admin, "POST", "/v1/tokens", Some(&elsewhere)).status,
        404
    );
    let account = json!({"id": "new", "name": "New"});
    assert_eq!(
        with(&sidecar, &admin, "POST", "/v1/accounts", Some(&account)).status,
        403
    );
    let less = json!({"name": "n", "capabilities": ["keys:read"]});
    let made = with(&sidecar, &admin, "POST", "/v1/tokens", Some(&less)).json();
    assert_eq!(made["account"], "demo");
}

#[test]
fn a_revoked_or_expired_token_is_dead_and_its_value_is_shown_once() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let token = mint(&sidecar, Some("demo"), &["keys:read"]);
    let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    let value = token["token"].as_str().unwrap();
    for answer in [
        sidecar.get(&path),
        sidecar.get("/v1/tokens"),
        sidecar.get("/v1/audit"),
    ] {
        assert!(!answer.text.contains(value));
    }
    assert_eq!(sidecar.delete(&path).status, 200);
    assert_eq!(with(&sidecar, &token, "GET", "/v1/keys", None).status, 401);
    assert_eq!(sidecar.delete(&path).status, 404);
    let past =
        json!({"name": "n", "capabilities": ["keys:read"], "expires_at": "2020-01-01T00:00:00Z"});
    assert_eq!(sidecar.post("/v1/tokens", &past).fields(), ["expires_at"]);
}

#[test]
fn capabilities_are_named_where_they_are_wrong() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for (capabilities, field) in [
        (json!([]), "capabilities"),
        (json!("admin"), "capabilities"),
        (json!(["keys:read", "root"]), "capabilities[1]"),
        (json!([1]), "capabilities[0]"),
    ] {
        let body = json!({"name": "n", "capabilities": capabilities});
        assert_eq!(sidecar.post("/v1/tokens", &body).fields(), [field]);
    }
}

#[test]
fn an_access_key_shows_its_secret_once_and_stores_it_sealed() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let made = sidecar.post(
        "/v1/access-keys",
        &json!({"account": "demo", "name": "sdk"}),
    );
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let (id, secret) = (
        made["secret_id"].as_str().unwrap(),
        made["secret_key"].as_str().unwrap(),
    );
    assert!(id.starts_with("AKID") && id.len() == 36 && secret.starts_with("lka-"));
    let path = format!("/v1/access-keys/{id}");
    for answer in [
        sidecar.get(&path),
        sidecar.get("/v1/access-keys"),
        sidecar.get("/v1/audit"),
    ] {
        assert!(!answer.text.contains(secret));
    }
    let off = sidecar.patch(&path, &json!({"status": "disabled"}));
    assert_eq!(
        (off.status, off.json()["status"].clone()),
        (200, json!("disabled"))
    );
    let stale = sidecar.call(
        "PATCH",
        &path,
        &[("if-match", "\"1\"")],
        Some("{\"status\":\"enabled\"}"),
    );
    assert_eq!(stale.status, 412);
    assert_eq!(sidecar.delete(&path).status, 200);
    assert_eq!(sidecar.get(&path).status, 404);
    let secret = secret.to_owned();
    drop(sidecar);
    for entry in std::fs::read_dir(scratch.data()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(12)
                .any(|window| window == &secret.as_bytes()[..12])
        );
    }
}

#[test]
fn an_access_key_needs_proof_of_identity() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let owner = Person::of(&sidecar, Some("demo"), "owner", "owner");
    assert_eq!(
        owner
            .post("/v1/access-keys", &json!({"name": "sdk"}))
            .status,
        403
    );
    owner.verify();
    assert_eq!(
        owner
            .post("/v1/access-keys", &json!({"name": "sdk"}))
            .status,
        201
    );
}
