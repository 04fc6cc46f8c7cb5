//! Server-sent events without the one by which a stream states what it used, and nothing else.
//!
//! An event waits until it is whole; one that is too long for that event passes. Does not read figures.
//! Invariant: what is left is byte by byte what came, and does not depend on how it was cut.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Longest event that waits for its end, in bytes.
const EVENT_BYTES_MAX: usize = 64 * 1024;
const FIELD: &[u8] = b"data:";

/// A stream in the middle of an event.
#[derive(Debug, Default)]
pub(super) struct UsageChunks {
    /// What has come of the event, if that waits.
    event: Vec<u8>,
    /// The event is too long to be the one, and passes.
    passes: bool,
    /// The line has begun.
    in_line: bool,
    /// The last byte was a CR: a LF behind it is a part of the line's end.
    after_cr: bool,
    /// The last event was taken out.
    was_taken: bool,
}

/// What the event holds that states usage and nothing else.
#[derive(Deserialize)]
struct UsageChunk {
    choices: Vec<IgnoredAny>,
    #[serde(rename = "usage")]
    _usage: Figures,
}

/// An object, whatever is in it.
#[derive(Deserialize)]
struct Figures {}

impl UsageChunks {
    /// What passes now that this piece is there.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(piece.len());
        let mut rest = piece;
        while let Some((byte, after)) = rest.split_first() {
            rest = match *byte {
                b'\n' if std::mem::take(&mut self.after_cr) => {
                    self.end_cr(&mut out);
                    after
                }
                b'\r' | b'\n' => {
                    self.add(&[*byte], &mut out);
                    self.after_cr = *byte == b'\r';
                    if !std::mem::take(&mut self.in_line) {
                        self.end_event(&mut out);
                    }
                    after
                }
                _ => self.line(rest, &mut out),
            };
        }
        out
    }

    /// What is left when nothing more comes.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.end_event(&mut out);
        out
    }

    /// Takes what has come of the line; gives what is behind it.
    fn line<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let line = bytes.split_at_checked(end.unwrap_or(bytes.len()));
        let (line, after) = line.unwrap_or((bytes, &[]));
        self.add(line, out);
        self.in_line = true;
        self.after_cr = false;
        after
    }

    fn add(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.passes {
            out.extend_from_slice(bytes);
            return;
        }
        self.event.extend_from_slice(bytes);
        if self.event.len() > EVENT_BYTES_MAX {
            self.passes = true;
            out.append(&mut self.event);
        }
    }

    /// The LF behind a CR goes the way of the line that they end, which may have ended an event.
    fn end_cr(&mut self, out: &mut Vec<u8>) {
        let is_between = self.event.is_empty() && !self.passes;
        match is_between {
            false => self.add(b"\n", out),
            true if self.was_taken => {}
            true => out.push(b'\n'),
        }
    }

    fn end_event(&mut self, out: &mut Vec<u8>) {
        self.was_taken = !self.passes && states_usage_alone(&self.event);
        self.passes = false;
        match self.was_taken {
            true => self.event.clear(),
            false => out.append(&mut self.event),
        }
    }
}

fn states_usage_alone(event: &[u8]) -> bool {
    let lines = event.split(|byte| matches!(byte, b'\r' | b'\n'));
    let mut data = lines.filter_map(|line| line.strip_prefix(FIELD));
    let (Some(json), None) = (data.next(), data.next()) else {
        return false;
    };
    let chunk = serde_json::from_slice::<UsageChunk>(json);
    chunk.is_ok_and(|chunk| chunk.choices.is_empty())
}
