//! One credential, read everywhere, removed everywhere; anything else is 401 and goes nowhere.

use serde_json::json;
use tests::raw::{self, post_chat, post_chat_with};
use tests::{chat, start, stat};

/// Right form and checksum, but no such key.
fn unknown_key() -> String {
    let body = format!("sk-{}", "A".repeat(40));
    let sum = keytable::api_key::checksum(body.as_bytes());
    format!("{body}{}", String::from_utf8_lossy(&sum))
}

#[test]
fn whatever_is_no_single_live_key_is_refused_and_the_vm_lives() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let key = admin.create("good", json!({}));
    let other = admin.create("other", json!({}));
    let good = key.value.as_bytes();
    let mut mistyped = key.value.clone().into_bytes();
    mistyped[10] = if mistyped[10] == b'a' { b'b' } else { b'a' };

    let line = |name: &str, value: &[u8]| [name.as_bytes(), b": ", value].concat();
    let bearer = |value: &[u8]| line("authorization", &[b"Bearer ", value].concat());
    let cases: Vec<Vec<Vec<u8>>> = vec![
        vec![],
        vec![line("authorization", b"Bearer")],
        vec![bearer(b"")],
        vec![bearer(b"sk-short")],
        vec![bearer(&mistyped)],
        vec![bearer(unknown_key().as_bytes())],
        vec![bearer(&[good, b"x"].concat())],
        vec![bearer(&good[..20])],
        vec![bearer(&good.to_ascii_uppercase())],
        vec![bearer(&[b" ".as_slice(), good].concat())],
        vec![bearer(&[good, b",".as_slice(), good].concat())],
        vec![bearer(&vec![b'a'; 8192])],
        vec![bearer(b"\xff\xfe\x80\xc0\xa7")],
        vec![bearer(&[good, b"\xff".as_slice()].concat())],
        vec![bearer(b"' OR '1'='1")],
        vec![line("authorization", b"Basic c2stOng=")],
        vec![bearer(good), bearer(other.value.as_bytes())],
        vec![bearer(good), bearer(good)],
        vec![bearer(good), line("x-api-key", other.value.as_bytes())],
        vec![line("x-api-key", good), line("x-api-key", good)],
        vec![line("x-api-key", b"\xff\xff")],
        vec![line("api-key", b"")],
    ];
    for lines in &cases {
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let answer = post_chat(&gate, &lines, chat("glm-5.1").as_bytes());
        let shown = lines
            .iter()
            .map(|l| String::from_utf8_lossy(l))
            .collect::<Vec<_>>();
        assert_eq!(answer.status, 401, "{shown:?}");
    }
    assert_eq!(stack.upstream().unwrap().count(), 0);
    assert_eq!(
        post_chat_with(&gate, &key.value, &chat("glm-5.1")).status,
        200
    );
    assert_eq!(
        stat(&stack, "wasm.gate.vm_reload_success"),
        0,
        "no VM had to be replaced"
    );
}

#[test]
fn every_place_is_read_and_emptied() {
    let (stack, admin) = start();
    let key = admin.create("good", json!({})).value;
    let header = |name: &str| format!("{name}: {key}");
    let bearer = format!("AUTHORIZATION: bEaReR {key}");
    let protocol = format!("sec-websocket-protocol: realtime, openai-insecure-api-key.{key}, v1");
    let requests: Vec<(String, Vec<String>)> = vec![
        ("/v1/models".into(), vec![bearer.clone()]),
        ("/v1/models".into(), vec![header("x-api-key")]),
        ("/v1/models".into(), vec![header("api-key")]),
        ("/v1/models".into(), vec![header("x-goog-api-key")]),
        (
            "/v1/models".into(),
            vec![header("x-api-key"), header("api-key"), bearer],
        ),
        (format!("/v1/models?a=1&key={key}&b=2"), vec![]),
        (format!("/v1/models?k%65y={key}"), vec![]),
        ("/v1/models".into(), vec![protocol]),
    ];
    for (path, lines) in &requests {
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        let answer = raw::send(&stack.envoy_url(), &raw::head("GET", path, &lines));
        assert_eq!(answer.status, 200, "{}", path.replace(&key, "KEY"));
    }
    let seen = stack.upstream().unwrap().requests();
    assert_eq!(seen.len(), requests.len());
    let secret = &key[5..30];
    for request in &seen {
        assert!(
            !request.target.contains(secret),
            "the key is gone from the path"
        );
        for (name, value) in &request.headers {
            assert!(
                !String::from_utf8_lossy(value).contains(secret),
                "the key is gone: {name}"
            );
        }
    }
    assert_eq!(seen[5].target, "/v1/models?a=1&b=2");
    assert_eq!(seen[6].target, "/v1/models");
    assert_eq!(
        seen[7].header("sec-websocket-protocol"),
        Some("realtime, v1")
    );
}

#[test]
fn identity_headers_are_ours_alone() {
    let (stack, admin) = start();
    let key = admin.create("good", json!({}));
    let bearer = format!("authorization: Bearer {}", key.value);
    let lines: &[&[u8]] = &[
        bearer.as_bytes(),
        b"x-latchkey-key-id: admin",
        b"x-latchkey-account: root",
        b"x-latchkey-model: other",
        b"x-latchkey-anything: 1",
    ];
    assert_eq!(
        post_chat(&stack.envoy_url(), lines, chat("glm-5.1").as_bytes()).status,
        200
    );
    let seen = &stack.upstream().unwrap().requests()[0];
    let ours: Vec<_> = seen
        .headers
        .iter()
        .filter(|(name, _)| name.starts_with("x-latchkey-"))
        .collect();
    assert_eq!(seen.header("x-latchkey-key-id"), Some(key.id.as_str()));
    assert_eq!(seen.header("x-latchkey-account"), Some("demo"));
    assert_eq!(ours.len(), 2, "{ours:?}");
}

#[test]
fn a_thousand_alternating_requests_are_decided_right_on_both_workers() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let good = admin.create("good", json!({}));
    let disabled = admin.create("disabled", json!({}));
    admin.patch(&disabled, &json!({"status": "disabled"}));
    for round in 0..500 {
        let yes = post_chat_with(&gate, &good.value, &chat("glm-5.1"));
        let no = post_chat_with(&gate, &disabled.value, &chat("glm-5.1"));
        assert_eq!((yes.status, no.status), (200, 401), "round {round}");
    }
    let address = raw::address_of(&gate).replace(':', "_");
    let by_worker = [0, 1].map(|worker| {
        stat(
            &stack,
            &format!("listener.{address}.worker_{worker}.downstream_cx_total"),
        )
    });
    println!("connections by worker: {by_worker:?}");
    assert!(
        by_worker.iter().all(|count| *count > 0),
        "both workers decided: {by_worker:?}"
    );
    assert_eq!(stack.upstream().unwrap().count(), 500);
}
