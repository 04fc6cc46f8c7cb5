//! Upgrades, tunnels and trailers.

use http::HeaderMap;
use tests::http2;
use tests::http2_upstream::Http2Upstream;

use super::{Attempt, Framing, Range, head};

/// Lines of a WebSocket's handshake.
const HANDSHAKE: [&str; 4] = [
    "upgrade: websocket",
    "connection: upgrade",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
];

fn lines(range: &Range, more: &[&str]) -> Vec<Vec<u8>> {
    let mut lines = vec![[b"authorization: ".as_slice(), &range.bearer()].concat()];
    lines.extend(more.iter().map(|line| line.as_bytes().to_vec()));
    lines
}

/// A head without the `connection: close` of other requests, which would contradict the upgrade.
fn upgrade(method: &str, path: &str, lines: &[Vec<u8>]) -> Vec<u8> {
    let text = head(method, path, lines);
    let close = b"connection: close\r\n";
    let at = text
        .windows(close.len())
        .rposition(|window| window == close);
    let (before, after) = text.split_at(at.unwrap());
    [before, &after[close.len()..]].concat()
}

#[test]
fn a_websocket_is_refused_where_its_frames_choose_the_model() {
    Range::in_both_settings(|range| {
        for path in [
            "/v1/realtime?model=good-1",
            "/v1/realtime?model=bad-1",
            "/v1/responses",
            "/openai/realtime?deployment=good-1",
            "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
            "/v1/chat/completions",
        ] {
            let mut bytes = upgrade("GET", path, &lines(range, &HANDSHAKE));
            bytes.extend(b"GET /v1/models HTTP/1.1\r\nhost: gate\r\n\r\n");
            range.judge_raw(&format!("H-08, P-16 {path}"), &bytes, &[403]);
        }
        assert_eq!(range.upstream().open_streams(), 0);
    });
}

#[test]
fn another_protocol_is_not_tunnelled() {
    Range::in_both_settings(|range| {
        let to_h2c = [
            "upgrade: h2c",
            "connection: Upgrade, HTTP2-Settings",
            "http2-settings: AAMAAABkAAQAoAAAAAIAAAAA",
        ];
        let bytes = upgrade("GET", "/v1/models/bad-1", &lines(range, &to_h2c));
        let answer = range.judge_raw("H-09", &bytes, &[403, 404, 426]);
        assert!(!answer.head.contains("101"), "{}", answer.head);
        for (id, target) in [("H-10", "bad:80"), ("H-10", "/v1/models"), ("H-10", "")] {
            let bytes = head("CONNECT", target, &lines(range, &[]));
            range.judge_raw(id, &bytes, &[400, 403, 404, 405]);
        }
    });
}

#[test]
fn an_upgrade_for_a_key_without_limits_is_let_through() {
    Range::in_both_settings(|range| {
        let free = range.create("free", serde_json::json!({}));
        let mut lines: Vec<Vec<u8>> = HANDSHAKE
            .iter()
            .map(|line| line.as_bytes().to_vec())
            .collect();
        lines.push(format!("authorization: Bearer {}", free.value).into_bytes());
        let bytes = upgrade("GET", "/v1/realtime?model=bad-1", &lines);
        range.upstream().clear();
        let answer = raw_until_101(range, &bytes);
        assert!(answer.starts_with("HTTP/1.1 101"), "H-11: {answer}");
    });
}

fn raw_until_101(range: &Range, bytes: &[u8]) -> String {
    use std::io::{Read, Write};
    let url = range.url();
    let mut stream = std::net::TcpStream::connect(tests::raw::address_of(&url)).unwrap();
    stream.set_read_timeout(Some(tests::PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap() == 0 {
            break;
        }
        answer.extend(byte);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn trailers_change_no_decision() {
    Range::in_both_settings(|range| {
        let bearer = range.bearer();
        let fields: &[(&str, &[u8])] = &[
            ("content-type", b"application/json"),
            ("authorization", &bearer),
        ];
        let trailers: HeaderMap = (0..90)
            .map(|n| format!("x-{n}"))
            .chain([
                "x-latchkey-key-id".to_owned(),
                "x-latchkey-model".to_owned(),
            ])
            .map(|name| (name.parse().unwrap(), "bad-1".parse().unwrap()))
            .collect::<Vec<(http::HeaderName, http::HeaderValue)>>()
            .into_iter()
            .collect();
        for (body, status) in [
            (r#"{"model":"good-1"}"#, 200),
            (r#"{"model":"bad-1"}"#, 403),
            (r#"{"model":"good-1""#, 400),
        ] {
            range.upstream().clear();
            let request = http2::request("POST", "/v1/chat/completions", fields);
            let answer = http2::send(&range.url(), request, &[body.as_bytes()], trailers.clone());
            assert_eq!(answer.status, status, "H-12 {body}");
            range.check_arrivals("H-12", status == 200, body.as_bytes());
        }
    });
}

#[test]
fn a_key_in_a_trailer_is_no_key() {
    Range::in_both_settings(|range| {
        let key = format!("authorization: Bearer {}", range.key.value);
        let body = r#"{"model":"good-1"}"#;
        let lines = [
            "content-type: application/json",
            "transfer-encoding: chunked",
            "trailer: authorization",
        ]
        .map(|line| line.as_bytes().to_vec());
        let mut bytes = head("POST", "/v1/chat/completions", &lines);
        bytes.extend(format!("{:x}\r\n{body}\r\n0\r\n{key}\r\n\r\n", body.len()).bytes());
        range.judge_raw("K-19", &bytes, &[401]);
        let good = Attempt::chat("K-11", body).with("authorization", range.bearer());
        range.judge_framed(&good, Framing::Http2, &[200]);
        range.judge_framed(
            &good.with("authorization", range.bearer()),
            Framing::Http2,
            &[401],
        );
    });
}

#[test]
fn a_trailer_carries_no_identity_to_the_upstream() {
    let upstream = Http2Upstream::start();
    Range::in_both_settings_of(upstream.behind("/v1/chat"), |range| {
        // The good requests of the gate before came here, too.
        upstream.take();
        let free = range.create("free", serde_json::json!({}));
        let free = format!("Bearer {}", free.value).into_bytes();
        let send = |bearer: &[u8], trailer: &'static str| {
            let fields: &[(&str, &[u8])] = &[
                ("content-type", b"application/json"),
                ("authorization", bearer),
            ];
            let request = http2::request("POST", "/v1/chat/completions", fields);
            let mut trailers = HeaderMap::new();
            trailers.insert(trailer, "admin".parse().unwrap());
            trailers.insert("digest", "1".parse().unwrap());
            let chunks: &[&[u8]] = &[br#"{"model":"good-1"}"#];
            http2::send(&range.url(), request, chunks, trailers).status
        };
        for bearer in [range.bearer(), free] {
            for trailer in ["x-latchkey-key-id", "x-latchkey-model", "x-api-key"] {
                assert_eq!(send(&bearer, trailer), 200, "K-20 {trailer}");
                let seen = upstream.take();
                assert_eq!(seen.len(), 1, "K-20 {trailer}");
                let names: Vec<&str> = seen[0].keys().map(|name| name.as_str()).collect();
                assert_eq!(names, ["digest"], "K-20 {trailer}");
            }
            for trailer in ["x_latchkey_key_id", "x_forwarded_for"] {
                send(&bearer, trailer);
                let seen = upstream.take();
                assert!(
                    seen.iter().all(|trailers| !trailers.contains_key(trailer)),
                    "K-20 {trailer}"
                );
            }
        }
    });
}
