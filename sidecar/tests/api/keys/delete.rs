//! `DELETE /v1/keys/{id}`

use crate::support::{Scratch, Sidecar};

#[test]
fn a_key_is_deleted_by_whoever_names_it() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("Production text", "local");
    let id = key["id"].as_str().unwrap();
    let path = format!("/v1/keys/{id}");
    for query in [
        "",
        "?confirm=",
        "?confirm=production+text",
        "?confirm=Production",
    ] {
        let answer = sidecar.delete(&format!("{path}{query}"));
        assert_eq!(
            (answer.status, answer.fields()),
            (422, vec!["confirm".to_owned()])
        );
    }
    let confirmed = format!("{path}?confirm=Production%20text");
    assert_eq!(
        sidecar
            .delete(&format!("{confirmed}&account=second"))
            .status,
        404
    );
    let stale = sidecar.call("DELETE", &confirmed, &[("if-match", "\"2\"")], None);
    assert_eq!(stale.status, 412);
    assert_eq!(sidecar.total(), 1);

    let answer = sidecar.delete(&confirmed);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let deleted = answer.json();
    assert_eq!(deleted["id"], id);
    assert!(deleted["deleted_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(deleted["propagation"]["generation"], 2);
    assert_eq!(deleted.as_object().unwrap().len(), 3);
    assert_eq!(sidecar.get(&path).status, 404);
    assert_eq!(sidecar.delete(&confirmed).status, 404);
    assert_eq!(sidecar.total(), 0);
}

#[test]
fn a_new_key_of_the_same_name_is_another_key() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let first = sidecar.make("twin", "local");
    sidecar.delete(&format!(
        "/v1/keys/{}?confirm=twin",
        first["id"].as_str().unwrap()
    ));
    let second = sidecar.make("twin", "local");
    assert_ne!(first["id"], second["id"]);
    assert_ne!(first["key"], second["key"]);
}
