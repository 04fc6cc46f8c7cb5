//! `Idempotency-Key`: the same call made again makes nothing twice, also after a restart.

use serde_json::{Value, json};

use crate::support::{Answer, Scratch, Sidecar};

fn post(sidecar: &Sidecar, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("idempotency-key", key)];
    sidecar.call("POST", path, &headers, Some(&body.to_string()))
}

/// Everything that can be made: where, its `Idempotency-Key`, and the body.
fn makings() -> [(&'static str, &'static str, Value); 7] {
    let token = json!({"name": "n", "capabilities": ["keys:read"]});
    let request = json!({"account": "demo", "key_limit": 9, "reason": "r"});
    let key = json!({"account": "demo", "region": "local", "name": "n"});
    [
        ("/v1/regions", "zero", json!({"id": "eu-west"})),
        ("/v1/accounts", "one", json!({"id": "acme", "name": "Acme"})),
        (
            "/v1/users",
            "two",
            json!({"name": "boss", "role": "operator"}),
        ),
        ("/v1/tokens", "three", token),
        (
            "/v1/access-keys",
            "four",
            json!({"account": "demo", "name": "n"}),
        ),
        ("/v1/limit-requests", "five", request),
        ("/v1/keys?wait=none", "six", key),
    ]
}

/// What was made, without what may differ between two answers.
fn made(answer: &Answer) -> Value {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("propagation");
    body
}

#[test]
fn the_same_call_has_the_same_outcome_also_after_a_restart() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let firsts = makings().map(|(path, key, body)| {
        let first = post(&sidecar, path, key, &body);
        assert_eq!(first.status, 201, "{path}: {}", first.text);
        let again = post(&sidecar, path, key, &body);
        assert_eq!(again.status, 201, "{path}: {}", again.text);
        assert_eq!(made(&first), made(&again), "{path}");
        first
    });
    drop(sidecar);
    let sidecar = Sidecar::restart(&scratch);
    for ((path, key, body), first) in makings().into_iter().zip(firsts) {
        let again = post(&sidecar, path, key, &body);
        assert_eq!(made(&first), made(&again), "{path}");
    }
    assert_eq!(sidecar.total(), 1);
}

#[test]
fn a_successor_and_a_new_value_are_made_once() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("n", "local");
    let plan = json!({"account": "demo", "region": "local", "name": "p", "origin": "token_plan"});
    let plan = sidecar.post("/v1/keys?wait=none", &plan).json();
    let path = |key: &Value, what: &str| {
        format!("/v1/keys/{}/{what}?wait=none", key["id"].as_str().unwrap())
    };
    let rotate = || {
        post(
            &sidecar,
            &path(&key, "rotate"),
            "r",
            &json!({"grace_s": 60}),
        )
    };
    let (first, again) = (rotate(), rotate());
    assert_eq!((first.status, again.status), (201, 201), "{}", again.text);
    assert_eq!(made(&first), made(&again));
    assert!(first.json()["key"].is_string());
    let reset = |once: &str| post(&sidecar, &path(&plan, "reset"), once, &json!({}));
    let (first, again) = (reset("one"), reset("one"));
    assert_eq!((first.status, again.status), (200, 200), "{}", again.text);
    assert_eq!(made(&first), made(&again));
    assert_eq!(again.json()["key_version"], 2);
    assert_eq!(reset("two").json()["key_version"], 3);
    assert_eq!(reset("one").status, 409, "its value has ended");
}

#[test]
fn a_key_is_for_one_call_of_one_caller() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let body = json!({"id": "acme", "name": "Acme"});
    assert_eq!(post(&sidecar, "/v1/accounts", "k", &body).status, 201);
    let other = json!({"id": "acme-2", "name": "Acme"});
    let reused = post(&sidecar, "/v1/accounts", "k", &other);
    assert_eq!(reused.status, 409);
    let kind = reused.json()["type"].as_str().unwrap().to_owned();
    assert!(kind.ends_with("/idempotency-key-reused"), "{kind}");
    for bad in ["", "with blank", &"x".repeat(129)] {
        assert_eq!(
            post(&sidecar, "/v1/accounts", bad, &other).status,
            400,
            "{bad:?}"
        );
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    let twice = sidecar.call("POST", "/v1/accounts", &twice, Some(&other.to_string()));
    assert_eq!(twice.status, 400);
}

