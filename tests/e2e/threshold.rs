//! What Envoy does to a request before the gate is asked: headers with underscores, HTTP/1.0, and
//! the refusals that docs/operations.md explains.
//!
//! Invariant: whatever Envoy lets through is decided by the gate, and what it takes away reaches
//! nobody.

use std::fs;

use envoy::{Stack, StackOptions};
use serde_json::{Value, json};
use tests::http2;
use tests::raw::{self, post_chat};
use tests::{chat, start, wait_for};

#[test]
fn a_header_with_an_underscore_harms_no_request_and_reaches_nobody() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let everything = admin.create("all", json!({}));
    let listed = admin.create("list", json!({"scope": {"models": ["glm-5.1"]}}));
    for key in [&everything, &listed] {
        let bearer = format!("authorization: Bearer {}", key.value);
        let lines: [&[u8]; 3] = [bearer.as_bytes(), b"session_id: 0199-codex", b"x_a_b: 1"];
        let answer = post_chat(&gate, &lines, chat("glm-5.1").as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.head);
    }
    let bearer = format!("Bearer {}", everything.value);
    let fields: [(&str, &[u8]); 2] = [("authorization", bearer.as_bytes()), ("session_id", b"1")];
    let request = http2::request("GET", "/v1/models", &fields);
    let answer = http2::send(&gate, request, &[], http::HeaderMap::new());
    assert_eq!(answer.status, 200, "{}", answer.head);
    let requests = stack.upstream().unwrap().requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        let names = request.headers.iter().map(|(name, _)| name);
        let odd: Vec<_> = names.filter(|name| name.contains('_')).collect();
        assert!(odd.is_empty(), "{odd:?}");
    }
}

#[test]
fn a_key_in_a_header_with_an_underscore_alone_is_no_key() {
    let (stack, admin) = start();
    let key = admin.create("all", json!({})).value;
    for name in ["x_api_key", "api_key", "x_goog_api_key", "x-api_key"] {
        let line = format!("{name}: {key}");
        let answer = post_chat(&stack.envoy_url(), &[line.as_bytes()], b"{}");
        assert_eq!(answer.status, 401, "{name}");
    }
    let bearer = format!("authorization: Bearer {key}");
    let lines = [bearer.as_bytes(), b"x_api_key: sk-another".as_slice()];
    let answer = post_chat(&stack.envoy_url(), &lines, chat("glm-5.1").as_bytes());
    assert_eq!(answer.status, 200, "what is dropped contradicts nothing");
    let requests = stack.upstream().unwrap().requests();
    assert_eq!(requests.len(), 1);
    let has_it = |(name, _): &(String, Vec<u8>)| name.contains("api");
    assert!(!requests[0].headers.iter().any(has_it));
}

