//! `POST /v1/keys/{id}/reveal`

use serde_json::json;

use crate::support::person::Person;
use crate::support::{Scratch, Sidecar};

fn reveals(sidecar: &Sidecar) -> usize {
    let audit = sidecar
        .get("/v1/audit?action=key.revealed&limit=200")
        .json();
    audit["entries"].as_array().unwrap().len()
}

#[test]
fn a_value_is_shown_again_and_each_time_is_written_down() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("a key", "local");
    let path = format!("/v1/keys/{}/reveal", key["id"].as_str().unwrap());
    for _ in 0..2 {
        let answer = sidecar.call("POST", &path, &[], None);
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("cache-control"), "no-store");
        let shown = json!({"id": key["id"], "key": key["key"], "key_version": 1});
        assert_eq!(answer.json(), shown);
    }
    let wrong = sidecar.call("POST", &format!("{path}?confirm=other"), &[], None);
    assert_eq!(
        (wrong.status, wrong.fields()),
        (422, vec!["confirm".to_owned()])
    );
    assert_eq!(reveals(&sidecar), 2);
    let audit = sidecar.get("/v1/audit?action=key.revealed").text;
    assert!(!audit.contains(key["key"].as_str().unwrap()), "{audit}");
    assert_eq!(sidecar.get(&path).status, 405, "no GET shows a value");
}

#[test]
fn a_person_has_to_prove_who_they_are_and_each_value_is_in_the_audit() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("a key", "local");
    let path = format!("/v1/keys/{}/reveal", key["id"].as_str().unwrap());
    let owner = Person::of(&sidecar, Some("demo"), "olga", "owner");
    assert_eq!(owner.post(&path, &json!({})).status, 403);
    owner.verify();
    let shown = owner.post(&path, &json!({}));
    assert_eq!(shown.json()["key"], key["key"], "{}", shown.text);
    // The proof serves for a while, for this kind of act.
    assert_eq!(owner.post(&path, &json!({})).status, 200);
    let delete = format!("{}?confirm=a%20key", path.trim_end_matches("/reveal"));
    assert_eq!(owner.call("DELETE", &delete, None).status, 403);
    let viewer = Person::of(&sidecar, Some("demo"), "vera", "viewer");
    viewer.verify();
    assert_eq!(viewer.post(&path, &json!({})).status, 403);
    let other = Person::of(&sidecar, Some("second"), "otto", "owner");
    other.verify();
    assert_eq!(other.post(&path, &json!({})).status, 404);
    assert_eq!(reveals(&sidecar), 2);
}

#[test]
fn what_is_not_kept_cannot_be_revealed() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start_with(&scratch, &["--recoverable", "false"]);
    let key = sidecar.make("a key", "local");
    assert_eq!(key["recoverable"], false);
    let path = format!("/v1/keys/{}/reveal", key["id"].as_str().unwrap());
    let owner = Person::of(&sidecar, Some("demo"), "olga", "owner");
    owner.verify();
    let refused = owner.post(&path, &json!({}));
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("not-recoverable"), "{}", refused.text);
    let unknown = owner.post("/v1/keys/ak-20260101-0/reveal", &json!({}));
    assert_eq!(unknown.status, 404);
    assert_eq!(reveals(&sidecar), 0);
}

#[test]
fn fifty_at_once_are_too_many() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("a key", "local");
    let path = format!("/v1/keys/{}/reveal", key["id"].as_str().unwrap());
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let reveal = || sidecar.call("POST", &path, &[], None);
        let threads: Vec<_> = (0..80).map(|_| scope.spawn(reveal)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap().status)
            .collect()
    });
    let shown = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!(shown + refused, 80, "{statuses:?}");
    // A minute may have begun in between.
    assert!((30..=60).contains(&shown), "{shown}");
    assert_eq!(reveals(&sidecar), shown);
}
