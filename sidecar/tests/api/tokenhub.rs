//! The cloud API beside the REST API: who gets in, what is refused before anything is read, and
//! that both follow the same rules. What each action does is shown with Tencent's own SDK.

mod callers;
mod quotas;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::agent::Agent;
use crate::support::tencent::{Client, response};
use crate::support::{Scratch, Sidecar, call};

fn of(id: &str) -> Value {
    json!({"ApiKeyId": id, "Platform": "maas"})
}

fn code(answer: &crate::support::Answer) -> String {
    let response = response(answer);
    response["Error"]["Code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn both_apis_see_the_same_keys_and_write_the_same_audit() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let client = Client::new(&sidecar);
    let id = client.create("over the cloud API");
    let shown = sidecar.get(&format!("/v1/keys/{id}")).json();
    let creator = format!("access_key:{}", client.secret_id);
    assert_eq!(
        (&shown["name"], &shown["creator"]),
        (&json!("over the cloud API"), &json!(creator))
    );
    let status = json!({"ApiKeyId": id, "Platform": "maas", "Status": "disable"});
    client.succeed("ModifyApiKeyStatus", &status);
    client.succeed("DescribeApiKey", &of(&id));
    client.succeed("DeleteApiKey", &of(&id));
    let rows = sidecar.get(&format!("/v1/audit?target={id}")).json();
    let rows = rows["entries"].as_array().unwrap();
    let actions: Vec<_> = rows
        .iter()
        .rev()
        .map(|row| row["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        ["key.created", "key.edited", "key.revealed", "key.deleted"]
    );
    for row in rows {
        assert_eq!(
            (&row["actor"], &row["address"]),
            (&json!(creator), &json!("127.0.0.1"))
        );
    }
    let made = sidecar.make("over REST", "local");
    let listed = client.succeed("DescribeApiKeyList", &json!({"Platform": "maas"}));
    assert_eq!(listed["ApiKeySet"][0]["ApiKeyId"], made["id"]);
    assert_eq!(listed["ApiKeySet"][0]["ApiKey"], made["masked"]);
}

#[test]
fn a_change_is_answered_when_every_envoy_has_it() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let client = Client::new(&sidecar);
    let mut agent = Agent::new(&sidecar, 'a', "edge", "local");
    agent.catch_up();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let following = scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                agent.poll(1);
            }
            agent
        });
        let id = client.create("barrier");
        let value = client.succeed("DescribeApiKey", &of(&id))["ApiKey"].clone();
        let body = of(&id).to_string();
        let answer = client.send(&client.sign("DeleteApiKey", &body), &body);
        let told = answer.header("x-latchkey-propagation").to_owned();
        // Before anything can fail: the agent's thread would go on for ever.
        over.store(true, Ordering::SeqCst);
        assert!(told.ends_with("; envoys=1; applied=1"), "{told}");
        let agent = following.join().unwrap();
        assert!(!agent.admits(value.as_str().unwrap()));
    });
}

#[test]
fn checks_come_in_their_order_and_nothing_is_read_before_the_signature_fits() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let client = Client::new(&sidecar);
    // Each one departs in one more point, the earlier in the order the later in this list.
    let mut wrong = client.sign("NoSuchThing", "no JSON");
    let mut expect = |name: &str, value: &str, code_then: &str| {
        let answer = client.send(&wrong, "no JSON");
        assert_eq!(code(&answer), code_then, "before {name}");
        wrong.iter_mut().find(|(other, _)| other == name).unwrap().1 = value.into();
    };
    expect("x-tc-version", "2018-01-01", "InvalidAction");
    expect("content-type", "text/plain", "NoSuchVersion");
    expect("x-tc-timestamp", "1", "AuthFailure.SignatureFailure");
    expect("x-tc-timestamp", "01", "AuthFailure.SignatureExpire");
    expect(
        "authorization",
        "Bearer x",
        "InvalidParameterValue.InvalidParameterValue",
    );
    expect("authorization", "", "AuthFailure.SignatureFailure");
    assert_eq!(
        client.refused("DescribeModelList", &json!([])),
        "InvalidParameter.InvalidParameter"
    );
    let twice = r#"{"ApiKeyId": "a", "ApiKeyId": "b", "Platform": "maas"}"#;
    let answer = client.send(&client.sign("DeleteApiKey", twice), twice);
    assert_eq!(code(&answer), "InvalidParameter.InvalidParameter");
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(300_000));
    let answer = client.send(&client.sign("DeleteApiKey", &large), &large);
    assert_eq!(code(&answer), "InvalidParameter.InvalidParameter");
}

