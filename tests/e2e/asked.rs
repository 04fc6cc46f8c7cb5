//! Streams of keys with a limit of tokens through a real Envoy: they are asked to state what they use, are charged
//! what they state, and look to the client as those of a key without limits.
//!
//! What is changed at which byte is tried in `filter/tests/gate/asked.rs`. Judge: what the upstream received, and
//! what the ledger has heard.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::{Key, start_with, wait_for};

use crate::limits::keeping;

const WORD: &str = r#","stream_options":{"include_usage":true}"#;
/// What each stream of the demo upstream states.
const TOKENS_OF_ONE: u64 = 5;

/// The whole answer to a request.
fn ask(url: &str, key: &Key, body: &str) -> String {
    let request = ureq::post(format!("{url}/v1/chat/completions"))
        .header("authorization", format!("Bearer {}", key.value))
        .header("content-type", "application/json");
    let mut answer = request.send(body).unwrap();
    answer.body_mut().read_to_string().unwrap()
}

/// A small body, and one that is held until the end, because its model stands there.
fn bodies() -> [String; 2] {
    let prompt = "a } ".repeat(1 << 20);
    [
        r#"{"model":"glm-5.1","messages":[],"stream":true}"#.to_owned(),
        format!(r#"{{"messages":[{{"content":"{prompt}"}}],"stream":true,"model":"glm-5.1"}}"#),
    ]
}

#[test]
fn a_stream_that_is_asked_is_charged_what_it_states_and_looks_as_if_it_were_not() {
    let (stack, admin) = start_with(keeping(envoy::StackOptions::default()));
    let limits = json!([{"unit": "tokens", "window": "lifetime", "amount": 10_000_000}]);
    let free = admin.create("free", json!({}));
    let keys = [
        admin.create("metered", json!({"limits": limits})),
        admin.create(
            "scoped",
            json!({"limits": limits, "scope": {"models": ["glm-5.1"]}}),
        ),
    ];
    let (url, upstream) = (stack.envoy_url(), stack.upstream().unwrap());
    let mut used = 0;
    for body in bodies() {
        let wanted = ask(&url, &free, &body);
        assert!(wanted.ends_with("data: [DONE]\n\n"), "{wanted}");
        used += TOKENS_OF_ONE;
        let asked = [body.trim_end_matches('}'), WORD, "}"].concat();
        for key in &keys {
            upstream.clear();
            assert_eq!(ask(&url, key, &body), wanted);
            let received = upstream.requests();
            assert_eq!(
                received[0].body_sha256,
                <[u8; 32]>::from(Sha256::digest(&asked))
            );
            let is_length = |(name, _): &(String, Vec<u8>)| name == "content-length";
            assert!(!received[0].headers.iter().any(is_length));
            wait_for("the ledger has heard of it", || {
                let path = format!("/v1/keys/{}/limits", key.id);
                let (_, told) = admin.call("GET", &path, None);
                let limit: &Value = &told["limits"][0];
                limit["used"] == used && limit["held"] == 0
            });
        }
    }
}
