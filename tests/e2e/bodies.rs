//! Bodies of all sizes, framings and orders: one decision, the bytes untouched, memory flat.
//!
//! A size is that of the whole body. Where the model comes so late that more would have to be held
//! than the gate holds, the answer is the gate's own 413.

use std::io::Write;
use std::net::TcpStream;
use std::thread;

use envoy::Stack;
use http::HeaderMap;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::measure::grown_kib;
use tests::raw::{self, Answer};
use tests::{Key, http2, start};

/// Where the bodies are sent: at the upstream nothing reads them there, and so costs no time.
const PATH: &str = "/v1/images/generations";

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// What the gate holds back at most, by default.
const HELD_MAX: usize = 8 * MIB;
/// What a chunk on the wire holds.
const CHUNK_BYTES: usize = 48 * KIB;
/// Text of a length that divides no buffer's size.
const FILLER: &[u8] = b"abcdefghijklmnopqrstuvw";
/// What Envoy may take for one body that flows, however long: windows and buffers on both sides.
const FLOWING_KIB_MAX: u64 = 8 * KIB as u64;
/// What it may take for one that is held: the buffer, the copy that the gate reads, and the rest.
const HELD_KIB_MAX: u64 = 32 * KIB as u64;

const SIZES: [usize; 10] = [
    0,
    1,
    64 * KIB - 1,
    64 * KIB,
    64 * KIB + 1,
    MIB - 1,
    MIB,
    MIB + 1,
    8 * MIB,
    64 * MIB,
];

/// Where the model stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    First,
    Middle,
    Last,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    Length,
    Chunked,
    Http2WithLength,
    Http2,
}

const PLACES: [Place; 3] = [Place::First, Place::Middle, Place::Last];
const FRAMINGS: [Framing; 4] = [
    Framing::Length,
    Framing::Chunked,
    Framing::Http2WithLength,
    Framing::Http2,
];

#[test]
fn size_framing_and_order_change_neither_decision_nor_bytes() {
    let (stack, admin) = start();
    let key = admin.create("limited", json!({"scope": {"models": ["good-1"]}}));
    for place in PLACES {
        for size in SIZES {
            let good = body(size, place, "good-1");
            let expected = expected(size, place);
            for framing in FRAMINGS {
                let what = format!("{size} bytes, model {place:?}, {framing:?}");
                stack.upstream().unwrap().clear();
                let answer = send(&stack, &key, &good, framing);
                assert_eq!(answer.status, expected, "{what}");
                check_arrival(&stack, &answer, &good, &what);
            }
            judge_bad(&stack, &key, size, place);
        }
    }
}

/// The same body for another model is never let through.
fn judge_bad(stack: &Stack, key: &Key, size: usize, place: Place) {
    let bad = body(size, place, "bad-1");
    let status = match expected(size, place) {
        200 => 403,
        other => other,
    };
    for framing in [Framing::Length, Framing::Http2] {
        stack.upstream().unwrap().clear();
        let answer = send(stack, key, &bad, framing);
        assert_eq!(
            answer.status, status,
            "{size} bytes, bad model {place:?}, {framing:?}"
        );
        assert_eq!(stack.upstream().unwrap().count(), 0);
    }
}

#[test]
fn memory_does_not_grow_with_a_body_that_names_its_model_first() {
    let (mut stack, admin) = start();
    let key = admin.create("limited", json!({"scope": {"models": ["good-1"]}}));
    let pid = stack.envoy().unwrap().process().pid();
    for framing in FRAMINGS {
        send(&stack, &key, &body(MIB, Place::First, "good-1"), framing);
    }
    for (size, place, kib_max) in [
        (64 * MIB, Place::First, FLOWING_KIB_MAX),
        (8 * MIB, Place::Last, HELD_KIB_MAX),
        (64 * MIB, Place::Last, HELD_KIB_MAX),
    ] {
        let body = body(size, place, "good-1");
        for framing in FRAMINGS {
            let grown = grown_kib(pid, || drop(send(&stack, &key, &body, framing)));
            println!(
                "{} MiB, model {place:?}, {framing:?}: at most {grown} KiB more",
                size / MIB
            );
            assert!(
                grown <= kib_max,
                "{grown} KiB for {size} bytes, {place:?}, {framing:?}"
            );
        }
    }
}

