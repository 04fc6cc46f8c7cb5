//! The demo upstream over real sockets.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use super::*;
use crate::files::hex;
use crate::wait;

const PATIENCE: Duration = Duration::from_secs(20);

fn upstream() -> Upstream {
    Upstream::start("127.0.0.1:0").unwrap()
}

/// Sends bytes and reads until the upstream closes.
fn raw(upstream: &Upstream, request: &str) -> String {
    let mut stream = TcpStream::connect(upstream.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn chat(upstream: &Upstream, body: &str) -> String {
    let length = body.len();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    raw(
        upstream,
        &format!("{head}content-length: {length}\r\n\r\n{body}"),
    )
}

#[test]
fn a_chat_is_answered_with_the_model_that_was_asked_for() {
    let answer = chat(&upstream(), r#"{"model": "glm-5.1", "messages": []}"#);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["model"], "glm-5.1");
    assert_eq!(body["choices"][0]["message"]["role"], "assistant");
}

#[test]
fn a_stream_ends_with_done() {
    let upstream = upstream();
    let answer = chat(
        &upstream,
        r#"{"model": "glm-5.1", "messages": [], "stream": true}"#,
    );
    assert!(answer.contains("text/event-stream"), "{answer}");
    assert_eq!(answer.matches("data: ").count(), 7);
    assert!(answer.contains(r#""finish_reason":"stop""#), "{answer}");
    assert!(answer.contains("data: [DONE]\n\n"), "{answer}");
    assert_eq!(upstream.open_streams(), 0);
}

#[test]
fn a_stream_states_what_it_used_if_it_is_asked_to() {
    let answer = chat(
        &upstream(),
        r#"{"model": "m", "stream": true, "stream_options": {"include_usage": true}}"#,
    );
    assert_eq!(answer.matches("data: ").count(), 8);
    assert_eq!(answer.matches(r#""choices":[],"#).count(), 1, "{answer}");
    assert!(answer.contains("data: [DONE]\n\n"), "{answer}");
}

#[test]
fn a_slow_stream_counts_as_open_until_its_client_goes() {
    let upstream = upstream();
    let mut stream = TcpStream::connect(upstream.address()).unwrap();
    let body = r#"{"model": "m", "stream": true}"#;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-demo-stream-chunks: 100000\r\n";
    let request = format!(
        "{head}x-demo-stream-interval-ms: 5\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    wait::until(PATIENCE, || (upstream.open_streams() == 1).then_some(())).unwrap();
    drop(stream);
    wait::until(PATIENCE, || (upstream.open_streams() == 0).then_some(())).unwrap();
}

#[test]
fn models_are_listed() {
    let answer = raw(
        &upstream(),
        "GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    assert!(answer.contains(r#""id":"deepseek-v3.2""#), "{answer}");
}

#[test]
fn what_arrives_is_recorded_as_it_was_sent() {
    let upstream = upstream();
    let answer = raw(
        &upstream,
        "PUT /a%2Fb//c?key=1&x HTTP/1.1\r\nhost: x\r\nX-Two: b\r\nx-two: a\r\nx-raw: \u{e9}\r\n\
         connection: close\r\ncontent-length: 3\r\n\r\nabc",
    );
    assert!(
        answer.contains(r#"{"method":"PUT","path":"/a%2Fb//c?key=1&x"}"#),
        "{answer}"
    );
    let [recorded] = <[Recorded; 1]>::try_from(upstream.requests()).unwrap();
    assert_eq!(recorded.target, "/a%2Fb//c?key=1&x");
    let two: Vec<_> = recorded
        .headers
        .iter()
        .filter(|(name, _)| name == "x-two")
        .collect();
    assert_eq!((&*two[0].1, &*two[1].1), (&b"b"[..], &b"a"[..]));
    assert_eq!(recorded.header("x-raw"), Some("\u{e9}"));
    assert!(recorded.is_complete);
    assert_eq!(recorded.body, b"abc");
    let sha256_of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hex(&recorded.body_sha256), sha256_of_abc);
    upstream.clear();
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_cut_body_is_recorded_up_to_the_cut() {
    let upstream = upstream();
    let mut stream = TcpStream::connect(upstream.address()).unwrap();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n";
    stream
        .write_all(format!("{head}0123456789").as_bytes())
        .unwrap();
    let arrived = || {
        upstream
            .requests()
            .into_iter()
            .find(|request| request.body_bytes == 10)
    };
    wait::until(PATIENCE, arrived).unwrap();
    drop(stream);
    let after_the_cut = chat(&upstream, r#"{"model": "m"}"#);
    assert!(after_the_cut.starts_with("HTTP/1.1 200"));
    let cut = &upstream.requests()[0];
    assert_eq!(cut.body, b"0123456789");
    assert!(!cut.is_complete);
}

#[test]
fn a_long_body_is_hashed_whole_and_kept_in_part() {
    let upstream = upstream();
    let body = " ".repeat(BODY_KEPT_BYTES + 1000);
    chat(&upstream, &body);
    let recorded = &upstream.requests()[0];
    assert_eq!(recorded.body_bytes, body.len() as u64);
    assert_eq!(recorded.body.len(), BODY_KEPT_BYTES);
    assert_eq!(
        recorded.body_sha256,
        <[u8; 32]>::from(sha2::Digest::finalize(sha2::Digest::chain_update(
            <sha2::Sha256 as sha2::Digest>::new(),
            &body
        )))
    );
}

#[test]
fn a_websocket_is_accepted_and_echoes() {
    let upstream = upstream();
    let mut stream = TcpStream::connect(upstream.address()).unwrap();
    let head = "GET /v1/realtime HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n\
                connection: upgrade\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                sec-websocket-protocol: realtime, other\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    // A masked text frame "hi" with the mask 0, and the frame that comes back.
    stream.write_all(b"\x81\x82\0\0\0\0hi").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x81\x02hi") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.contains("sec-websocket-protocol: realtime"),
        "{answer}"
    );
    assert_eq!(upstream.open_streams(), 1);
    drop(stream);
    wait::until(PATIENCE, || (upstream.open_streams() == 0).then_some(())).unwrap();
}
