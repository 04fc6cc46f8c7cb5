//! The limit of an account, whoever asks at the same time.

use serde_json::json;

use crate::keys::body_with;
use crate::support::{Scratch, Sidecar};

#[test]
fn of_two_hundred_at_once_on_an_account_with_45_keys_five_succeed() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for number in 0..45 {
        sidecar.make(&format!("key {number}"), "local");
    }
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let make = |number: u32| {
            let mut body = body_with("name", format!("late {number}").into());
            body["region"] = if number.is_multiple_of(2) {
                "local"
            } else {
                "other"
            }
            .into();
            sidecar.post("/v1/keys?wait=none", &body).status
        };
        let threads: Vec<_> = (0..200).map(|n| scope.spawn(move || make(n))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let of = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((of(201), of(409), sidecar.total()), (5, 195, 50));
}

#[test]
fn a_rotation_needs_no_room_and_a_granted_limit_makes_some() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start_with(&scratch, &["--key-limit-default", "1"]);
    let key = sidecar.make("only", "local");
    let path = format!("/v1/keys/{}/rotate", key["id"].as_str().unwrap());
    assert_eq!(sidecar.post(&path, &json!({})).status, 201);
    let account = sidecar.get("/v1/accounts/demo").json();
    assert_eq!(account["standard_keys"], 1, "what counts");
    let body = body_with("name", "second".into());
    assert_eq!(sidecar.post("/v1/keys", &body).status, 409);
    let granted = sidecar.patch("/v1/accounts/demo", &json!({"key_limit": 2}));
    assert_eq!(granted.status, 200, "{}", granted.text);
    assert_eq!(sidecar.post("/v1/keys", &body).status, 201);
    assert_eq!(sidecar.post("/v1/keys", &body).status, 409);
}

#[test]
fn of_two_edits_with_one_tag_one_is_stale_and_a_repeated_create_makes_one_key() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("a key", "local");
    let path = format!("/v1/keys/{}?wait=none", key["id"].as_str().unwrap());
    let edit = json!({"description": "edited"}).to_string();
    let tag = [("if-match", "\"1\"")];
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let send = || sidecar.call("PATCH", &path, &tag, Some(&edit)).status;
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(send)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut sorted = statuses;
    sorted.sort_unstable();
    assert_eq!(sorted, [200, 412]);
    let body = body_with("name", "once".into()).to_string();
    let header = [("idempotency-key", "first-try")];
    let make = || sidecar.call("POST", "/v1/keys?wait=none", &header, Some(&body));
    let (first, again) = (make(), make());
    assert_eq!((first.status, again.status), (201, 201), "{}", again.text);
    let (first, again) = (first.json(), again.json());
    assert_eq!((&first["id"], &first["key"]), (&again["id"], &again["key"]));
    assert_eq!(sidecar.total(), 2);
    let other = body_with("name", "twice".into()).to_string();
    let reused = sidecar.call("POST", "/v1/keys?wait=none", &header, Some(&other));
    assert_eq!(reused.status, 409, "{}", reused.text);
}
