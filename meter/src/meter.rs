//! Follows one answer to its end.
//!
//! Does not know who asked or who is charged, and holds nothing back. Invariants: reported is only
//! what the upstream stated, and only if it stated it to the end; after a cut the larger of what was
//! stated and of what was seen counts, as estimated.

use std::rc::Rc;

use crate::base64::Decoder;
use crate::figures::{Slots, Usage};
use crate::framing::{Documents, Format, Framing};
use crate::path_scanner::{PathScanner, Sink};
use crate::report::Report;
use crate::tree::{Slot, Tree};

/// Bytes of text that are taken for one token.
const TOKEN_BYTES: u64 = 4;
/// Most input that is estimated from a body's size: an image is no text.
const INPUT_ESTIMATE_MAX: u64 = 100_000;
/// Bytes of base64 that are decoded at a time.
const DECODED_BYTES: usize = 256;

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Its last byte passed.
    pub is_whole: bool,
    /// Its status was 400 or more.
    pub is_error: bool,
    /// Size of the request's body, in bytes.
    pub request_bytes: u64,
    /// What of the answer was text that could not be read, being compressed, in bytes.
    pub unread_bytes: u64,
}

/// A meter for one answer.
#[derive(Debug)]
pub struct Meter {
    report: Rc<Report>,
    framing: Option<Framing>,
    scanner: PathScanner,
    /// Reads what frames carry in base64.
    inner: Inner,
    found: Found,
}

#[derive(Debug)]
struct Inner {
    scanner: PathScanner,
    decoder: Decoder,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Found {
    slots: Slots,
    /// Headers stated a figure.
    in_headers: bool,
    /// Something said that no more is told.
    is_last: bool,
    /// Tokens were counted, and nothing was run.
    runs_nothing: bool,
    /// Documents with text in them, and the text's bytes.
    text_events: u64,
    text_bytes: u64,
    has_text: bool,
}

/// One document on its way into the scanners.
struct Reading<'a> {
    tree: &'a Tree,
    scanner: &'a mut PathScanner,
    inner: &'a mut Inner,
    found: &'a mut Found,
}

/// A scanner's findings.
struct Outer<'a> {
    tree: &'a Tree,
    inner: &'a mut Inner,
    found: &'a mut Found,
}

impl Meter {
    /// A meter for an answer in this form; `None` for one that cannot be read.
    pub fn new(report: Rc<Report>, format: Option<Format>) -> Self {
        Self {
            report,
            framing: format.map(Framing::new),
            scanner: PathScanner::new(),
            inner: Inner {
                scanner: PathScanner::new(),
                decoder: Decoder::default(),
            },
            found: Found::default(),
        }
    }

    /// A header of the answer: its name in lower case.
    pub fn header(&mut self, name: &str, value: &[u8]) {
        let figure = std::str::from_utf8(value.trim_ascii()).ok();
        let Some(figure) = figure.and_then(|text| text.parse().ok()) else {
            return;
        };
        let report = Rc::clone(&self.report);
        let named = report.headers.iter().filter(|(known, _)| known == name);
        for (_, index) in named {
            self.found.in_headers = true;
            self.found.slots.set(
                Slot {
                    index: *index,
                    adds: false,
                },
                figure,
            );
        }
    }

    /// The next piece of the answer's body.
    pub fn feed(&mut self, piece: &[u8]) {
        let Some(framing) = &mut self.framing else {
            return;
        };
        let mut reading = Reading {
            tree: &self.report.tree,
            scanner: &mut self.scanner,
            inner: &mut self.inner,
            found: &mut self.found,
        };
        framing.feed(piece, &mut reading);
    }

    /// Whether a body can tell more.
    pub fn reads_body(&self) -> bool {
        self.framing.is_some()
    }

