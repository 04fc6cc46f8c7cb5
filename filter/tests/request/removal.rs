//! A request that goes on carries the key nowhere, and everything else as it was sent.

use crate::support::{Exchange, Rig, key, record};

/// Sends the request and gives all headers that the upstream sees but ours.
fn forwarded(request: Exchange) -> Vec<(String, Vec<u8>)> {
    let exchange = request.send(&[b"{}"]);
    assert_eq!(exchange.status(), 200);
    let headers = exchange.host.headers.borrow();
    let secret = key(1).into_bytes();
    for (name, value) in headers.iter() {
        let holds_key = value.windows(secret.len()).any(|part| part == secret);
        assert!(!holds_key, "{} holds the key", name.escape_ascii());
    }
    let ours = |name: &[u8]| name.starts_with(b"x-latchkey-");
    let others = headers.iter().filter(|(name, _)| !ours(name));
    others
        .map(|(name, value)| (String::from_utf8(name.clone()).unwrap(), value.clone()))
        .collect()
}

fn rig() -> Rig {
    Rig::with(&[record(1)])
}

fn path_of(headers: &[(String, Vec<u8>)]) -> String {
    let (_, value) = headers.iter().find(|(name, _)| name == ":path").unwrap();
    String::from_utf8(value.clone()).unwrap()
}

#[test]
fn a_header_that_held_the_key_is_gone_and_the_rest_is_untouched() {
    let rig = rig();
    let plain = |request: Exchange| request.header("x-a", b"\xff\x01 b").header("cookie", "a=b");
    let expected = {
        let exchange = plain(rig.post());
        exchange.host.headers.borrow().clone()
    };
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(name, value)| (String::from_utf8(name).unwrap(), value))
        .collect();
    assert_eq!(forwarded(plain(rig.post()).bearer(1)), expected);
    for name in ["x-api-key", "api-key", "x-goog-api-key"] {
        assert_eq!(
            forwarded(plain(rig.post()).header(name, key(1))),
            expected,
            "{name}"
        );
    }
}

#[test]
fn the_key_is_taken_out_of_every_place_at_once() {
    let rig = rig();
    let mut request = rig.post().bearer(1);
    for name in ["x-api-key", "api-key", "x-goog-api-key"] {
        request = request.header(name, key(1));
    }
    let request = request
        .with(":path", format!("/v1/x?key={}", key(1)))
        .header(
            "sec-websocket-protocol",
            format!("openai-insecure-api-key.{}", key(1)),
        );
    let names: Vec<String> = forwarded(request)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, [":method", ":authority", "content-type", ":path"]);
}

#[test]
fn the_query_keeps_all_but_the_key() {
    let rig = rig();
    for (sent, kept) in [
        ("/v1/x?key=KEY", "/v1/x"),
        ("/v1/x?key=KEY&a=1", "/v1/x?a=1"),
        ("/v1/x?a=1&key=KEY", "/v1/x?a=1"),
        ("/v1/x?a=1&k%65y=KEY&b=%2F+;c&&=", "/v1/x?a=1&b=%2F+;c&&="),
        ("/v1/x?&key=KEY", "/v1/x?"),
        ("/v1/x?key=KEY&", "/v1/x?"),
        (
            "/v1/x?keys=1&key=KEY&Key=2&a=b?c=d",
            "/v1/x?keys=1&Key=2&a=b?c=d",
        ),
        ("/v1/%6bey%3F/..//?key=KEY", "/v1/%6bey%3F/..//"),
    ] {
        let path = sent.replace("KEY", &key(1));
        let headers = forwarded(rig.post().with(":path", path));
        assert_eq!(path_of(&headers), kept, "{sent}");
    }
}

#[test]
fn a_path_without_a_key_is_not_rewritten() {
    let rig = rig();
    for path in ["/v1/x", "/v1/x?", "/v1/x?a=1&&b", "/v1/x?a=key", "/?Key=1"] {
        let headers = forwarded(rig.post().with(":path", path).bearer(1));
        assert_eq!(path_of(&headers), path);
    }
}

#[test]
fn the_other_subprotocols_stay() {
    let rig = rig();
    for (sent, kept) in [
        (
            "realtime, openai-insecure-api-key.KEY, beta.v1",
            vec!["realtime, beta.v1"],
        ),
        ("openai-insecure-api-key.KEY,realtime", vec!["realtime"]),
        ("openai-insecure-api-key.KEY", vec![]),
    ] {
        let value = sent.replace("KEY", &key(1));
        let request = rig.post().header("sec-websocket-protocol", value);
        let headers = forwarded(request);
        let protocols: Vec<_> = headers
            .iter()
            .filter(|(name, _)| name == "sec-websocket-protocol")
            .map(|(_, value)| String::from_utf8(value.clone()).unwrap())
            .collect();
        assert_eq!(protocols, kept, "{sent}");
    }
    let several = rig
        .post()
        .header("sec-websocket-protocol", "realtime")
        .header(
            "sec-websocket-protocol",
            format!("openai-insecure-api-key.{}", key(1)),
        )
        .header("sec-websocket-protocol", "beta.v1");
    let headers = forwarded(several);
    assert!(headers.contains(&(
        "sec-websocket-protocol".into(),
        b"realtime, beta.v1".to_vec()
    )));
}

#[test]
fn identity_headers_of_the_client_never_pass() {
    let rig = rig();
    let exchange = rig
        .post()
        .bearer(1)
        .header("x-latchkey-key-id", "admin")
        .header("x-latchkey-key-id", "root")
        .header("x-latchkey-account", "other")
        .header("x-latchkey-model", "any")
        .header("x-latchkey-", "any")
        .header("x-latchkey-future", "any")
        .send(&[b"{}"]);
    assert_eq!(exchange.status(), 200);
    assert_eq!(exchange.seen("x-latchkey-key-id"), ["ak-20260101-1"]);
    assert_eq!(exchange.seen("x-latchkey-account"), ["demo"]);
    for name in ["x-latchkey-model", "x-latchkey-", "x-latchkey-future"] {
        assert!(exchange.seen(name).is_empty(), "{name}");
    }
}