/// A body of exactly this size; too small a one for a model is none.
fn body(size: usize, place: Place, model: &str) -> Vec<u8> {
    let member = format!("\"model\":\"{model}\"");
    let frame = "{\"a\":\"\",,\"b\":\"\"}".len() + member.len();
    let Some(filler) = size.checked_sub(frame) else {
        return b"{".repeat(size);
    };
    let before = match place {
        Place::First => 0,
        Place::Middle => filler / 2,
        Place::Last => filler,
    };
    let mut bytes = Vec::with_capacity(size);
    let pad = |bytes: &mut Vec<u8>, name: &str, count| {
        bytes.extend(format!("\"{name}\":\"").bytes());
        bytes.extend(&FILLER.repeat(count / FILLER.len() + 1)[..count]);
        bytes.push(b'"');
    };
    bytes.push(b'{');
    if place == Place::First {
        bytes.extend(member.bytes());
        bytes.push(b',');
    }
    pad(&mut bytes, "a", before);
    bytes.push(b',');
    if place == Place::Middle {
        bytes.extend(member.bytes());
        bytes.push(b',');
    }
    pad(&mut bytes, "b", filler - before);
    if place == Place::Last {
        bytes.push(b',');
        bytes.extend(member.bytes());
    }
    bytes.push(b'}');
    assert_eq!(bytes.len(), size);
    bytes
}

fn expected(size: usize, place: Place) -> u16 {
    let named_at = match place {
        Place::First => 0,
        Place::Middle => size / 2,
        Place::Last => size,
    };
    match size {
        0 | 1 => 400,
        _ if named_at > HELD_MAX => 413,
        _ => 200,
    }
}

fn check_arrival(stack: &Stack, answer: &Answer, body: &[u8], what: &str) {
    let received = stack.upstream().unwrap().requests();
    if answer.status != 200 {
        assert!(received.is_empty(), "{what}: it went on");
        let told = String::from_utf8_lossy(&answer.body).into_owned();
        let told: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{what}: {told}"));
        assert!(told["error"]["code"].is_string(), "{what}: {told}");
        return;
    }
    let [received] = <[_; 1]>::try_from(received).unwrap_or_else(|_| panic!("{what}: not one"));
    let sha256: [u8; 32] = Sha256::digest(body).into();
    assert!(received.is_complete, "{what}: it was cut");
    assert_eq!(received.body_sha256, sha256, "{what}: it was changed");
}

fn send(stack: &Stack, key: &Key, body: &[u8], framing: Framing) -> Answer {
    let bearer = format!("Bearer {}", key.value);
    let length = body.len().to_string();
    let mut fields: Vec<(&str, &[u8])> = vec![
        ("authorization", bearer.as_bytes()),
        ("content-type", b"application/json"),
    ];
    let url = stack.envoy_url();
    match framing {
        Framing::Length => {
            fields.push(("content-length", length.as_bytes()));
            send_http1(&url, &fields, body.to_vec())
        }
        Framing::Chunked => {
            fields.push(("transfer-encoding", b"chunked"));
            send_http1(&url, &fields, in_chunks(body))
        }
        Framing::Http2WithLength => {
            fields.push(("content-length", length.as_bytes()));
            send_http2(&url, &fields, body)
        }
        Framing::Http2 => send_http2(&url, &fields, body),
    }
}

fn in_chunks(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + body.len() / KIB + KIB);
    for chunk in body.chunks(CHUNK_BYTES) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

/// Writes while it reads: the gate may answer before it has everything.
fn send_http1(url: &str, fields: &[(&str, &[u8])], body: Vec<u8>) -> Answer {
    let lines: Vec<Vec<u8>> = fields
        .iter()
        .map(|(name, value)| [name.as_bytes(), b": ", value].concat())
        .collect();
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    let head = raw::head("POST", PATH, &lines);
    let mut reading = TcpStream::connect(raw::address_of(url)).unwrap();
    reading.set_read_timeout(Some(tests::PATIENCE)).unwrap();
    let mut writing = reading.try_clone().unwrap();
    let writer = thread::spawn(move || {
        let _ = writing
            .write_all(&head)
            .and_then(|()| writing.write_all(&body));
    });
    let answer = raw::read_answer(&mut reading);
    let _ = reading.shutdown(std::net::Shutdown::Both);
    writer.join().unwrap();
    answer
}

fn send_http2(url: &str, fields: &[(&str, &[u8])], body: &[u8]) -> Answer {
    let request = http2::request("POST", PATH, fields);
    let chunks: Vec<&[u8]> = match body.is_empty() {
        true => vec![b""],
        false => body.chunks(CHUNK_BYTES).collect(),
    };
    http2::send(url, request, &chunks, HeaderMap::new())
}