#[test]
fn http_1_0_is_served_and_judged_like_any_other() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let key = admin.create("list", json!({"scope": {"models": ["glm-5.1"]}}));
    // As nginx writes it with `proxy_pass` alone.
    let ask = |credential: &str, body: &str| {
        let head = format!(
            "POST /v1/chat/completions HTTP/1.0\r\nHost: gate\r\nConnection: close\r\n\
             {credential}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        raw::send(&gate, head.as_bytes())
    };
    let bearer = format!("Authorization: Bearer {}\r\n", key.value);
    let served = ask(&bearer, &chat("glm-5.1"));
    assert_eq!(served.status, 200, "{}", served.head);
    assert!(served.head.starts_with("HTTP/1.0 200"), "{}", served.head);
    assert!(!served.head.contains("chunked"), "{}", served.head);
    let streamed = chat("glm-5.1").replacen('{', r#"{"stream":true,"#, 1);
    let streamed = ask(&bearer, &streamed);
    let text = String::from_utf8_lossy(&streamed.body).into_owned();
    assert!(text.trim_end().ends_with("data: [DONE]"), "{text}");
    assert_eq!(ask(&bearer, &chat("kimi-k2.6")).status, 403);
    assert_eq!(ask("", &chat("glm-5.1")).status, 401);
    assert_eq!(stack.upstream().unwrap().count(), 2);
}

/// What a client sends, and the reason that the access log has for refusing it.
fn refused_below() -> Vec<(Vec<u8>, &'static str)> {
    let get = |path: &str, lines: &[&[u8]]| raw::head("GET", path, lines);
    let large = [b"x-large: ".as_slice(), &[b'a'; 70_000]].concat();
    let many: Vec<Vec<u8>> = (0..110).map(|n| format!("x-{n}: 1").into_bytes()).collect();
    let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
    let both: [&[u8]; 2] = [b"content-length: 3", b"transfer-encoding: chunked"];
    let post = |lines: &[&[u8]]| {
        [
            raw::head("POST", "/v1/models", lines),
            b"0\r\n\r\n".to_vec(),
        ]
        .concat()
    };
    vec![
        (raw::head("BREW", "/v1/models", &[]), "http1.codec_error"),
        (
            b"\x16\x03\x01\x00\xa5\x01\x00".to_vec(),
            "http1.codec_error",
        ),
        (get("/v1/m\u{f6}dels", &[]), "http1.codec_error"),
        (post(&both), "http1.content_length_and_chunked_not_allowed"),
        (
            post(&[b"transfer-encoding: gzip, chunked"]),
            "http1.invalid_transfer_encoding",
        ),
        (
            b"GET /v1/models HTTP/1.0\r\n\r\n".to_vec(),
            "missing_host_header",
        ),
        (get("/v1/models#x", &[]), "path_normalization_failed"),
        (get("/v1/models%00", &[]), "path_normalization_failed"),
        (get("/v1/models", &[&large]), "http1.headers_too_large"),
        (get("/v1/models", &many), "http1.too_many_headers"),
        (
            b"GET /v1/models HTTP/1.1\r\nhost: gate\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n"
                .to_vec(),
            "upgrade_failed",
        ),
    ]
}

/// Reason and status of each request in the access log, in order.
fn logged(stack: &Stack) -> Vec<(String, u64)> {
    let text = fs::read_to_string(stack.access_log()).unwrap_or_default();
    let lines = text.lines().map(serde_json::from_str::<Value>);
    let lines = lines.map_while(Result::ok);
    lines
        .map(|line| {
            let details = line["details"].as_str().unwrap_or_default().to_owned();
            (details, line["status"].as_u64().unwrap_or_default())
        })
        .collect()
}

/// Rows of the table in docs/operations.md: the first reasons and statuses of each.
fn explained() -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
    let text = fs::read_to_string(page).unwrap();
    let (_, section) = text
        .split_once("### What Envoy refuses before the gate is asked")
        .unwrap();
    section.split("\n### ").next().unwrap().to_owned()
}

fn assert_explained(reason: &str, status: u64) {
    let table = explained();
    let named = format!("`{reason}`");
    let row = table.lines().find(|row| row.contains(&named));
    let row = row.unwrap_or_else(|| panic!("docs/operations.md does not explain {reason}"));
    assert!(row.contains(&status.to_string()), "{status}: {row}");
}

/// Sends each, and compares what the access log says.
fn assert_refused(stack: &Stack, cases: &[(Vec<u8>, &'static str)]) {
    let gate = stack.envoy_url();
    for (bytes, reason) in cases {
        let answer = raw::send(&gate, bytes);
        let status = u64::from(answer.status);
        assert!(status >= 400, "{reason}: {}", answer.head);
        let expected = ((*reason).to_owned(), status);
        wait_for(reason, || logged(stack).contains(&expected));
        assert_explained(reason, status);
    }
    assert_eq!(stack.upstream().unwrap().count(), 0);
}

#[test]
fn every_refusal_of_envoys_own_is_explained_with_its_reason_and_status() {
    let (stack, _) = start();
    assert_refused(&stack, &refused_below());
}

#[test]
fn without_our_settings_underscores_and_http_1_0_are_refused_as_explained() {
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    stack.start_sidecar().unwrap();
    let plan = tests::world::Plan::of(&stack, "strict")
        .edit(
            "headers_with_underscores_action: DROP_HEADER",
            "headers_with_underscores_action: REJECT_REQUEST",
        )
        .edit("http_protocol_options: { accept_http_10: true }", "");
    let strict = plan.start_with_table();
    let underscore = raw::head("GET", "/v1/models", &[b"session_id: 1"]);
    let old = b"GET /v1/models HTTP/1.0\r\nhost: gate\r\n\r\n".to_vec();
    for (bytes, reason, status) in [
        (underscore, "http1.unexpected_underscore", 400),
        (old, "low_version", 426),
    ] {
        assert_eq!(raw::send(&strict.url(), &bytes).status, status, "{reason}");
        let log = || fs::read_to_string(&strict.plan.settings().bootstrap.access_log);
        wait_for(reason, || log().is_ok_and(|text| text.contains(reason)));
        assert_explained(reason, u64::from(status));
    }
}
