//! An admin: the sidecar's REST API with the operator's token.
//!
//! Speaks the shapes that scripts rely on. Invariant: a call that is expected to succeed and does
//! not ends the test with the sidecar's own explanation.

use std::thread;
use std::time::Duration;

use envoy::Stack;
use serde_json::{Value, json};
use ureq::http;

/// How many make keys at a time.
const MAKERS: usize = 8;
const MAX_IDLE: Duration = Duration::from_secs(1);

/// An admin of one sidecar.
#[derive(Clone, Debug)]
pub struct Admin {
    url: String,
    token: String,
    agent: ureq::Agent,
}

/// A key that was just made.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its public handle.
    pub id: String,
    /// Its value.
    pub value: String,
    /// Its name.
    pub name: String,
}

impl Admin {
    /// The admin of a stack whose sidecar was started once.
    pub fn of(stack: &Stack) -> Self {
        let token = stack
            .operator_token()
            .unwrap_or_else(|error| panic!("{error}"));
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // Shorter than the sidecar keeps idle connections, so that no call meets one that closes.
            .max_idle_age(MAX_IDLE)
            .build()
            .into();
        Self {
            url: stack.console_url(),
            token,
            agent,
        }
    }

    /// Any call; gives status and JSON body.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, text) = self.call_text(method, path, body);
        let answer = serde_json::from_str(&text);
        (status, answer.unwrap_or(Value::Null))
    }

    /// The same with the body as it is.
    pub fn call_text(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(body.map(Value::to_string).unwrap_or_default())
            .unwrap();
        let mut response = self.agent.run(request).expect("the sidecar answers");
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), text)
    }

    fn succeed(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.call(method, path, body);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {answer}"
        );
        answer
    }

    /// Makes a key in account `demo`, region `local`, with further members.
    pub fn create(&self, name: &str, members: Value) -> Key {
        self.create_waiting(name, members, "")
    }

    /// The same with a query, as `?wait=none`.
    pub fn create_waiting(&self, name: &str, members: Value, query: &str) -> Key {
        let mut body = json!({"account": "demo", "region": "local", "name": name});
        if let (Some(body), Value::Object(members)) = (body.as_object_mut(), members) {
            body.extend(members);
        }
        let answer = self.succeed("POST", &format!("/v1/keys{query}"), Some(&body));
        let text = |member: &str| answer[member].as_str().unwrap_or_default().to_owned();
        Key {
            id: text("id"),
            value: text("key"),
            name: text("name"),
        }
    }

    /// Makes at least so many keys, several at a time; nobody waits for Envoys.
    pub fn create_many(&self, count: usize) -> Vec<Key> {
        let make = |maker: usize| {
            let name = |n| format!("key {maker} {n}");
            (0..count.div_ceil(MAKERS))
                .map(|n| self.create_waiting(&name(n), json!({}), "?wait=none"))
                .collect::<Vec<Key>>()
        };
        thread::scope(|scope| {
            let makers: Vec<_> = (0..MAKERS)
                .map(|maker| scope.spawn(move || make(maker)))
                .collect();
            let keys = makers.into_iter().flat_map(|maker| maker.join().unwrap());
            keys.collect()
        })
    }

    /// Changes a key; gives the answer.
    pub fn patch(&self, key: &Key, members: &Value) -> Value {
        self.succeed("PATCH", &format!("/v1/keys/{}", key.id), Some(members))
    }

    /// Deletes a key; gives the answer.
    pub fn delete(&self, key: &Key) -> Value {
        let confirm: String = key
            .name
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        self.succeed(
            "DELETE",
            &format!("/v1/keys/{}?confirm={confirm}", key.id),
            None,
        )
    }

    /// How many keys the account has.
    pub fn total(&self) -> u64 {
        self.succeed("GET", "/v1/keys?account=demo&limit=1", None)["total"]
            .as_u64()
            .unwrap()
    }
}

/// Panics unless a change was acknowledged by every live Envoy.
pub fn assert_applied(answer: &Value) {
    let propagation = &answer["propagation"];
    assert_eq!(propagation["applied"], propagation["envoys"], "{answer}");
    assert_ne!(propagation["envoys"], 0, "no Envoy is known: {answer}");
}
