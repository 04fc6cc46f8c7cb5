//! Headers judged by what the upstream received: what chooses a model or claims to be somebody does
//! not arrive, what SDKs send does, and an operator sees what was removed.

use envoy::Stack;
use serde_json::json;
use tests::{Admin, Key, http2, start_passing, stat, wait_for};

const CHOOSING: [&str; 8] = [
    "x-portkey-config",
    "helicone-fallbacks",
    "x-amzn-sagemaker-target-model",
    "azureml-model-deployment",
    "x-goog-request-params",
    "x-openai-account-routing-override",
    "x-new-gateway-model",
    "cookie",
];
const CLAIMING: [&str; 8] = [
    "x-consumer-username",
    "x-forwarded-user",
    "x-auth-request-email",
    "remote-user",
    "x-original-uri",
    "x-forwarded-uri",
    "x-gateway-destination-endpoint",
    "x-envoy-original-dst-host",
];
/// What official SDKs, proxies and tracing send.
const HONEST: [&str; 14] = [
    "user-agent",
    "accept",
    "x-stainless-retry-count",
    "openai-organization",
    "openai-beta",
    "anthropic-version",
    "x-goog-api-client",
    "x-amzn-bedrock-trace",
    "x-dashscope-sse",
    "idempotency-key",
    "traceparent",
    "tracestate",
    "baggage",
    "last-event-id",
];

/// Which of these headers arrive at the upstream from this key.
fn arrived<'n>(stack: &Stack, key: &Key, names: &[&'n str]) -> Vec<&'n str> {
    let bearer = format!("Bearer {}", key.value).into_bytes();
    let mut fields: Vec<(&str, &[u8])> = vec![
        ("authorization", &bearer),
        ("content-type", b"application/json"),
    ];
    fields.extend(names.iter().map(|name| (*name, b"bad-1".as_slice())));
    let upstream = stack.upstream().unwrap();
    upstream.clear();
    let request = http2::request("POST", "/v1/chat/completions", &fields);
    let body: &[u8] = br#"{"model":"good-1","messages":[]}"#;
    let answer = http2::send(&stack.envoy_url(), request, &[body], http::HeaderMap::new());
    assert_eq!(answer.status, 200, "{}", answer.head);
    let requests = upstream.requests();
    let headers = &requests[0].headers;
    let has = |name: &str| {
        let mut values = headers.iter().filter(|(known, _)| known == name);
        values.any(|(_, value)| value.windows(5).any(|part| part == b"bad-1"))
    };
    names.iter().copied().filter(|name| has(name)).collect()
}

fn keys(admin: &Admin) -> (Key, Key) {
    let free = admin.create("free", json!({}));
    let limited = json!({"scope": {"models": ["good-1"]}});
    (free, admin.create("limited", limited))
}

#[test]
fn no_header_chooses_and_none_claims_to_be_somebody() {
    let (stack, admin) = start_passing(&[]);
    let (free, limited) = keys(&admin);
    let none: [&str; 0] = [];
    assert_eq!(arrived(&stack, &limited, &CHOOSING), none);
    assert_eq!(arrived(&stack, &free, &CHOOSING), CHOOSING);
    for key in [&free, &limited] {
        assert_eq!(arrived(&stack, key, &CLAIMING), none);
        assert_eq!(arrived(&stack, key, &HONEST), HONEST);
    }
}

#[test]
fn what_is_removed_is_seen_and_can_be_let_pass() {
    let (stack, admin) = start_passing(&["x-acme-*", "x-forwarded-user"]);
    let (free, limited) = keys(&admin);
    let names = ["x-acme-team", "x-acme-model", "x-forwarded-user", "x-team"];
    assert_eq!(arrived(&stack, &free, &names), names);
    assert_eq!(
        arrived(&stack, &limited, &names),
        ["x-acme-team", "x-forwarded-user"]
    );
    let secret = limited.value.to_lowercase();
    assert!(arrived(&stack, &limited, &[&secret]).is_empty());
    for word in ["x-team", "x-acme-model", "other"] {
        let name = format!("wasmcustom.latchkey.headers_removed.{word}");
        wait_for(word, || stat(&stack, &name) == 1);
    }
    let page = format!("{}/stats/prometheus", stack.envoy_admin_url());
    let page = tests::raw::get_text(&page);
    let line = "latchkey_headers_removed{header=\"x-acme-model\"} 1";
    assert!(page.contains(line), "the name is a label");
    assert!(!page.to_lowercase().contains(&secret), "no secret is");
}
