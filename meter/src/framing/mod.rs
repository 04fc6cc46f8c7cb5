//! How documents stand in the body of an answer.
//!
//! Each form cuts the body into pieces of JSON and says where a document ends. Does not look into
//! JSON. Invariant: what is handed on does not depend on how the body was cut.

mod event_stream;
mod sse;

use event_stream::EventStream;
use sse::Sse;

/// In which form an answer states its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON document, or an array of them.
    Json,
    /// A JSON document on each line.
    Lines,
    /// Server-sent events whose data are JSON documents.
    Sse,
    /// `application/vnd.amazon.eventstream`: frames whose payloads are JSON documents.
    EventStream,
}

/// What is told of a body.
pub(crate) trait Documents {
    /// A piece of a document.
    fn piece(&mut self, bytes: &[u8]);
    /// The document is over, whether it was whole or not.
    fn end(&mut self);
    /// Nothing more is told: the form itself says so.
    fn last(&mut self);
}

/// A body that is cut into documents.
#[derive(Debug)]
pub(crate) enum Framing {
    Json,
    Lines,
    Sse(Sse),
    EventStream(EventStream),
}

impl Format {
    /// The form that a `content-type` names; `None` if it is none of them.
    pub fn of_content_type(value: &[u8]) -> Option<Self> {
        let media = value.split(|byte| *byte == b';').next()?.trim_ascii();
        let is = |name: &[u8]| media.eq_ignore_ascii_case(name);
        let lines: [&[u8]; 6] = [
            b"application/x-ndjson",
            b"application/ndjson",
            b"application/jsonl",
            b"application/x-jsonl",
            b"application/jsonlines",
            b"application/stream+json",
        ];
        if is(b"text/event-stream") {
            return Some(Self::Sse);
        }
        if is(b"application/vnd.amazon.eventstream") {
            return Some(Self::EventStream);
        }
        if lines.iter().any(|name| is(name)) {
            return Some(Self::Lines);
        }
        let suffix = media.len().checked_sub(5).and_then(|at| media.get(at..));
        let is_json = is(b"application/json")
            || is(b"text/json")
            || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json"));
        is_json.then_some(Self::Json)
    }
}

impl Framing {
    pub(crate) fn new(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Lines => Self::Lines,
            Format::Sse => Self::Sse(Sse::default()),
            Format::EventStream => Self::EventStream(EventStream::default()),
        }
    }

    /// Cuts the next piece of the body.
    pub(crate) fn feed(&mut self, bytes: &[u8], documents: &mut impl Documents) {
        match self {
            Self::Json => documents.piece(bytes),
            Self::Lines => feed_lines(bytes, documents),
            Self::Sse(sse) => sse.feed(bytes, documents),
            Self::EventStream(frames) => frames.feed(bytes, documents),
        }
    }
}

fn feed_lines(bytes: &[u8], documents: &mut impl Documents) {
    let mut rest = bytes;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        documents.piece(line);
        documents.end();
        rest = after.get(1..).unwrap_or_default();
    }
    documents.piece(rest);
}
