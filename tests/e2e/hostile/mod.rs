//! Requests that try to stretch a list-scoped key, each judged by what the upstream received.
//!
//! The modules are one kind of trick each; the numbers in their cases are those of the list of
//! hostile cases. Invariant: a case that is refused has put no whole request through and no name
//! out of scope into the headers of one that was cut; a case that passes arrives untouched; a
//! request with a good key passes afterwards, and no VM had to be replaced. All of it is so in both settings, at
//! two Envoys of one stack: bodies held, and bodies that flow before they are judged.

mod encodings;
mod forms;
mod json;
mod keys;
mod load;
mod paths;
mod upgrades;

use std::cell::Cell;

use envoy::{Envoy, Stack, StackOptions};
use serde_json::json;
use sha2::{Digest, Sha256};
use tests::raw::{self, Answer};
use tests::{Admin, Key, chat, flowing, http2, start_another, stat_of};

/// The names that the key may call.
const IN_SCOPE: [&str; 2] = ["good-1", "good-2"];
/// Good requests after the hostile ones: enough to meet both workers.
const CANARIES: usize = 20;
/// Longest body that is sent byte by byte.
const BYTEWISE_MAX: usize = 64;
/// Longest body that is cut at every offset.
const SPLIT_MAX: usize = 2048;

/// A stack under fire and the key that it is shot at with.
struct Range {
    stack: Stack,
    gate: Gate,
    /// The second Envoy, if it has been started.
    flowing: Option<Envoy>,
    admin: Admin,
    key: Key,
    sent: Cell<usize>,
}

/// The gate that is under fire.
struct Gate {
    url: String,
    admin_url: String,
    envoy_pid: u32,
    /// Whether a body is held until it is judged, or flows without its end.
    holds: bool,
}

/// One hostile request.
#[derive(Clone)]
struct Attempt {
    id: String,
    method: &'static str,
    path: String,
    fields: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

/// How a request is put on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// HTTP/1.1, its length said.
    Whole,
    /// HTTP/1.1, in two chunks.
    Halves,
    /// HTTP/1.1, each byte a chunk.
    Bytes,
    /// HTTP/2, in two frames.
    Http2,
    /// HTTP/2, in two frames of which the first has this many bytes.
    SplitAt(usize),
    /// HTTP/2, each byte a frame.
    Http2Bytes,
}

// === impl Attempt ===

impl Attempt {
    /// A chat with a body that says it is JSON.
    fn chat(id: &str, body: impl AsRef<[u8]>) -> Self {
        Self::post(id, "/v1/chat/completions", body)
    }

    fn post(id: &str, path: &str, body: impl AsRef<[u8]>) -> Self {
        Self {
            id: id.to_owned(),
            method: "POST",
            path: path.to_owned(),
            fields: vec![("content-type", b"application/json".to_vec())],
            body: body.as_ref().to_vec(),
        }
    }

    fn get(id: &str, path: &str) -> Self {
        Self {
            method: "GET",
            fields: Vec::new(),
            ..Self::post(id, path, "")
        }
    }

    fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name, value.as_ref().to_vec()));
        self
    }

    fn of_type(mut self, content_type: impl AsRef<[u8]>) -> Self {
        self.fields.retain(|(name, _)| *name != "content-type");
        self.with("content-type", content_type)
    }

    fn framings(&self) -> Vec<Framing> {
        match self.body.len() {
            0 => vec![Framing::Whole, Framing::Http2],
            1..=BYTEWISE_MAX => vec![
                Framing::Whole,
                Framing::Halves,
                Framing::Bytes,
                Framing::Http2,
            ],
            _ => vec![Framing::Whole, Framing::Halves, Framing::Http2],
        }
    }
}

// === impl Gate ===

impl Gate {
    fn of(envoy: &mut Envoy, holds: bool) -> Self {
        Self {
            url: envoy.settings().url(),
            admin_url: envoy.settings().admin_url(),
            envoy_pid: envoy.process().pid(),
            holds,
        }
    }
}

