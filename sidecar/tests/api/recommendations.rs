//! `GET /v1/recommendations`

use serde_json::json;

use crate::support::{Scratch, Sidecar};

#[test]
fn new_keys_need_no_advice_and_the_account_has_to_be_named() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    sidecar.make("a key", "local");
    let answer = sidecar.get("/v1/recommendations?account=demo");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.json(),
        json!({"recommendations": [], "next_cursor": null})
    );
    assert_eq!(sidecar.get("/v1/recommendations").fields(), ["account"]);
    assert_eq!(
        sidecar.get("/v1/recommendations?account=nobody").status,
        404
    );
}

#[test]
fn many_keys_are_examined_part_by_part() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for number in 0..3 {
        sidecar.make(&format!("key {number}"), "local");
    }
    let first = sidecar
        .get("/v1/recommendations?account=demo&limit=2")
        .json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/v1/recommendations?account=demo&limit=2&cursor={cursor}");
    assert_eq!(sidecar.get(&path).json()["next_cursor"], json!(null));
}