#[test]
fn a_call_that_was_refused_may_be_made_again_with_its_key() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start_with(&scratch, &["--key-limit-default", "0"]);
    let body = json!({"account": "demo", "region": "local", "name": "n"});
    assert_eq!(post(&sidecar, "/v1/keys?wait=none", "k", &body).status, 409);
    sidecar.patch("/v1/accounts/demo", &json!({"key_limit": 1}));
    assert_eq!(post(&sidecar, "/v1/keys?wait=none", "k", &body).status, 201);
}

#[test]
fn at_once_they_make_one() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let body = json!({"account": "demo", "region": "local", "name": "n"});
    let ids: Vec<Value> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| post(&sidecar, "/v1/keys?wait=none", "k", &body).json()))
            .collect();
        calls
            .into_iter()
            .map(|call| call.join().unwrap()["id"].clone())
            .collect()
    });
    assert!(
        ids.iter().all(|id| *id == ids[0] && id.is_string()),
        "{ids:?}"
    );
    assert_eq!(sidecar.total(), 1);
}

#[test]
fn where_nothing_recoverable_is_stored_the_secret_is_not_shown_twice() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start_with(&scratch, &["--recoverable", "false"]);
    let body = json!({"name": "n", "capabilities": ["keys:read"]});
    assert_eq!(post(&sidecar, "/v1/tokens", "k", &body).status, 201);
    let again = post(&sidecar, "/v1/tokens", "k", &body);
    assert_eq!(again.status, 409, "{}", again.text);
    let tokens = sidecar.get("/v1/tokens").json();
    assert_eq!(
        tokens["tokens"].as_array().unwrap().len(),
        2,
        "this one and the operator's"
    );
}

/// What was made and deleted since is not there to be shown, and the call did not fail.
#[test]
fn a_call_whose_outcome_is_gone_says_so() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut gone = 0;
    for (path, key, body) in makings() {
        let first = post(&sidecar, path, key, &body).json();
        let id = first["id"]
            .as_str()
            .or(first["secret_id"].as_str())
            .unwrap();
        let place = path.split('?').next().unwrap();
        let deleted = sidecar.delete(&format!("{place}/{id}?confirm=n&wait=none"));
        let deleted = match deleted.status {
            400 => sidecar.delete(&format!("{place}/{id}")),
            _ => deleted,
        };
        let again = post(&sidecar, path, key, &body);
        if deleted.status == 200 {
            assert_eq!(again.status, 409, "{path}: {}", again.text);
            assert!(again.text.contains("/made-and-gone"), "{}", again.text);
            assert!(again.text.contains(id), "{}", again.text);
            gone += 1;
        } else {
            assert_eq!(deleted.status, 405, "{path}: {}", deleted.text);
            assert_eq!(again.status, 201, "{path}: {}", again.text);
        }
    }
    assert_eq!(gone, 6, "all but limit requests are deleted");
    let body = json!({"account": "demo", "region": "local", "name": "n"});
    let old = sidecar.post("/v1/keys?wait=none", &body).json();
    let path = format!("/v1/keys/{}", old["id"].as_str().unwrap());
    let rotate = || {
        post(
            &sidecar,
            &format!("{path}/rotate?wait=none"),
            "r",
            &json!({}),
        )
    };
    let successor = rotate().json();
    let successor = format!("/v1/keys/{}", successor["id"].as_str().unwrap());
    assert_eq!(
        sidecar
            .delete(&format!("{successor}?confirm=n&wait=none"))
            .status,
        200
    );
    assert_eq!(rotate().status, 409);
}