// === impl Range ===

impl Range {
    fn start() -> Self {
        Self::start_with(StackOptions::default())
    }

    /// Does the same to a gate that holds bodies and to one at which all flows that is not refused.
    fn in_both_settings(fire: impl Fn(&Self)) {
        Self::in_both_settings_of(StackOptions::default(), fire);
    }

    /// The same with options.
    fn in_both_settings_of(options: StackOptions, fire: impl Fn(&Self)) {
        let mut range = Self::start_with(options);
        fire(&range);
        range.check();
        range.flow();
        fire(&range);
        range.end();
    }

    fn start_with(options: StackOptions) -> Self {
        let holds = !options.gate_settings.contains_key("beyond_hold");
        let (mut stack, admin) = tests::start_with(options);
        let gate = Gate::of(stack.envoy().unwrap(), holds);
        let key = admin.create("limited", json!({"scope": {"models": IN_SCOPE}}));
        Self {
            stack,
            gate,
            flowing: None,
            admin,
            key,
            sent: Cell::new(0),
        }
    }

    /// From here on the fire is at a gate of a second Envoy, at which bodies flow.
    fn flow(&mut self) {
        let mut envoy = start_another(&self.stack, "flowing", flowing());
        self.gate = Gate::of(&mut envoy, false);
        self.flowing = Some(envoy);
        self.upstream().clear();
    }

    /// Another key; its name says at which gate it is used.
    fn create(&self, name: &str, wanted: serde_json::Value) -> Key {
        let setting = if self.gate.holds { "held" } else { "flowing" };
        self.admin.create(&format!("{name}-{setting}"), wanted)
    }

    fn url(&self) -> String {
        self.gate.url.clone()
    }

    fn bearer(&self) -> Vec<u8> {
        format!("Bearer {}", self.key.value).into_bytes()
    }

    /// Sends it with the key in every framing; the answer must have one of these statuses.
    fn judge(&self, attempt: &Attempt, statuses: &[u16]) {
        let attempt = attempt.clone().with("authorization", self.bearer());
        for framing in attempt.framings() {
            self.judge_framed(&attempt, framing, statuses);
        }
    }

    /// The same, and (J-31) in two frames cut at every offset and byte by byte: one outcome.
    fn judge_at_every_split(&self, attempt: &Attempt, statuses: &[u16]) {
        self.judge(attempt, statuses);
        let attempt = attempt.clone().with("authorization", self.bearer());
        let whole = self.judge_framed(&attempt, Framing::Whole, statuses);
        let length = attempt.body.len();
        assert!(length <= SPLIT_MAX, "{}", attempt.id);
        for at in 1..length {
            self.judge_framed(&attempt, Framing::SplitAt(at), &[whole]);
        }
        if length > 0 {
            self.judge_framed(&attempt, Framing::Http2Bytes, &[whole]);
        }
    }

    /// Sends it as it is, in one framing; gives the status.
    fn judge_framed(&self, attempt: &Attempt, framing: Framing, statuses: &[u16]) -> u16 {
        self.upstream().clear();
        let answer = send(&self.url(), attempt, framing);
        let told = String::from_utf8_lossy(&answer.body);
        let what = format!("{} {framing:?}: {} {told}", attempt.id, answer.status);
        assert!(statuses.contains(&answer.status), "{what}");
        self.check_arrivals(&what, answer.status == 200, &attempt.body);
        self.sent.set(self.sent.get() + 1);
        answer.status
    }

    /// What the upstream received since it was cleared fits the answer.
    fn check_arrivals(&self, what: &str, passed: bool, body: &[u8]) {
        let received = self.upstream().requests();
        let whole: Vec<_> = received.iter().filter(|r| r.is_complete).collect();
        assert_eq!(whole.len(), usize::from(passed), "{what}");
        for request in &received {
            let model = request.header("x-latchkey-model").unwrap_or(IN_SCOPE[0]);
            assert!(
                IN_SCOPE.contains(&model),
                "{what}: it was forwarded for {model}"
            );
        }
        for request in whole {
            let sha256: [u8; 32] = Sha256::digest(body).into();
            assert_eq!(request.body_sha256, sha256, "{what}: its body was changed");
        }
    }

