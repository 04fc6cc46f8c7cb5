//! Accounts, the wall between them, and their requests for more keys.

use serde_json::{Value, json};

use crate::support::person::Person;
use crate::support::{Scratch, Sidecar};

#[test]
fn an_operator_makes_and_changes_accounts() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let made = sidecar.post("/v1/accounts", &json!({"id": "acme", "name": "Acme"}));
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.header("location"), "/v1/accounts/acme");
    assert_eq!(made.json()["key_limit"], 50);
    let again = sidecar.post("/v1/accounts", &json!({"id": "acme", "name": "Other"}));
    assert_eq!(again.status, 409);
    let edit = json!({"name": "Acme Inc.", "key_limit": 2});
    let edited = sidecar.patch("/v1/accounts/acme", &edit);
    assert_eq!((edited.status, edited.header("etag")), (200, "\"2\""));
    let stale = [("if-match", "\"1\"")];
    let stale = sidecar.call(
        "PATCH",
        "/v1/accounts/acme",
        &stale,
        Some("{\"name\":\"x\"}"),
    );
    assert_eq!(stale.status, 412);
    let seen = sidecar.get("/v1/accounts/acme").json();
    assert_eq!(
        (&seen["name"], &seen["key_limit"]),
        (&json!("Acme Inc."), &json!(2))
    );
    for bad in [
        json!({"id": "b"}),
        json!({"name": ""}),
        json!({"key_limit": -1}),
        json!({"x": 1}),
    ] {
        assert_eq!(
            sidecar.patch("/v1/accounts/acme", &bad).status,
            422,
            "{bad}"
        );
    }
}

#[test]
fn accounts_are_listed_part_by_part() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for number in 0..5 {
        let id = format!("acme-{number}");
        sidecar.post("/v1/accounts", &json!({"id": id, "name": "Acme"}));
    }
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let part = sidecar
            .get(&format!("/v1/accounts?limit=3&cursor={cursor}"))
            .json();
        let accounts = part["accounts"].as_array().unwrap().clone();
        ids.extend(
            accounts
                .iter()
                .map(|account| account["id"].as_str().unwrap().to_owned()),
        );
        match part["next_cursor"].as_str() {
            Some(next) => cursor = next.into(),
            None => break,
        }
    }
    let expected = [
        "acme-0", "acme-1", "acme-2", "acme-3", "acme-4", "demo", "second",
    ];
    assert_eq!(ids, expected);
}

#[test]
fn another_account_looks_like_one_that_does_not_exist() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("theirs", "local");
    let key_id = key["id"].as_str().unwrap();
    let theirs = ids_of_account(&sidecar, "demo");
    let person = Person::of(&sidecar, Some("second"), "stranger", "owner");
    let same = |foreign: &str, unknown: &str, method: &str, body: Option<Value>| {
        let foreign = person.call(method, foreign, body.as_ref());
        let unknown = person.call(method, unknown, body.as_ref());
        assert_eq!(
            (foreign.status, unknown.status),
            (404, 404),
            "{method}: {}",
            foreign.text
        );
        assert_eq!(
            foreign.json()["detail"],
            unknown.json()["detail"],
            "{method}"
        );
    };
    for (collection, id) in theirs.iter().map(|(c, id)| (c.as_str(), id.as_str())) {
        let paths = [format!("{collection}/{id}"), format!("{collection}/none")];
        same(&paths[0], &paths[1], "GET", None);
    }
    let paths = [
        format!("/v1/keys/{key_id}"),
        "/v1/keys/ak-20260101-0000000000000000".into(),
    ];
    same(&paths[0], &paths[1], "GET", None);
    same(
        &paths[0],
        &paths[1],
        "PATCH",
        Some(json!({"status": "disabled"})),
    );
    same("/v1/accounts/demo", "/v1/accounts/none", "GET", None);
    for list in [
        "keys",
        "users",
        "tokens",
        "access-keys",
        "limit-requests",
        "audit",
    ] {
        let paths = [
            format!("/v1/{list}?account=demo"),
            format!("/v1/{list}?account=none"),
        ];
        same(&paths[0], &paths[1], "GET", None);
    }
    let wanted =
        |account: &str| json!({"account": account, "name": "n", "capabilities": ["keys:read"]});
    let foreign = person.post("/v1/tokens", &wanted("demo"));
    let unknown = person.post("/v1/tokens", &wanted("none"));
    assert_eq!((foreign.status, unknown.status), (404, 404));
    assert_eq!(foreign.json()["detail"], unknown.json()["detail"]);
    let own = person.get("/v1/accounts").json();
    assert_eq!(own["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(own["accounts"][0]["id"], "second");
}

/// One of each thing in an account: its collection and id.
fn ids_of_account(sidecar: &Sidecar, account: &str) -> Vec<(String, String)> {
    let makings = [
        (
            "/v1/users",
            json!({"account": account, "name": "theirs", "role": "viewer"}),
        ),
        (
            "/v1/tokens",
            json!({"account": account, "name": "theirs", "capabilities": ["keys:read"]}),
        ),
        (
            "/v1/access-keys",
            json!({"account": account, "name": "theirs"}),
        ),
        (
            "/v1/limit-requests",
            json!({"account": account, "key_limit": 60, "reason": "growth"}),
        ),
    ];
    let ids = makings.map(|(collection, body)| {
        let made = sidecar.post(collection, &body);
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json();
        let id = made.get("id").or(made.get("secret_id")).unwrap();
        (collection.to_owned(), id.as_str().unwrap().to_owned())
    });
    ids.to_vec()
}

#[test]
fn a_limit_that_is_granted_is_in_force_at_once_and_decided_once() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start_with(&scratch, &["--key-limit-default", "1"]);
    let owner = Person::of(&sidecar, Some("demo"), "owner", "owner");
    let make = || {
        owner
            .post(
                "/v1/keys?wait=none",
                &json!({"region": "local", "name": "k"}),
            )
            .status
    };
    assert_eq!((make(), make()), (201, 409));
    let asked = json!({"key_limit": 3, "reason": "one for each team"});
    let request = owner.post("/v1/limit-requests", &asked);
    assert_eq!(request.status, 201, "{}", request.text);
    let path = format!(
        "/v1/limit-requests/{}",
        request.json()["id"].as_str().unwrap()
    );
    let grant = json!({"status": "granted", "key_limit": 2, "note": "two for now"});
    assert_eq!(
        owner.call("PATCH", &path, Some(&grant)).status,
        403,
        "not one's own"
    );
    assert_eq!(make(), 409);
    let granted = sidecar.patch(&path, &grant);
    assert_eq!(granted.status, 200, "{}", granted.text);
    assert_eq!(granted.json()["status"], "granted");
    assert_eq!((make(), make()), (201, 409));
    assert_eq!(
        sidecar.patch(&path, &json!({"status": "denied"})).status,
        409
    );
    let seen = owner.get(&path).json();
    assert_eq!(
        (&seen["key_limit"], &seen["note"]),
        (&json!(2), &json!("two for now"))
    );
    let denied = owner.post("/v1/limit-requests", &asked).json();
    let path = format!("/v1/limit-requests/{}", denied["id"].as_str().unwrap());
    assert_eq!(sidecar.patch(&path, &json!({"status": "open"})).status, 422);
    assert_eq!(
        sidecar.patch(&path, &json!({"status": "denied"})).status,
        200
    );
    assert_eq!(make(), 409);
}
