//! A key in every place that an admin can fill: nothing stores it, and no answer has it.
//!
//! The places are those of the OpenAPI document, so that a new one is tried without being named here.
//! Invariant: what is refused says that it reads as a credential, unless it was refused before it was
//! looked at.

use std::collections::BTreeSet;
use std::fs;

use keytable::UsageOutcome;
use serde_json::{Map, Value, json};

use crate::feed::usage::{report, row};
use crate::support::agent::Agent;
use crate::support::{Answer, Scratch, Sidecar, call};

/// Members that are there to take a secret; what they take is hashed or sealed.
const SECRET_MEMBERS: [&str; 5] = ["password", "current", "setup_secret", "totp", "key"];

/// The members of a schema, with the schemas that it refers to put in.
fn members(document: &Value, schema: &Value) -> Map<String, Value> {
    let schema = resolved(document, schema);
    let mut all = schema["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        all.extend(members(document, part));
    }
    all
}

fn resolved(document: &Value, schema: &Value) -> Value {
    match schema["$ref"].as_str() {
        Some(place) => document.pointer(&place[1..]).unwrap().clone(),
        None => schema.clone(),
    }
}

/// Bodies of an operation, each with `secret` in one place, and the name of the member.
fn bodies(document: &Value, operation: &Value, secret: &str) -> Vec<(String, Value)> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let mut bodies = Vec::new();
    for (name, member) in members(document, schema) {
        for value in [
            json!(secret),
            json!([secret]),
            json!(format!("x {secret} y")),
        ] {
            bodies.push((name.clone(), json!({ &name: value })));
        }
        for inner in members(document, &member).keys() {
            bodies.push((name.clone(), json!({ &name: { inner: secret } })));
            bodies.push((name.clone(), json!({ &name: { inner: [secret] } })));
        }
        bodies.push((name.clone(), json!({ &name: { secret: 1 } })));
    }
    if !bodies.is_empty() {
        bodies.push((String::new(), json!({ secret: 1 })));
    }
    bodies
}

fn escaped(text: &str) -> String {
    text.replace(' ', "%20")
}

struct Canary<'a> {
    sidecar: &'a Sidecar,
    secret: String,
    tried: usize,
}

impl Canary<'_> {
    fn send(
        &mut self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.sidecar.token());
        let url = format!("{}{path}", self.sidecar.admin());
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(more);
        let answer = call(
            &url,
            method,
            &headers,
            body.map(Value::to_string).as_deref(),
        );
        let place = format!("{method} {path} {body:?}");
        let all = format!("{:?} {}", answer.headers, answer.text);
        assert!(!all.contains(&self.secret[8..20]), "{place}: {all}");
        assert!(answer.status < 500, "{place}: {}", answer.text);
        self.tried += 1;
        answer
    }

    /// Every place of one operation.
    fn fill(&mut self, document: &Value, (path, method, operation): (&str, &str, &Value)) {
        let secret = self.secret.clone();
        let known = |part: &str| match part {
            "{region}" => "local".into(),
            other => other.replace("{id}", "ak-20260101-0000000000000000"),
        };
        let plain = path.split('/').map(known).collect::<Vec<_>>().join("/");
        let plain = plain.replace("{name}", "glm").replace("{instance}", "0");
        for (member, body) in bodies(document, operation, &secret) {
            let answer = self.send(method, &plain, &[], Some(&body));
            let is_secret = SECRET_MEMBERS.contains(&member.as_str());
            // A key may be looked up by its value, which the answer does not repeat.
            assert!(
                answer.status >= 400 || path.ends_with("/lookup") && is_secret,
                "{method} {path} {member}: {}",
                answer.text
            );
            if answer.status == 422 && !is_secret {
                assert!(
                    answer.text.contains("reads as a credential"),
                    "{}",
                    answer.text
                );
            }
        }
        for part in path.split('/').filter(|part| part.starts_with('{')) {
            let filled = plain.replace("glm", part);
            let filled = match part {
                "{name}" => plain.replace("/glm", &format!("/{secret}")),
                "{region}" => plain.replace("/local", &format!("/{secret}")),
                "{instance}" => plain.replace("/0", &format!("/{secret}")),
                _ => filled.replace("ak-20260101-0000000000000000", &secret),
            };
            let answer = self.send(method, &filled, &[], Some(&json!({})));
            assert!(answer.status >= 400, "{method} {filled}: {}", answer.text);
        }
        let query = operation["parameters"].as_array().into_iter().flatten();
        for parameter in query.filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            self.send(method, &format!("{plain}?{name}={secret}"), &[], None);
        }
        self.send(method, &format!("{plain}?{secret}=1"), &[], None);
        for header in [
            "idempotency-key",
            "if-match",
            "x-request-id",
            "cookie",
            "origin",
            "user-agent",
        ] {
            let value = format!("\"{secret}\"");
            for value in [&secret, &value] {
                self.send(method, &plain, &[(header, value)], Some(&json!({})));
            }
        }
    }
}

#[test]
fn a_key_in_any_place_that_an_admin_can_fill_is_stored_nowhere() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let holder = sidecar.make("holder", "local");
    let secret = sidecar.make("canary", "local")["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let document = sidecar::api::openapi::document();
    let mut canary = Canary {
        sidecar: &sidecar,
        secret: secret.clone(),
        tried: 0,
    };
    let mut seen = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            canary.fill(&document, (path, &method, operation));
            seen.insert(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    // A call that would be carried out, with the key as its word for repeating it.
    let body = json!({"account": "demo", "name": "n", "capabilities": ["keys:read"]});
    let repeat = [("idempotency-key", secret.as_str())];
    let refused = canary.send("POST", "/v1/tokens", &repeat, Some(&body));
    assert_eq!(refused.status, 400, "{}", refused.text);
    let escaped = escaped(&secret);
    let entry = canary.send(
        "PUT",
        &format!("/v1/catalog/local/{escaped}"),
        &[],
        Some(&json!({})),
    );
    assert_eq!((entry.status, entry.fields()), (422, vec!["name".into()]));
    report(
        &sidecar,
        1,
        vec![row(&holder, &secret, UsageOutcome::Permitted, 1)],
    );
    let mut agent = Agent::new(&sidecar, 'a', &secret, "local");
    agent.catch_up();
    println!("{} calls of {} operations", canary.tried, seen.len());
    assert!(canary.tried > 500, "{}", canary.tried);
    // What is told afterwards, by every call that tells something.
    for path in document["paths"].as_object().unwrap().keys() {
        if !path.contains('{') {
            canary.send("GET", path, &[], None);
            canary.send("GET", &format!("{path}?account=demo"), &[], None);
        }
    }
    canary.send("GET", "/metrics", &[], None);
    drop(sidecar);
    for entry in fs::read_dir(scratch.data()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let piece = &secret.as_bytes()[8..20];
        let is_there = bytes.windows(piece.len()).any(|window| window == piece);
        assert!(!is_there, "{path:?} has a part of the key");
    }
}
