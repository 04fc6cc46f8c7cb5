//! `POST /v1/keys/{id}/rotate` and `POST /v1/keys/{id}/end-grace`

use serde_json::{Value, json};

use crate::keys::body_with;
use crate::support::{Scratch, Sidecar};

fn id(key: &Value) -> &str {
    key["id"].as_str().unwrap()
}

#[test]
fn a_successor_has_a_new_value_under_the_same_policy() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let scope = json!({"models": ["glm-5.1"], "services": []});
    let old = sidecar.post("/v1/keys", &body_with("scope", scope)).json();
    let path = format!("/v1/keys/{}/rotate", id(&old));
    let answer = sidecar.post(&path, &json!({"grace_s": 3600}));
    assert_eq!(answer.status, 201, "{}", answer.text);
    let new = answer.json();
    assert_eq!(answer.header("location"), format!("/v1/keys/{}", id(&new)));
    assert!(new["id"] != old["id"] && new["key"] != old["key"]);
    for member in [
        "name",
        "scope",
        "ip_allowlist",
        "description",
        "account",
        "region",
    ] {
        assert_eq!(new[member], old[member], "{member}");
    }
    assert_eq!(new["predecessor"], old["id"]);
    let replaced = &new["replaced"];
    assert_eq!(
        (&replaced["id"], &replaced["successor"]),
        (&old["id"], &new["id"])
    );
    assert!(replaced["expires_at"].is_string());
    assert_eq!(new["propagation"]["generation"], 3);
    let again = sidecar.post(&path, &json!({}));
    assert_eq!(again.status, 409);
    assert!(again.text.contains("has a successor"), "{}", again.text);
}

#[test]
fn a_grace_can_be_none_or_be_ended_and_is_bounded() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let old = sidecar.make("a key", "local");
    let path = format!("/v1/keys/{}", id(&old));
    for grace in [
        json!(-1),
        json!(2_592_001),
        json!("1h"),
        json!(1.5),
        json!(null),
    ] {
        let answer = sidecar.post(&format!("{path}/rotate"), &json!({"grace_s": grace}));
        assert_eq!(
            (answer.status, answer.fields()),
            (422, vec!["grace_s".to_owned()])
        );
    }
    let ended = sidecar.call("POST", &format!("{path}/end-grace"), &[], None);
    assert_eq!(ended.status, 409);
    // Without a body: a day.
    let rotated = sidecar.call("POST", &format!("{path}/rotate"), &[], None);
    assert_eq!(rotated.status, 201, "{}", rotated.text);
    let ended = sidecar.call("POST", &format!("{path}/end-grace"), &[], None);
    assert_eq!(ended.status, 200, "{}", ended.text);
    let ended = ended.json();
    assert_eq!(ended["expires_at"], ended["updated_at"]);
    let newest = format!("/v1/keys/{}/rotate", id(&rotated.json()));
    let at_once = sidecar.post(&newest, &json!({"grace_s": 0})).json();
    assert_eq!(at_once["replaced"]["expires_at"], at_once["created_at"]);
    assert_eq!(
        sidecar.get(&path).status,
        404,
        "its grace is over and it was replaced twice"
    );
}

#[test]
fn a_replaced_key_is_only_narrowed() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let old = sidecar.make("a key", "local");
    let path = format!("/v1/keys/{}", id(&old));
    sidecar.post(&format!("{path}/rotate"), &json!({}));
    let wider = sidecar.patch(&path, &json!({"expires_at": null}));
    assert_eq!(wider.status, 409);
    assert!(wider.text.contains("only be narrowed"), "{}", wider.text);
    let narrower = json!({"scope": {"models": ["glm-5.1"]}, "ip_allowlist": ["10.0.0.1"]});
    assert_eq!(sidecar.patch(&path, &narrower).status, 200);
    let other = json!({"scope": {"models": ["glm-5.1", "glm-5.2"]}});
    assert_eq!(sidecar.patch(&path, &other).status, 409);
    assert_eq!(
        sidecar.patch(&path, &json!({"status": "disabled"})).status,
        200
    );
    assert_eq!(
        sidecar.patch(&path, &json!({"status": "enabled"})).status,
        409
    );
}

#[test]
fn of_two_rotations_with_one_tag_one_is_stale() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let old = sidecar.make("a key", "local");
    let path = format!("/v1/keys/{}/rotate", id(&old));
    let tag = [("if-match", "\"1\"")];
    assert_eq!(sidecar.call("POST", &path, &tag, None).status, 201);
    assert_eq!(sidecar.call("POST", &path, &tag, None).status, 412);
}
