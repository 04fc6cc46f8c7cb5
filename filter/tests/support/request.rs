//! One request on its way through the gate, with Envoy's way of holding and passing on bodies, and
//! of sending local replies: one that comes before an answer has begun goes through the gate too.
//!
//! Does not judge. Invariants: `upstream` has exactly the bytes that Envoy would have passed on, and
//! a refusal counts only once the client has it.

use std::cell::{Cell, RefCell};

use filter::gate::{Flow, Gate};
use serde_json::Value;

use super::pairs::pairs_of;
use super::{FakeHost, key};

/// A request, its gate, and what has reached the upstream.
pub(crate) struct Exchange {
    pub(crate) host: FakeHost,
    /// Envoy's number for it.
    pub(crate) stream: u32,
    gate: RefCell<Gate>,
    /// Whether the request headers were passed on.
    pub(crate) is_forwarded: bool,
    /// Whether the end of the request was passed on.
    pub(crate) is_complete: bool,
    pub(crate) upstream: Vec<u8>,
    /// A local reply has no body: to HEAD, and to gRPC, whose status is in the headers.
    is_bodyless: bool,
    /// Whether the head of an answer has come as far as the gate.
    has_answer: bool,
    /// How many local replies have reached the client.
    delivered: Cell<usize>,
}

/// How a running request was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Reset,
    Answered(u16),
}

impl Exchange {
    pub(crate) fn new(host: FakeHost, gate: Gate, stream: u32) -> Self {
        let exchange = Self {
            host,
            stream,
            gate: RefCell::new(gate),
            is_forwarded: false,
            is_complete: false,
            upstream: Vec::new(),
            is_bodyless: false,
            has_answer: false,
            delivered: Cell::new(0),
        };
        exchange
            .header(":method", "POST")
            .header(":path", "/v1/chat/completions")
            .header(":authority", "models.example")
            .header("content-type", "application/json")
    }