    /// Raw bytes: the answer must have one of these statuses, and `passed` requests arrive.
    fn judge_raw(&self, id: &str, bytes: &[u8], statuses: &[u16]) -> Answer {
        self.upstream().clear();
        let answer = raw::send(&self.url(), bytes);
        assert!(
            statuses.contains(&answer.status),
            "{id}: {} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        let whole = self.upstream().requests();
        let whole = whole.iter().filter(|request| request.is_complete).count();
        assert_eq!(whole, usize::from(answer.status == 200), "{id}");
        self.sent.set(self.sent.get() + 1);
        answer
    }

    fn upstream(&self) -> &envoy::Upstream {
        self.stack.upstream().unwrap()
    }

    /// Good requests pass.
    fn canaries(&self) {
        for _ in 0..CANARIES {
            let answer = raw::post_chat_with(&self.url(), &self.key.value, &chat("good-1"));
            assert_eq!(answer.status, 200, "a good request passes afterwards");
        }
    }

    /// Good requests pass, and no VM was replaced.
    fn check(&self) {
        self.canaries();
        for event in ["vm_reload_success", "vm_reload_failure"] {
            let name = format!("wasm.gate.{event}");
            assert_eq!(stat_of(&self.gate.admin_url, &name), 0);
        }
    }

    fn end(self) {
        self.check();
        println!("{} hostile requests", self.sent.get());
    }
}

fn send(url: &str, attempt: &Attempt, framing: Framing) -> Answer {
    let body = attempt.body.as_slice();
    let middle = body.len() / 2;
    match framing {
        Framing::Whole => raw::send(url, &in_one(attempt)),
        Framing::Halves => raw::send(url, &in_chunks(attempt, body.len() - middle)),
        Framing::Bytes => raw::send(url, &in_chunks(attempt, 1)),
        Framing::Http2 if body.is_empty() => in_frames(url, attempt, &[]),
        Framing::Http2 => in_frames(url, attempt, &<[_; 2]>::from(body.split_at(middle))),
        Framing::SplitAt(at) => in_frames(url, attempt, &<[_; 2]>::from(body.split_at(at))),
        Framing::Http2Bytes => in_frames(url, attempt, &body.chunks(1).collect::<Vec<_>>()),
    }
}

fn in_frames(url: &str, attempt: &Attempt, chunks: &[&[u8]]) -> Answer {
    let fields = attempt.fields.iter();
    let fields: Vec<_> = fields.map(|(name, v)| (*name, v.as_slice())).collect();
    let request = http2::request(attempt.method, &attempt.path, &fields);
    http2::send(url, request, chunks, http::HeaderMap::new())
}

fn in_chunks(attempt: &Attempt, chunk_bytes: usize) -> Vec<u8> {
    let mut lines = lines_of(&attempt.fields);
    lines.push(b"transfer-encoding: chunked".to_vec());
    let mut bytes = head(attempt.method, &attempt.path, &lines);
    for chunk in attempt.body.chunks(chunk_bytes) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

fn in_one(attempt: &Attempt) -> Vec<u8> {
    let mut lines = lines_of(&attempt.fields);
    if !attempt.body.is_empty() || attempt.method == "POST" {
        lines.push(format!("content-length: {}", attempt.body.len()).into_bytes());
    }
    let mut bytes = head(attempt.method, &attempt.path, &lines);
    bytes.extend(&attempt.body);
    bytes
}

fn head(method: &str, path: &str, lines: &[Vec<u8>]) -> Vec<u8> {
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    raw::head(method, path, &lines)
}

fn lines_of(fields: &[(&str, Vec<u8>)]) -> Vec<Vec<u8>> {
    fields
        .iter()
        .map(|(name, value)| [name.as_bytes(), b": ", value].concat())
        .collect()
}
