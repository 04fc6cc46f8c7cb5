//! `POST /v1/keys/lookup`

use std::fs;

use serde_json::{Value, json};

use crate::support::{Answer, Scratch, Sidecar, call};

const PATH: &str = "/v1/keys/lookup";

fn look_up(sidecar: &Sidecar, value: &Value) -> Answer {
    sidecar.post(PATH, &json!({"key": value}))
}

/// A token that may only read, of an account.
fn reader(sidecar: &Sidecar, account: &str) -> String {
    let body = json!({"account": account, "name": "reader", "capabilities": ["keys:read"]});
    let token = sidecar.post("/v1/tokens", &body).json()["token"].clone();
    format!("Bearer {}", token.as_str().unwrap())
}

fn look_up_as(sidecar: &Sidecar, bearer: &str, value: &Value) -> Answer {
    let url = format!("{}{PATH}", sidecar.admin());
    let body = json!({"key": value}).to_string();
    let json = ("content-type", "application/json");
    call(
        &url,
        "POST",
        &[("authorization", bearer), json],
        Some(&body),
    )
}

#[test]
fn a_value_finds_its_key_masked_and_is_written_down() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let made = sidecar.make("a key", "local");
    sidecar.make("another", "local");
    let answer = look_up(&sidecar, &made["key"]);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(!answer.text.contains(made["key"].as_str().unwrap()));
    let found = answer.json();
    assert_eq!(found["id"], made["id"]);
    assert_eq!(found["masked"], made["masked"]);
    let audit = sidecar.get("/v1/audit?action=key.looked_up").json();
    assert_eq!(audit["entries"][0]["target"], made["id"]);
    assert_eq!(audit["entries"][0]["account"], "demo");
}

#[test]
fn a_value_of_nobody_and_of_another_account_look_alike() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let made = sidecar.make("a key", "local");
    let id = made["id"].as_str().unwrap();
    let stranger = reader(&sidecar, "second");
    let of_other = look_up_as(&sidecar, &stranger, &made["key"]);
    assert_eq!(
        look_up_as(&sidecar, &reader(&sidecar, "demo"), &made["key"]).status,
        200
    );
    sidecar.delete(&format!("/v1/keys/{id}?confirm=a+key"));
    let of_nobody = look_up_as(&sidecar, &stranger, &made["key"]);
    assert_eq!((of_other.status, of_nobody.status), (404, 404));
    let without_id = |answer: &Answer| {
        let mut body = answer.json();
        body["request_id"] = Value::Null;
        body
    };
    assert_eq!(without_id(&of_other), without_id(&of_nobody));
    let audit = sidecar
        .get("/v1/audit?action=key.looked_up&account=second")
        .json();
    assert_eq!(audit["entries"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_no_value_is_refused_and_not_repeated() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let made = sidecar.make("a key", "local");
    let value = made["key"].as_str().unwrap();
    let cut = &value[..value.len() - 1];
    for wrong in [
        json!(cut),
        json!("password"),
        json!(""),
        json!(7),
        json!(null),
    ] {
        let answer = look_up(&sidecar, &wrong);
        assert_eq!(
            (answer.status, answer.fields()),
            (422, vec!["key".to_owned()])
        );
        assert!(!answer.text.contains(cut));
    }
    // A URL is logged on the way: there it is not even read.
    let answer = sidecar.call("POST", &format!("{PATH}?key={value}"), &[], Some("{}"));
    assert_ne!(answer.status, 200);
    assert!(!answer.text.contains(value));
}

#[test]
fn looking_up_is_limited_and_leaves_no_value_behind() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let made = sidecar.make("a key", "local");
    let statuses: Vec<u16> = (0..130)
        .map(|_| look_up(&sidecar, &made["key"]).status)
        .collect();
    let found = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    // The minute may end in between, once.
    assert!(found == 60 || found > 60 && found <= 120, "{found}");
    assert_eq!(found + refused, 130);
    let value = made["key"].as_str().unwrap().as_bytes();
    for entry in fs::read_dir(scratch.data()).unwrap().flatten() {
        let bytes = fs::read(entry.path()).unwrap_or_default();
        let holds = bytes.windows(value.len()).any(|part| part == value);
        assert!(!holds, "{:?}", entry.path());
    }
}
