//! Labels of keys: made, changed, filtered by, carried on, written down.

use serde_json::{Map, Value, json};

use crate::keys::body_with;
use crate::support::{Scratch, Sidecar};

fn make(sidecar: &Sidecar, labels: Value) -> Value {
    let answer = sidecar.post("/v1/keys?wait=none", &body_with("labels", labels));
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

fn ids(sidecar: &Sidecar, query: &str) -> Vec<Value> {
    let list = sidecar
        .get(&format!("/v1/keys?account=demo&{query}"))
        .json();
    let keys = list["keys"].as_array().unwrap();
    keys.iter().map(|key| key["id"].clone()).collect()
}

#[test]
fn labels_are_kept_changed_whole_and_filtered_by() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let search = make(&sidecar, json!({"team": "search", "env": "prod"}));
    let ads = make(&sidecar, json!({"team": "ads"}));
    assert_eq!(search["labels"], json!({"team": "search", "env": "prod"}));
    assert_eq!(sidecar.make("none", "local")["labels"], json!({}));
    assert_eq!(ids(&sidecar, "label=team%3Dsearch"), [search["id"].clone()]);
    assert_eq!(ids(&sidecar, "label=team=ads"), [ads["id"].clone()]);
    assert!(ids(&sidecar, "label=team%3Dsear").is_empty());
    let path = format!("/v1/keys/{}", ads["id"].as_str().unwrap());
    let edited = sidecar.patch(&path, &json!({"labels": {"env": "prod"}}));
    assert_eq!(edited.json()["labels"], json!({"env": "prod"}));
    assert_eq!(ids(&sidecar, "label=env%3Dprod").len(), 2);
    let audit = sidecar.get("/v1/audit?action=key.edited").json();
    let detail = &audit["entries"][0]["detail"];
    assert_eq!(detail["before"], json!({"labels": {"team": "ads"}}));
    assert_eq!(detail["after"], json!({"labels": {"env": "prod"}}));
    let rotate = format!("/v1/keys/{}/rotate", search["id"].as_str().unwrap());
    let successor = sidecar.post(&rotate, &json!({})).json();
    assert_eq!(successor["labels"], search["labels"]);
}

#[test]
fn usage_is_filtered_by_label() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    make(&sidecar, json!({"team": "search"}));
    let usage = sidecar.get("/v1/usage?account=demo&label=team%3Dsearch");
    assert_eq!(usage.status, 200, "{}", usage.text);
    assert_eq!(sidecar.get("/v1/usage?account=demo&label=team").status, 400);
}

#[test]
fn what_is_no_label_is_named() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let many: Map<String, Value> = (0..17).map(|n| (format!("l{n}"), "x".into())).collect();
    let cases = [
        (json!("team=search"), "labels"),
        (json!({"Team": "search"}), "labels.Team"),
        (json!({"team": 1}), "labels.team"),
        (json!({"team": ""}), "labels.team"),
        (json!({"team": " search"}), "labels.team"),
        (Value::Object(many), "labels"),
    ];
    for (labels, field) in cases {
        let answer = sidecar.post("/v1/keys", &body_with("labels", labels));
        assert_eq!(
            (answer.status, answer.fields()),
            (422, vec![field.to_owned()])
        );
    }
    assert_eq!(
        sidecar.get("/v1/keys?account=demo&label=x").fields(),
        ["label"]
    );
}

#[test]
fn no_label_holds_a_credential() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let value = sidecar.make("a key", "local")["key"].clone();
    let body = body_with("labels", json!({"team": value}));
    let answer = sidecar.post("/v1/keys", &body);
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(!answer.text.contains(value.as_str().unwrap()));
}
