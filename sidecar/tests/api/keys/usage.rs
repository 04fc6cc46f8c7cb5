//! `GET /v1/keys/{id}/usage`

use keytable::UsageOutcome;
use serde_json::json;

use crate::feed::usage::{no_tokens, report, row};
use crate::support::{Scratch, Sidecar};

#[test]
fn a_key_tells_what_it_was_used_for() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let (key, other) = (
        sidecar.make("a key", "local"),
        sidecar.make("other", "local"),
    );
    report(
        &sidecar,
        1,
        vec![
            row(&key, "glm-5.1", UsageOutcome::Permitted, 10),
            row(&key, "gpt", UsageOutcome::OutOfScope, 3),
            row(&other, "glm-5.1", UsageOutcome::Permitted, 5),
        ],
    );
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    for period in ["minute", "hour", "day"] {
        let answer = sidecar.get(&format!("{path}/usage?period={period}"));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let usage = answer.json();
        assert_eq!(
            usage["total"],
            json!({"permitted": 10, "refused": 3, "tokens": no_tokens()})
        );
        assert_eq!(
            usage["outcomes"],
            json!({"permitted": 10, "out_of_scope": 3})
        );
        let series = usage["series"].as_array().unwrap();
        assert_eq!(series.len(), 60);
        let sum: u64 = series
            .iter()
            .map(|point| point["permitted"].as_u64().unwrap())
            .sum();
        assert_eq!(sum, 10);
        let resources = json!([
            {"resource": "glm-5.1", "kind": "model", "permitted": 10, "refused": 0, "tokens": no_tokens()},
            {"resource": "gpt", "kind": "model", "permitted": 0, "refused": 3, "tokens": no_tokens()},
        ]);
        assert_eq!(usage["resources"], resources);
    }
    assert!(sidecar.get(&path).json()["last_used_at"].is_string());
    let elsewhere = format!("{path}/usage?account=second");
    assert_eq!(sidecar.get(&elsewhere).status, 404);
}

#[test]
fn bad_intervals_are_named() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("a key", "local");
    let path = format!("/v1/keys/{}/usage", key["id"].as_str().unwrap());
    for (query, field) in [
        ("period=week", "period"),
        ("from=yesterday", "from"),
        ("from=2999-01-01T00:00:00Z", "from"),
        ("period=minute&from=2020-01-01T00:00:00Z", "from"),
        ("limit=0", "limit"),
    ] {
        let answer = sidecar.get(&format!("{path}?{query}"));
        assert_eq!(
            (answer.status, answer.fields()),
            (400, vec![field.to_owned()]),
            "{query}"
        );
    }
}