    /// Adds a header.
    pub(crate) fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let pair = (name.as_bytes().to_vec(), value.as_ref().to_vec());
        self.host.headers.borrow_mut().push(pair);
        self
    }

    /// Replaces a header.
    pub(crate) fn with(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).header(name, value)
    }

    pub(crate) fn without(self, name: &str) -> Self {
        let mut headers = self.host.headers.borrow_mut();
        headers.retain(|(other, _)| other != name.as_bytes());
        drop(headers);
        self
    }

    /// Replaces method and path: `GET /v1/models`.
    pub(crate) fn call(self, call: &str) -> Self {
        let (method, path) = call.split_once(' ').unwrap();
        self.with(":method", method).with(":path", path)
    }

    /// Sends key `n` as bearer token.
    pub(crate) fn bearer(self, n: usize) -> Self {
        let value = format!("Bearer {}", key(n));
        self.header("authorization", value)
    }

    pub(crate) fn from(self, address: &str) -> Self {
        *self.host.source_address.borrow_mut() = address.as_bytes().to_vec();
        self
    }

    /// The headers arrive; `end_of_stream`: no body follows.
    pub(crate) fn headers(&mut self, end_of_stream: bool) -> Flow {
        let is = |name: &str, value: &str| {
            let values = self.seen(name);
            values.iter().any(|seen| seen.starts_with(value))
        };
        self.is_bodyless = is(":method", "HEAD") || is("content-type", "application/grpc");
        let flow = self.gate.get_mut().on_headers(&self.host, end_of_stream);
        self.pass(flow, end_of_stream)
    }

    /// A piece of the body arrives.
    pub(crate) fn chunk(&mut self, bytes: &[u8], end_of_stream: bool) -> Flow {
        self.host.body.borrow_mut().extend_from_slice(bytes);
        let size = self.host.body.borrow().len();
        let flow = self.gate.get_mut().on_body(&self.host, size, end_of_stream);
        self.pass(flow, end_of_stream)
    }

    /// The upstream's answer in these pieces, and what the client gets of it.
    pub(crate) fn answer(&mut self, headers: &[(&str, &str)], chunks: &[&[u8]]) -> Vec<u8> {
        self.begin_answer(headers, chunks.is_empty());
        let mut client = Vec::new();
        for (left, chunk) in (0..chunks.len()).rev().zip(chunks) {
            client.append(&mut self.answer_piece(chunk, left == 0));
        }
        client
    }

    /// The upstream's answer in these pieces with trailers behind them, and what the client gets of
    /// its body; the trailers that it gets stay in the host.
    pub(crate) fn answer_trailed(
        &mut self,
        headers: &[(&str, &str)],
        chunks: &[&[u8]],
        trailers: &[(&str, &str)],
    ) -> Vec<u8> {
        self.begin_answer(headers, false);
        let mut client = Vec::new();
        for chunk in chunks {
            client.append(&mut self.answer_piece(chunk, false));
        }
        *self.host.response_trailers.borrow_mut() = pairs_of(trailers);
        let flow = self.gate.get_mut().on_response_trailers(&self.host);
        self.play();
        match flow == Flow::Continue && !self.is_refused() {
            true => client.append(&mut self.host.response_body.borrow_mut()),
            false => self.host.response_trailers.borrow_mut().clear(),
        }
        client
    }

    fn begin_answer(&mut self, headers: &[(&str, &str)], end_of_stream: bool) -> Flow {
        self.has_answer = true;
        self.host.set_response_headers(headers);
        let gate = self.gate.get_mut();
        let flow = gate.on_response_headers(&self.host, end_of_stream);
        self.pass_answer(flow)
    }

    /// A piece of the upstream's answer, and what the client gets now.
    fn answer_piece(&mut self, bytes: &[u8], end_of_stream: bool) -> Vec<u8> {
        let body = &self.host.response_body;
        body.borrow_mut().extend_from_slice(bytes);
        let size = body.borrow().len();
        let gate = self.gate.get_mut();
        let flow = gate.on_response_body(&self.host, size, end_of_stream);
        match self.pass_answer(flow) == Flow::Continue && !self.is_refused() {
            true => std::mem::take(&mut self.host.response_body.borrow_mut()),
            false => Vec::new(),
        }
    }

    /// The head of the upstream's answer arrives.
    pub(crate) fn answer_head(&mut self) -> Flow {
        self.answer_head_of(&[(":status", "200"), ("content-type", "text/event-stream")])
    }

    /// The head of an answer of the upstream's arrives.
    pub(crate) fn answer_head_of(&mut self, headers: &[(&str, &str)]) -> Flow {
        self.begin_answer(headers, false)
    }

    /// A piece of the upstream's answer arrives.
    pub(crate) fn answer_chunk(&mut self, bytes: &[u8]) -> Flow {
        *self.host.response_body.borrow_mut() = bytes.to_vec();
        let gate = self.gate.get_mut();
        let flow = gate.on_response_body(&self.host, bytes.len(), false);
        self.pass_answer(flow)
    }

    fn pass_answer(&self, flow: Flow) -> Flow {
        if flow == Flow::Continue {
            self.host.has_response_headers.set(false);
        }
        self.play();
        flow
    }

    /// Sends what the gate has replied. Before an answer has begun, Envoy sends it through the gate;
    /// behind that, past it.
    pub(crate) fn play(&self) {
        let sent = self.host.replies.borrow().len();
        if sent == self.delivered.get() {
            return;
        }
        if self.has_answer || self.reply_passes() {
            self.delivered.set(sent);
        }
    }

    fn reply_passes(&self) -> bool {
        let (status, headers, size) = match self.host.replies.borrow().last() {
            Some(reply) => (reply.status, reply.headers.clone(), reply.body.len()),
            None => return false,
        };
        let status = status.to_string();
        let mut pairs = vec![(":status", status.as_str())];
        pairs.extend(headers);
        self.host.set_response_headers(&pairs);
        let mut gate = self.gate.borrow_mut();
        let head = gate.on_response_headers(&self.host, self.is_bodyless);
        match self.is_bodyless {
            true => head == Flow::Continue,
            false => gate.on_response_body(&self.host, size, true) == Flow::Continue,
        }
    }

    /// Whether it was counted as cut once, and how it ended: by a reset, or by this status.
    pub(crate) fn cut(&self) -> Option<Cut> {
        let (counted, reset) = self.host.cuts.get();
        let statuses: Vec<u16> = self
            .host
            .replies
            .borrow()
            .iter()
            .map(|reply| reply.status)
            .collect();
        match (counted, reset, statuses.as_slice()) {
            (0, 0, []) => None,
            (1, 1, []) => Some(Cut::Reset),
            (1, 0, [status]) if self.delivered.get() == 1 => Some(Cut::Answered(*status)),
            other => panic!("ended in a strange way: {other:?}"),
        }
    }

    pub(crate) fn trailers(&mut self) -> Flow {
        let flow = self.gate.get_mut().on_trailers(&self.host);
        self.pass(flow, true)
    }

    /// The stream is over, however it ended.
    pub(crate) fn end(&mut self) {
        self.gate.get_mut().on_end(&self.host);
    }

    /// The whole request in these pieces; the end comes behind the last, as Envoy does it.
    pub(crate) fn send(mut self, chunks: &[&[u8]]) -> Self {
        self.headers(false);
        for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
            if !self.is_refused() {
                self.chunk(chunk, false);
            }
        }
        if !self.is_refused() {
            self.chunk(b"", true);
        }
        self
    }

    /// The whole request without a body.
    pub(crate) fn send_bodyless(mut self) -> Self {
        self.headers(true);
        self
    }

    fn pass(&mut self, flow: Flow, end_of_stream: bool) -> Flow {
        if flow == Flow::Continue {
            assert!(!self.is_refused(), "a refused request goes on");
            self.is_forwarded = true;
            self.host.headers_gone.set(true);
            self.is_complete = end_of_stream;
            self.upstream.append(&mut self.host.body.borrow_mut());
        }
        self.play();
        flow
    }

    pub(crate) fn is_refused(&self) -> bool {
        !self.host.replies.borrow().is_empty()
    }

    /// The status of the answer in any family's words; 200 for a request that was passed on whole.
    pub(crate) fn answered(&self) -> u16 {
        let replies = self.host.replies.borrow();
        assert!(replies.len() <= 1, "answered twice");
        assert_eq!(replies.len(), self.delivered.get(), "the client waits");
        match replies.first() {
            Some(reply) => {
                assert!(!self.is_complete, "refused and passed on whole");
                reply.status
            }
            None => {
                assert!(self.is_complete, "neither answered nor passed on");
                200
            }
        }
    }

    /// Status and code of the answer; `(200, "")` for a request that was passed on whole.
    pub(crate) fn outcome(&self) -> (u16, String) {
        let replies = self.host.replies.borrow();
        assert!(replies.len() <= 1, "answered twice");
        assert_eq!(replies.len(), self.delivered.get(), "the client waits");
        let Some(reply) = replies.first() else {
            assert!(self.is_complete, "neither answered nor passed on");
            return (200, String::new());
        };
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        let code = body["error"]["code"].as_str().unwrap();
        (reply.status, code.to_owned())
    }

    pub(crate) fn status(&self) -> u16 {
        self.outcome().0
    }

    /// The whole answer of a refusal, in any family's words.
    pub(crate) fn told(&self) -> String {
        let replies = self.host.replies.borrow();
        String::from_utf8_lossy(&replies[0].body).into_owned()
    }

    /// The message of the answer.
    pub(crate) fn message(&self) -> String {
        let replies = self.host.replies.borrow();
        let body: Value = serde_json::from_slice(&replies[0].body).unwrap();
        body["error"]["message"].as_str().unwrap().to_owned()
    }

    /// The values of a header as the upstream sees it.
    pub(crate) fn seen(&self, name: &str) -> Vec<String> {
        let headers = self.host.headers.borrow();
        let named = headers.iter().filter(|(n, _)| n == name.as_bytes());
        named
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }
}
