//! Keys in a header of their own, through a real Envoy: what belongs to the upstream arrives as it was
//! sent, and a key of ours arrives nowhere, whatever place and spelling a client chose for it.
//!
//! `filter/tests/gate/places.rs` has every spelling. Invariant: judged by the headers that the upstream received.

use envoy::{Recorded, Stack, StackOptions};
use serde_json::json;
use tests::raw::{self, Answer};
use tests::{Key, chat, start_with};

fn start() -> (Stack, [Key; 2]) {
    let places = json!({"key_places": ["header:x-latchkey-key"]});
    let (stack, admin) = start_with(StackOptions {
        gate_settings: serde_json::from_value(places).unwrap(),
        ..StackOptions::default()
    });
    let limited = admin.create("limited", json!({"scope": {"models": ["glm-5.1"]}}));
    let unlimited = admin.create("unlimited", json!({}));
    (stack, [limited, unlimited])
}

fn ask(stack: &Stack, lines: &[String]) -> Answer {
    stack.upstream().unwrap().clear();
    let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    raw::post_chat(&stack.envoy_url(), &lines, chat("glm-5.1").as_bytes())
}

/// The one request that has arrived.
fn arrived(stack: &Stack) -> Recorded {
    let requests = stack.upstream().unwrap().requests();
    let [one] = <[_; 1]>::try_from(requests).expect("one request");
    one
}

/// The text in base64, its bytes being a multiple of three.
fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (threes, rest) = text.as_bytes().as_chunks::<3>();
    assert!(rest.is_empty(), "{} bytes", text.len());
    let digits = |[a, b, c]: &[u8; 3]| {
        let bits = u32::from_be_bytes([0, *a, *b, *c]);
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[((bits >> shift) & 63) as usize]))
    };
    threes.iter().flat_map(digits).collect()
}

/// A text of which the length is a multiple of three.
fn padded(text: String) -> String {
    let missing = (3 - text.len() % 3) % 3;
    text + &":".repeat(missing)
}

#[test]
fn what_belongs_to_the_upstream_arrives_as_it_was_sent() {
    let (stack, keys) = start();
    for key in &keys {
        for theirs in [
            "Bearer of-the-upstream".to_owned(),
            "Basic dXNlcjpwYXNzd29yZA==".to_owned(),
            "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/bedrock/aws4_request, Signature=ab".to_owned(),
        ] {
            let lines = [
                format!("x-latchkey-key: {}", key.value),
                format!("authorization: {theirs}"),
                "x-api-key: of-the-upstream".to_owned(),
            ];
            assert_eq!(ask(&stack, &lines).status, 200, "{theirs}");
            let request = arrived(&stack);
            assert_eq!(request.header("authorization"), Some(theirs.as_str()));
            assert_eq!(request.header("x-api-key"), Some("of-the-upstream"));
            assert_eq!(request.header("x-latchkey-key"), None);
            assert_eq!(request.header("x-latchkey-key-id"), Some(key.id.as_str()));
        }
    }
}

#[test]
fn a_key_of_ours_arrives_nowhere_whatever_its_place_and_spelling() {
    let (stack, keys) = start();
    for key in &keys {
        for ours in &keys {
            let value = &ours.value;
            let in_base64 = base64(&padded(format!("user:{value}")));
            for (name, text) in [
                ("authorization", format!("Bearer {value}")),
                ("authorization", format!("Basic {in_base64}")),
                (
                    "authorization",
                    format!("Basic {}==", base64(&padded(value.clone()))),
                ),
                ("proxy-authorization", format!("Basic {in_base64}")),
                ("x-api-key", value.clone()),
                ("api-key", in_base64.clone()),
                ("x-goog-api-key", value.clone()),
                ("apikey", format!("{value},{value}")),
                (
                    "sec-websocket-protocol",
                    format!("a, openai-insecure-api-key.{value}"),
                ),
                ("user-agent", format!("tool/1 ({value})")),
            ] {
                let lines = [
                    format!("x-latchkey-key: {}", key.value),
                    format!("{name}: {text}"),
                ];
                assert_eq!(ask(&stack, &lines).status, 200, "{name}: {text}");
                let request = arrived(&stack);
                assert_eq!(request.header(name), None, "{text}");
                for (name, text) in &request.headers {
                    let text = String::from_utf8_lossy(text);
                    assert!(
                        !text.contains(value) && !text.contains(&in_base64),
                        "{name}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_key_where_it_is_not_read_opens_nothing() {
    let (stack, [limited, unlimited]) = start();
    for key in [limited, unlimited] {
        for line in [
            format!("authorization: Bearer {}", key.value),
            format!("x-api-key: {}", key.value),
            "x-latchkey-key: ".to_owned(),
        ] {
            assert_eq!(ask(&stack, &[line]).status, 401);
            assert_eq!(stack.upstream().unwrap().count(), 0);
        }
    }
}
