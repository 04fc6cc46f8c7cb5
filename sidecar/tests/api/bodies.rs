//! Every body of the OpenAPI document, held to the handler that reads it: the same members, the same
//! of them required.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::person::Person;
use crate::support::{Answer, Scratch, Sidecar};

/// A call with a body, and whom it is for.
struct Bodied {
    method: String,
    path: String,
    is_for_people: bool,
    schema: Value,
}

fn bodied() -> Vec<Bodied> {
    let document = sidecar::api::openapi::document();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let Some(body) = operation.get("requestBody") else {
                continue;
            };
            let reference = body["content"]["application/json"]["schema"]["$ref"].as_str();
            let pointer = reference.unwrap().trim_start_matches('#');
            found.push(Bodied {
                method: method.to_uppercase(),
                path: path.clone(),
                is_for_people: operation["x-access"] == "a person who has logged in",
                schema: document.pointer(pointer).unwrap().clone(),
            });
        }
    }
    found
}

impl Bodied {
    fn call(&self, sidecar: &Sidecar, person: &Person<'_>, key: &str, body: &Value) -> Answer {
        let id = if self.path.starts_with("/v1/keys") {
            key
        } else {
            "demo"
        };
        let path = self.path.replace("{id}", id).replace("{region}", "local");
        let path = path.replace("{name}", "glm-5.1");
        match self.is_for_people {
            true => person.call(&self.method, &path, Some(body)),
            false => sidecar.call(&self.method, &path, &[], Some(&body.to_string())),
        }
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What a refusal says of each field.
fn errors(answer: &Answer) -> Vec<(String, String)> {
    let answer = answer.json();
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    let pair = |error: &Value| (text(error, "field"), text(error, "detail"));
    errors.iter().map(pair).collect()
}

#[test]
fn every_body_is_described_with_the_members_that_its_handler_takes() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let person = Person::operator(&sidecar);
    let key = sidecar.make("described", "local");
    let key = key["id"].as_str().unwrap();
    let mut closed = 0;
    for call in bodied() {
        let described: BTreeSet<String> = match call.schema["properties"].as_object() {
            Some(properties) => properties.keys().cloned().collect(),
            None => BTreeSet::new(),
        };
        if call.schema["additionalProperties"] != false {
            continue;
        }
        let answer = call.call(&sidecar, &person, key, &json!({"unheard-of": 1}));
        let name = call.name();
        assert_eq!(answer.status, 422, "{name}: {}", answer.text);
        let said = errors(&answer);
        let (_, detail) = said
            .iter()
            .find(|(field, _)| field == "unheard-of")
            .unwrap();
        let known = detail.rsplit_once("which has ").unwrap().1;
        let known: BTreeSet<String> = known.split(", ").map(str::to_owned).collect();
        assert_eq!(known, described, "{name}");
        let missing = said.iter().filter(|(_, detail)| detail == "must be given");
        let missing: BTreeSet<_> = missing.map(|(field, _)| field.as_str()).collect();
        let required = call.schema["required"].as_array().unwrap().iter();
        let required: BTreeSet<_> = required.map(|name| name.as_str().unwrap()).collect();
        // An operator has to name the account that others are in.
        let missing: BTreeSet<_> = missing
            .into_iter()
            .filter(|name| *name != "account")
            .collect();
        assert_eq!(missing, required, "{name}");
        closed += 1;
    }
    println!("{closed} bodies are described as they are read");
    assert!(closed >= 18, "{closed}");
}
