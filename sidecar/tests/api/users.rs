//! Users: who may make whom, and what stays possible.

use serde_json::json;

use crate::support::person::Person;
use crate::support::{Scratch, Sidecar};

#[test]
fn owners_manage_their_account_and_viewers_only_read() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let owner = Person::of(&sidecar, Some("demo"), "owner", "owner");
    let body = json!({"name": "viewer", "role": "viewer"});
    let made = owner.post("/v1/users", &body);
    assert_eq!(made.status, 201, "{}", made.text);
    let viewer = Person::set_up(&sidecar, made.json()["setup_secret"].as_str().unwrap());
    assert_eq!(viewer.get("/v1/keys?account=demo").status, 200);
    assert_eq!(viewer.get("/v1/users").status, 403);
    let key = json!({"region": "local", "name": "k"});
    assert_eq!(viewer.post("/v1/keys?wait=none", &key).status, 403);
    assert_eq!(owner.post("/v1/keys?wait=none", &key).status, 201);
    let operator = json!({"name": "boss", "role": "operator"});
    assert_eq!(owner.post("/v1/users", &operator).status, 422);
    let second = json!({"name": "second", "role": "owner"});
    assert_eq!(
        owner.post("/v1/users", &second).status,
        403,
        "without proof of identity"
    );
    owner.verify();
    assert_eq!(owner.post("/v1/users", &second).status, 201);
    assert_eq!(
        owner.post("/v1/users", &body).status,
        409,
        "the name is taken"
    );
}

#[test]
fn the_last_operator_stays() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let operators = sidecar.get("/v1/users").json();
    let first = operators["users"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/users/{first}");
    assert_eq!(sidecar.delete(&path).status, 409);
    assert_eq!(
        sidecar.patch(&path, &json!({"status": "disabled"})).status,
        409
    );
    assert_eq!(sidecar.patch(&path, &json!({"role": "owner"})).status, 409);
    let second = sidecar.post("/v1/users", &json!({"name": "second", "role": "operator"}));
    assert_eq!(second.status, 201, "{}", second.text);
    assert_eq!(sidecar.delete(&path).status, 200);
    assert_eq!(sidecar.delete(&path).status, 404);
}

#[test]
fn fields_are_checked_and_only_the_sidecar_writes_some() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let cases = [
        (
            json!({"name": "Boss", "role": "viewer", "account": "demo"}),
            "name",
        ),
        (
            json!({"name": "boss", "role": "root", "account": "demo"}),
            "role",
        ),
        (json!({"name": "boss", "role": "viewer"}), "account"),
        (
            json!({"name": "boss", "role": "operator", "account": "demo"}),
            "role",
        ),
        (
            json!({"name": "boss", "role": "viewer", "account": "demo", "password": "x"}),
            "password",
        ),
        (
            json!({"name": "boss", "role": "viewer", "account": "demo", "id": "u-1"}),
            "id",
        ),
    ];
    for (body, field) in cases {
        let answer = sidecar.post("/v1/users", &body);
        assert_eq!(
            (answer.status, answer.fields()),
            (422, vec![field.into()]),
            "{body}"
        );
    }
    let unknown = json!({"name": "boss", "role": "viewer", "account": "none"});
    assert_eq!(sidecar.post("/v1/users", &unknown).status, 404);
}