    /// What was used.
    pub fn end(mut self, end: End) -> Usage {
        let mut outer = Outer {
            tree: &self.report.tree,
            inner: &mut self.inner,
            found: &mut self.found,
        };
        self.scanner.finish(&self.report.tree, &mut outer);
        let found = &mut self.found;
        found.end_document();
        let stated = found.slots.usage(&self.report.sums);
        let is_final = end.is_whole || found.is_last || found.in_headers;
        match (found.slots.is_stated(), end.is_error) {
            (true, _) if is_final => Usage {
                is_reported: true,
                ..stated
            },
            (false, is_error) if is_error || found.runs_nothing => Usage::default(),
            _ => found.estimate(stated, &end),
        }
    }
}

// === impl Found ===

impl Found {
    fn end_document(&mut self) {
        if std::mem::take(&mut self.has_text) {
            self.text_events = self.text_events.saturating_add(1);
        }
    }

    /// The larger of what was stated and of what can be worked out.
    fn estimate(&self, stated: Usage, end: &End) -> Usage {
        let text_bytes = self.text_bytes.max(end.unread_bytes);
        let output = self.text_events.max(text_bytes / TOKEN_BYTES);
        let input = (end.request_bytes / TOKEN_BYTES).min(INPUT_ESTIMATE_MAX);
        Usage {
            input: match stated.input {
                0 => input,
                stated => stated,
            },
            output: stated.output.max(output),
            ..stated
        }
    }
}

// === impl Reading ===

impl Documents for Reading<'_> {
    fn piece(&mut self, bytes: &[u8]) {
        let mut outer = Outer {
            tree: self.tree,
            inner: self.inner,
            found: self.found,
        };
        self.scanner.feed(self.tree, bytes, &mut outer);
    }

    fn end(&mut self) {
        let mut outer = Outer {
            tree: self.tree,
            inner: self.inner,
            found: self.found,
        };
        self.scanner.finish(self.tree, &mut outer);
        self.scanner.reset();
        self.inner.reset();
        self.found.end_document();
    }

    fn last(&mut self) {
        self.found.is_last = true;
    }
}

// === impl Inner ===

impl Inner {
    fn reset(&mut self) {
        self.scanner.reset();
        self.decoder = Decoder::default();
    }

    fn feed(&mut self, tree: &Tree, base64: &[u8], found: &mut Found) {
        for part in base64.chunks(DECODED_BYTES) {
            let mut decoded = [0; DECODED_BYTES];
            let mut length = 0;
            self.decoder.feed(part, |byte| {
                if let Some(place) = decoded.get_mut(length) {
                    *place = byte;
                    length += 1;
                }
            });
            let bytes = decoded.get(..length).unwrap_or_default();
            self.scanner.feed(tree, bytes, found);
        }
    }
}

// === impl Sink ===

impl Sink for Outer<'_> {
    fn begin_document(&mut self) {
        self.found.begin_document();
    }

    fn figure(&mut self, slot: Slot, value: u64) {
        self.found.figure(slot, value);
    }

    fn text(&mut self, piece: &[u8]) {
        self.found.text(piece);
    }

    fn counted(&mut self) {
        self.found.counted();
    }

    fn base64(&mut self, piece: &[u8]) {
        self.inner.feed(self.tree, piece, self.found);
    }

    fn last(&mut self) {
        Sink::last(self.found);
    }
}

impl Sink for Found {
    fn begin_document(&mut self) {
        self.slots.begin_document();
    }

    fn figure(&mut self, slot: Slot, value: u64) {
        self.slots.set(slot, value);
    }

    fn text(&mut self, piece: &[u8]) {
        self.has_text |= !piece.is_empty();
        let bytes = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.text_bytes = self.text_bytes.saturating_add(bytes);
    }

    fn counted(&mut self) {
        self.runs_nothing = true;
    }

    /// Documents in documents in base64 are not read.
    fn base64(&mut self, _: &[u8]) {}

    fn last(&mut self) {
        self.is_last = true;
    }
}