#[test]
fn a_header_that_is_missing_or_stands_twice_is_refused() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let client = Client::new(&sidecar);
    for (number, name) in [
        "x-tc-action",
        "x-tc-version",
        "x-tc-region",
        "x-tc-timestamp",
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"Offset": number}).to_string();
        let good = client.sign("DescribeModelList", &body);
        let mut without = good.clone();
        without.retain(|(other, _)| other != name);
        let mut twice = good.clone();
        twice.extend(good.iter().filter(|(other, _)| other == name).cloned());
        for headers in [without, twice] {
            assert_eq!(
                code(&client.send(&headers, &body)),
                "MissingParameter.MissingParameter"
            );
        }
        assert_eq!(code(&client.send(&good, &body)), "");
    }
    for name in ["content-type", "authorization"] {
        let mut headers = client.sign("DescribeModelList", "{}");
        let again = headers.iter().find(|(other, _)| other == name).cloned();
        headers.extend(again);
        assert_eq!(
            code(&client.send(&headers, "{}")),
            "AuthFailure.SignatureFailure",
            "{name}"
        );
    }
}

#[test]
fn a_replay_is_refused_and_does_nothing() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let client = Client::new(&sidecar);
    let body = json!({"ApiKeyName": "once", "Platform": "maas", "BindType": "all"}).to_string();
    let headers = client.sign("CreateApiKey", &body);
    assert_eq!(code(&client.send(&headers, &body)), "");
    for _ in 0..3 {
        assert_eq!(
            code(&client.send(&headers, &body)),
            "AuthFailure.SignatureFailure"
        );
    }
    assert_eq!(sidecar.total(), 1);
}

#[test]
fn the_console_keeps_the_path_for_its_get_and_another_path_can_be_chosen() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start_with(&scratch, &["--tokenhub-path", "/cloud/api"]);
    let mut client = Client::new(&sidecar);
    for path in ["/cloud/api", "/cloud/api/"] {
        client.path = path.into();
        client.create(path);
    }
    client.path = "/".into();
    let headers = client.sign("DescribeModelList", "{}");
    assert_ne!(client.send(&headers, "{}").status, 200);
    drop(sidecar);
    let sidecar = Sidecar::restart(&scratch);
    let get = |path: &str| call(&format!("{}{path}", sidecar.admin()), "GET", &[], None);
    assert!(
        !get("/").text.contains("Response"),
        "GET is not the cloud API's"
    );
    assert_eq!(get("/healthz").status, 200);
}

#[test]
fn a_client_may_call_by_any_name_that_it_signs() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let body = "{}";
    let answer = call(
        &format!("{}/", sidecar.admin()),
        "POST",
        &[
            ("host", "tokenhub.example.com"),
            ("content-type", "application/json"),
        ],
        Some(body),
    );
    assert_eq!(code(&answer), "AuthFailure.SignatureFailure");
    let rest = call(
        &format!("{}/v1/keys", sidecar.admin()),
        "POST",
        &[
            ("host", "tokenhub.example.com"),
            ("x-tc-action", "CreateApiKey"),
        ],
        Some(body),
    );
    assert_eq!(rest.status, 421, "the REST API's names are its own");
}

#[test]
fn without_stored_values_nothing_is_made_that_nobody_could_see() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start_with(&scratch, &["--recoverable", "false"]);
    let client = Client::new(&sidecar);
    let denied = "OperationDenied.OperationDenied";
    let new = json!({"ApiKeyName": "n", "Platform": "maas", "BindType": "all"});
    assert_eq!(client.refused("CreateApiKey", &new), denied);
    let plan = json!({"TeamId": "t", "ApiKeyName": "n", "Count": 1});
    assert_eq!(client.refused("CreateTokenPlanApiKeys", &plan), denied);
    let made = sidecar.make("over REST", "local");
    let id = made["id"].as_str().unwrap();
    assert_eq!(client.refused("DescribeApiKey", &of(id)), denied);
    let by_value = json!({"ApiKey": made["key"], "Platform": "maas"});
    assert_eq!(client.succeed("DescribeApiKey", &by_value)["ApiKeyId"], id);
    client.succeed("DeleteApiKey", &of(id));
    assert_eq!(sidecar.total(), 0);
}

/// The same as for the REST API: a text with a credential in it is not stored, and the answer names
/// where it stands.
#[test]
fn a_credential_in_a_parameter_is_refused() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let client = Client::new(&sidecar);
    let secret = sidecar.make("other", "local")["key"].clone();
    let wrong = "InvalidParameterValue.InvalidParameterValue";
    for name in ["ApiKeyName", "Remark"] {
        let mut new = json!({"ApiKeyName": "n", "Platform": "maas", "BindType": "all"});
        new[name] = secret.clone();
        assert_eq!(client.refused("CreateApiKey", &new), wrong, "{name}");
    }
    assert_eq!(sidecar.total(), 1);
}
