//! Requests that run while their key loses its right: they are cut, whether they talk or are silent.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use envoy::{Stack, StackOptions};
use serde_json::{Value, json};
use tests::admin::assert_applied;
use tests::raw::{address_of, read_answer};
use tests::{Admin, Key, PATIENCE, start, start_passing, start_with, stat, wait_for};

const CUTS: &str = "wasmcustom.latchkey.streams_cut";
/// Longer than any test: an answer that has gone quiet.
const QUIET_MS: u64 = 600_000;

/// Sends bytes on a connection of their own.
fn open(stack: &Stack, bytes: &[u8]) -> TcpStream {
    open_at(&stack.envoy_url(), bytes)
}

fn open_at(url: &str, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address_of(url)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// Reads until `end` has come.
pub(crate) fn read_until(stream: &mut TcpStream, end: &str) {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(end) {
        let mut byte = [0];
        let read = stream.read(&mut byte).unwrap();
        assert_eq!(read, 1, "{}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
    }
}

/// A chat whose answer streams, a word each `interval_ms`.
pub(crate) fn chat_stream(stack: &Stack, key: &Key, interval_ms: u64) -> TcpStream {
    chat_stream_at(&stack.envoy_url(), &key.value, interval_ms)
}

/// The same by the address of a gate.
pub(crate) fn chat_stream_at(url: &str, key: &str, interval_ms: u64) -> TcpStream {
    let body = json!({"model": "glm-5.1", "messages": [], "stream": true}).to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\nx-demo-stream-chunks: 100000\r\n\
         x-demo-stream-interval-ms: {interval_ms}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = open_at(url, head.as_bytes());
    read_until(&mut stream, "word0");
    stream
}

fn websocket(stack: &Stack, key: &Key) -> TcpStream {
    let head = format!(
        "GET /v1/realtime?model=glm-5.1 HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {}\r\n\
         connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        key.value
    );
    let mut stream = open(stack, head.as_bytes());
    read_until(&mut stream, "\r\n\r\n");
    // A masked text frame; the mask is zero.
    stream.write_all(b"\x81\x85\0\0\0\0hello").unwrap();
    read_until(&mut stream, "hello");
    stream
}

/// Reads to the end; gives how long after `begin` it came.
pub(crate) fn end_of(mut stream: TcpStream, begin: Instant) -> Duration {
    let mut buffer = [0; 4096];
    while begin.elapsed() < PATIENCE {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return begin.elapsed(),
            Ok(_) => {}
        }
    }
    panic!("it goes on");
}

/// Takes the right away from running requests and waits until all of them have ended.
fn assert_cut(stack: &Stack, streams: Vec<TcpStream>, what: &str, take: impl FnOnce()) {
    let upstream = stack.upstream().unwrap();
    let before = stat(stack, CUTS);
    let count = streams.len();
    wait_for("all run", || upstream.open_streams() == count);
    take();
    let begin = Instant::now();
    let ends = streams.into_iter().map(|stream| end_of(stream, begin));
    let last = ends.max().unwrap_or_default();
    println!(
        "{what}: {count} requests ended {} ms after the answer",
        last.as_millis()
    );
    wait_for("the upstream is told", || upstream.open_streams() == 0);
    let cuts = u64::try_from(count).unwrap();
    wait_for("they are counted", || stat(stack, CUTS) == before + cuts);
}

fn disable(admin: &Admin, key: &Key) {
    assert_applied(&admin.patch(key, &json!({"status": "disabled"})));
}

#[test]
fn streamed_answers_and_websockets_end_with_their_key() {
    let (stack, admin) = start();
    let rights: [(&str, Value); 3] = [
        ("disabled", json!({"status": "disabled"})),
        (
            "scope narrowed",
            json!({"scope": {"models": ["deepseek-v3.2"]}}),
        ),
        (
            "addresses narrowed",
            json!({"ip_allowlist": ["10.0.0.0/8"]}),
        ),
    ];
    let other = admin.create("other", json!({}));
    let mut bystander = chat_stream(&stack, &other, 20);
    for (what, change) in rights {
        let key = admin.create(what, json!({}));
        let upstream = stack.upstream().unwrap();
        let before = (stat(&stack, CUTS), upstream.open_streams());
        let streams = vec![
            chat_stream(&stack, &key, 20),
            chat_stream(&stack, &key, QUIET_MS),
            websocket(&stack, &key),
        ];
        assert_applied(&admin.patch(&key, &change));
        let begin = Instant::now();
        let last = streams
            .into_iter()
            .map(|stream| end_of(stream, begin))
            .max();
        println!(
            "{what}: ended {} ms after the answer",
            last.unwrap().as_millis()
        );
        wait_for("the upstream is told", || {
            upstream.open_streams() == before.1
        });
        wait_for("they are counted", || stat(&stack, CUTS) == before.0 + 3);
    }
    read_until(&mut bystander, "word");
}

#[test]
fn a_deleted_list_scoped_key_takes_its_streams_along() {
    // The demo upstream is told by headers how to stream.
    let (stack, admin) = start_passing(&["x-demo-*"]);
    let key = admin.create("list", json!({"scope": {"models": ["glm-*"]}}));
    let streams = vec![
        chat_stream(&stack, &key, 20),
        chat_stream(&stack, &key, QUIET_MS),
    ];
    assert_cut(&stack, streams, "deleted", || {
        assert_applied(&admin.delete(&key))
    });
}

#[test]
fn a_rotated_key_takes_its_streams_along_when_its_grace_is_over() {
    let (stack, admin) = start();
    let key = admin.create("old", json!({}));
    let streams = vec![
        chat_stream(&stack, &key, 20),
        chat_stream(&stack, &key, QUIET_MS),
    ];
    assert_cut(&stack, streams, "expired", || {
        let path = format!("/v1/keys/{}/rotate", key.id);
        let (status, answer) = admin.call("POST", &path, Some(&json!({"grace_s": 2})));
        assert_eq!(status, 201, "{answer}");
    });
}

#[test]
fn an_upload_is_cut_in_the_middle_and_told_why() {
    let (stack, admin) = start();
    let upstream = stack.upstream().unwrap();
    for silent in [false, true] {
        let key = admin.create(if silent { "silent" } else { "talking" }, json!({}));
        let head = format!(
            "POST /v1/files HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {}\r\n\
             transfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n",
            key.value
        );
        let mut stream = open(&stack, head.as_bytes());
        upstream.clear();
        wait_for("the upload has begun", || upstream.count() > 0);
        disable(&admin, &key);
        if !silent {
            let _ = stream.write_all(b"6\r\nsecond\r\n");
        }
        let answer = read_answer(&mut stream);
        assert_eq!(answer.refusal(), (401, "api_key_disabled".to_owned()));
        wait_for("the upstream is told", || {
            let recorded = upstream.requests();
            let last = recorded.last().unwrap();
            !last.is_complete && last.body == b"first"
        });
    }
}

#[test]
fn how_often_silent_requests_are_looked_at_can_be_set() {
    let gate_settings = [("stream_check_ms".to_owned(), json!(50))];
    let (stack, admin) = start_with(StackOptions {
        gate_settings: gate_settings.into_iter().collect(),
        ..StackOptions::default()
    });
    let key = admin.create("quick", json!({}));
    let streams = vec![chat_stream(&stack, &key, QUIET_MS)];
    assert_cut(&stack, streams, "every 50 ms", || disable(&admin, &key));
}

#[test]
fn the_end_of_the_lease_ends_running_requests_too() {
    let (mut stack, admin) = start_with(StackOptions {
        max_staleness: envoy::MaxStaleness::Seconds(5),
        ..StackOptions::default()
    });
    let key = admin.create("kept", json!({}));
    let streams = vec![
        chat_stream(&stack, &key, 20),
        chat_stream(&stack, &key, QUIET_MS),
    ];
    stack.stop_sidecar().unwrap();
    assert_cut(&stack, streams, "lease over", || {});
}
