//! `POST /v1/keys/import`

use keytable::api_key::checksum;
use serde_json::{Value, json};

use crate::keys::body_with;
use crate::support::{Scratch, Sidecar};

/// A value of the right format with this random part.
fn value(random_part: &str) -> String {
    let body = format!("sk-old-{random_part}");
    let sum = checksum(body.as_bytes());
    format!("{body}{}", std::str::from_utf8(&sum).unwrap())
}

fn strong() -> String {
    value("q7Rk2ZfXw9LmB4vTsYcH8nJdP3aGeU6oK1iWtE5M")
}

fn import(sidecar: &Sidecar, account: &str, key: Value) -> crate::support::Answer {
    let mut body = body_with("key", key);
    body["account"] = account.into();
    sidecar.post("/v1/keys/import", &body)
}

#[test]
fn a_value_from_elsewhere_is_taken_over_and_not_repeated() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let answer = import(&sidecar, "demo", strong().into());
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert!(!answer.text.contains(&strong()));
    let key = answer.json();
    assert_eq!(
        key["masked"],
        format!("sk-ol***{}", &strong()[strong().len() - 4..])
    );
    let path = format!("/v1/keys/{}/reveal", key["id"].as_str().unwrap());
    assert_eq!(
        sidecar.call("POST", &path, &[], None).json()["key"],
        strong()
    );
}

#[test]
fn weak_and_malformed_values_are_refused() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut mistyped = strong();
    mistyped.replace_range(10..11, "0");
    let bad = [
        value("aB3dE5gH1j"),
        value(&"a".repeat(40)),
        value(&"0123456789".repeat(4)),
        mistyped,
        "password".into(),
        String::new(),
    ];
    for text in bad {
        let answer = import(&sidecar, "demo", text.clone().into());
        assert_eq!(
            (answer.status, answer.fields()),
            (422, vec!["key".to_owned()]),
            "{text}"
        );
        assert!(
            text.is_empty() || !answer.text.contains(&text),
            "{}",
            answer.text
        );
    }
    assert_eq!(
        sidecar
            .post("/v1/keys/import", &body_with("name", "n".into()))
            .status,
        422
    );
    assert_eq!(sidecar.total(), 0);
}

#[test]
fn a_value_that_is_taken_is_refused_alike_whosever_it_is_or_was() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let made = import(&sidecar, "second", strong().into()).json();
    let detail = |account| {
        let answer = import(&sidecar, account, strong().into());
        assert_eq!(answer.status, 409, "{}", answer.text);
        let mut problem = answer.json();
        problem["request_id"] = json!(null);
        problem
    };
    let (own, others) = (detail("second"), detail("demo"));
    assert_eq!(own, others);
    let path = format!("/v1/keys/{}?confirm=a%20key", made["id"].as_str().unwrap());
    assert_eq!(sidecar.delete(&path).status, 200);
    assert_eq!(detail("demo"), own, "a dead value stays dead");
}
