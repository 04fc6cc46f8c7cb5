//! `POST /v1/keys/{id}/reset`

use crate::keys::body_with;
use crate::support::{Scratch, Sidecar};

#[test]
fn a_plan_key_gets_a_new_value_and_keeps_its_id() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let plan = body_with("origin", "token_plan".into());
    let old = sidecar.post("/v1/keys", &plan).json();
    let path = format!("/v1/keys/{}", old["id"].as_str().unwrap());
    let answer = sidecar.call("POST", &format!("{path}/reset"), &[], None);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let new = answer.json();
    assert_eq!((&new["id"], &new["key_version"]), (&old["id"], &2.into()));
    assert!(new["key"] != old["key"] && new["masked"] != old["masked"]);
    assert!(new["key"].as_str().unwrap().starts_with("sk-tp-"));
    assert_eq!(
        new["propagation"]["generation"], 3,
        "the old value goes, the new one comes"
    );
    let shown = sidecar
        .call("POST", &format!("{path}/reveal"), &[], None)
        .json();
    assert_eq!(
        (&shown["key"], &shown["key_version"]),
        (&new["key"], &2.into())
    );
    let rotated = sidecar.call("POST", &format!("{path}/rotate"), &[], None);
    assert_eq!(rotated.status, 409, "{}", rotated.text);
}

#[test]
fn an_ordinary_key_is_not_reset() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("a key", "local");
    let path = format!("/v1/keys/{}/reset", key["id"].as_str().unwrap());
    let answer = sidecar.call("POST", &path, &[], None);
    assert_eq!(answer.status, 409);
    assert!(
        answer.text.contains("rotate the key instead"),
        "{}",
        answer.text
    );
}
