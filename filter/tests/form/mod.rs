//! Forms through the gate: hostile ones, those of SDKs, random ones beside other parsers.
//!
//! The key may call `good-1` alone; the endpoint takes a recording and the form field `model`.

mod cases;
mod differential;
mod sdks;
mod syntax;
mod written;

use crate::support::form::{BOUNDARY, content_type, part};
use crate::support::{self, Exchange, list, record};
use keytable::Record;

const PATH: &str = "/v1/audio/transcriptions";

/// A gate that holds forms, and one that lets them flow from the first byte on.
struct Rig {
    holding: support::Rig,
    flowing: support::Rig,
}

fn rig() -> Rig {
    let limited = Record {
        scope: list(&["good-1"]),
        ..record(1)
    };
    let rig = |settings: &str| support::Rig::configured(std::slice::from_ref(&limited), settings);
    Rig {
        holding: rig(r#""hold_bytes_max":8388608"#),
        flowing: rig(r#""hold_bytes_max":1,"beyond_hold":"flow""#),
    }
}

fn request(rig: &support::Rig, content_type: &str) -> Exchange {
    rig.post()
        .with(":path", PATH)
        .with("content-type", content_type)
        .bearer(1)
}

/// The answer to a body in these pieces, which both gates serve or none.
fn send(rig: &Rig, content_type: &str, chunks: &[&[u8]]) -> u16 {
    let at = |rig: &support::Rig| {
        let exchange = request(rig, content_type).send(chunks);
        let status = exchange.answered();
        if status == 200 {
            assert_eq!(exchange.upstream, chunks.concat(), "the body is intact");
        }
        status
    };
    let status = at(&rig.holding);
    assert_eq!(at(&rig.flowing) == 200, status == 200, "held or flowing");
    status
}

/// The answer, which is the same for the body as a whole, cut in two anywhere, and byte by byte.
fn outcome_as(rig: &Rig, content_type: &str, body: impl AsRef<[u8]>) -> u16 {
    let body = body.as_ref();
    let whole = send(rig, content_type, &[body]);
    for at in 0..=body.len() {
        let (front, back) = body.split_at(at);
        let cut = send(rig, content_type, &[front, back]);
        assert_eq!(cut, whole, "cut at {at}: {}", body.escape_ascii());
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    let single = send(rig, content_type, &bytes);
    assert_eq!(single, whole, "byte by byte: {}", body.escape_ascii());
    whole
}

fn outcome(rig: &Rig, body: impl AsRef<[u8]>) -> u16 {
    outcome_as(rig, &content_type(), body)
}

/// The delimiter behind the last part.
fn end() -> String {
    format!("--{BOUNDARY}--\r\n")
}

/// A form whose one part has these disposition parameters and this value.
fn one(parameters: &str, value: &str) -> String {
    part(parameters, value) + &end()
}

/// An honest `model` beside another part with these disposition parameters that names `bad-1`.
fn beside(parameters: &str) -> String {
    part("name=\"model\"", "good-1") + &part(parameters, "bad-1") + &end()
}

/// An honest `model` part with more header lines.
fn headed(lines: &str, value: &str) -> String {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"model\"\r\n{lines}\r\n\r\n{value}\r\n{}",
        end()
    )
}

/// A recording with this content.
fn file(content: &str) -> String {
    let lines = "name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg";
    part(lines, content)
}

/// Each of these is a 400.
fn refused(rig: &Rig, bodies: &[String]) {
    for body in bodies {
        assert_eq!(outcome(rig, body), 400, "{}", body.escape_debug());
    }
}
