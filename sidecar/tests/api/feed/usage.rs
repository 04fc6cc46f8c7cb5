//! `POST /feed/v1/usage`

use keytable::{KeyId, TokenCounts, Tokens, UsageBatch, UsageOutcome, UsageRow};
use serde_json::{Value, json};

use crate::support::{FEED_TOKEN, Scratch, Sidecar};

/// Requests of a key that have just come.
/// What requests are told to have used whose Envoy told no tokens.
pub(crate) fn no_tokens() -> Value {
    let none = json!({"input": 0, "cached": 0, "output": 0, "reasoning": 0});
    json!({"reported": none, "estimated": none})
}

pub(crate) fn row(key: &Value, resource: &str, outcome: UsageOutcome, count: u64) -> UsageRow {
    UsageRow {
        key_id: KeyId::parse(key["id"].as_str().unwrap()).unwrap(),
        resource: resource.into(),
        outcome,
        count,
        tokens: Tokens::default(),
        last_at_unix_ms: 0,
        last_address: Some("192.0.2.7".parse().unwrap()),
    }
}

/// Posts bytes as an Envoy does; the status.
pub(crate) fn post(sidecar: &Sidecar, token: &str, bytes: &[u8]) -> u16 {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent = ureq::Agent::new_with_config(config.proxy(None).build());
    let request = agent.post(format!("{}/feed/v1/usage", sidecar.feed()));
    let answer = request.header("authorization", token).send(bytes);
    answer.unwrap().status().as_u16()
}

/// Posts rows as one batch.
pub(crate) fn report(sidecar: &Sidecar, sequence: u64, rows: Vec<UsageRow>) {
    let batch = UsageBatch {
        source: [5; 16],
        sequence,
        rows,
        charges: Vec::new(),
    };
    assert_eq!(post(sidecar, FEED_TOKEN, &batch.encode()), 200);
}

fn permitted(sidecar: &Sidecar) -> Value {
    let usage = sidecar.get("/v1/usage?account=demo").json();
    usage["total"]["permitted"].clone()
}

#[test]
fn a_batch_that_comes_twice_is_counted_once() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("a key", "local");
    let rows = || vec![row(&key, "glm-5.1", UsageOutcome::Permitted, 7)];
    report(&sidecar, 1, rows());
    report(&sidecar, 1, rows());
    assert_eq!(permitted(&sidecar), 7);
    report(&sidecar, 2, rows());
    assert_eq!(permitted(&sidecar), 14);
}

#[test]
fn whoever_has_no_credential_and_whatever_is_no_batch_is_refused() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("a key", "local");
    let good = UsageBatch {
        source: [5; 16],
        sequence: 1,
        rows: vec![row(&key, "glm-5.1", UsageOutcome::Permitted, 7)],
        charges: Vec::new(),
    };
    let good = good.encode();
    let operator = format!("Bearer {}", sidecar.token());
    for token in ["", "Bearer x", &operator] {
        assert_eq!(post(&sidecar, token, &good), 401);
    }
    let mut flipped = good.clone();
    flipped[50] ^= 1;
    for bytes in [&[][..], b"{}", &good[..good.len() - 1], &flipped] {
        assert_eq!(post(&sidecar, FEED_TOKEN, bytes), 400);
    }
    let large = vec![0; keytable::limits::USAGE_BYTES_MAX + 1];
    assert_eq!(post(&sidecar, FEED_TOKEN, &large), 413);
    assert_eq!(permitted(&sidecar), 0);
    assert_eq!(post(&sidecar, FEED_TOKEN, &good), 200);
    assert_eq!(permitted(&sidecar), 7);
}

/// Filters of earlier versions tell a resource as the client wrote it.
#[test]
fn a_resource_is_told_without_credentials_and_control_characters() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("a key", "local");
    let secret = sidecar.make("other", "local")["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let told = [
        secret.clone(),
        format!("x/{secret}"),
        "a\0b".into(),
        "a\u{1b}[b".into(),
    ];
    let rows = told
        .iter()
        .map(|name| row(&key, name, UsageOutcome::OutOfScope, 2));
    report(&sidecar, 1, rows.collect());
    let path = format!("/v1/keys/{}/usage", key["id"].as_str().unwrap());
    for path in ["/v1/usage?account=demo", path.as_str()] {
        let answer = sidecar.get(path);
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(!answer.text.contains(&secret[8..20]), "{}", answer.text);
    }
    let usage = sidecar.get(&path).json();
    let shares = usage["resources"].as_array().unwrap().iter();
    let mut shares: Vec<_> = shares
        .map(|share| {
            (
                share["resource"].as_str().unwrap(),
                share["refused"].as_u64().unwrap(),
            )
        })
        .collect();
    shares.sort_unstable();
    assert_eq!(
        shares,
        [("(redacted)", 4), ("a\u{fffd}[b", 2), ("a\u{fffd}b", 2)]
    );
}

#[test]
fn tokens_are_told_reported_and_estimated_apart() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("a key", "local");
    let counts = |input| TokenCounts {
        input,
        cached: 1,
        output: 2,
        reasoning: 1,
    };
    let used = UsageRow {
        tokens: Tokens {
            reported: counts(10),
            estimated: counts(20),
        },
        ..row(&key, "glm-5.1", UsageOutcome::Permitted, 2)
    };
    report(&sidecar, 1, vec![used]);
    let told = |input| json!({"input": input, "cached": 1, "output": 2, "reasoning": 1});
    let told = json!({"reported": told(10), "estimated": told(20)});
    let usage = sidecar.get("/v1/usage?account=demo").json();
    assert_eq!(usage["total"]["tokens"], told);
    assert_eq!(usage["resources"][0]["tokens"], told);
    assert_eq!(usage["keys"][0]["tokens"], told);
    assert_eq!(usage["series"][59]["tokens"], told);
    let path = format!("/v1/keys/{}/usage", key["id"].as_str().unwrap());
    assert_eq!(sidecar.get(&path).json()["total"]["tokens"], told);
}
