//! Server-sent events: the data of each event is a document.
//!
//! Reads no field but `data`. Lines end in CR, LF or both, and may be cut anywhere. Invariant: a
//! document ends at the blank line that ends its event.

use memchr::memchr2;

use super::Documents;

const FIELD: &[u8] = b"data:";
/// The data by which APIs say that nothing more comes.
const DONE: &[u8] = b"[DONE]";

/// Where in a line the last piece ended.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// So many bytes of the line are those of `data:`.
    Field(usize),
    /// In the value of `data`, of which so many bytes are those of `[DONE]`, if all are.
    Data(Option<usize>),
    /// In another field, or a comment.
    Other,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sse {
    place: Place,
    /// The line before ended in CR: a LF behind it is a part of its end.
    after_cr: bool,
}

impl Sse {
    pub(super) fn feed(&mut self, bytes: &[u8], documents: &mut impl Documents) {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            if std::mem::take(&mut self.after_cr) && *byte == b'\n' {
                rest = after;
                continue;
            }
            rest = match (self.place, *byte) {
                (_, b'\r' | b'\n') => {
                    self.end_line(documents);
                    self.after_cr = *byte == b'\r';
                    after
                }
                (Place::Field(matched), byte) => {
                    self.place = in_field(matched, byte);
                    after
                }
                (Place::Data(done), _) => self.data(rest, done, documents),
                (Place::Other, _) => rest.get(line_bytes(rest)..).unwrap_or_default(),
            };
        }
    }

    fn data<'a>(
        &mut self,
        rest: &'a [u8],
        done: Option<usize>,
        documents: &mut impl Documents,
    ) -> &'a [u8] {
        let (value, after) = rest
            .split_at_checked(line_bytes(rest))
            .unwrap_or((rest, &[]));
        documents.piece(value);
        self.place = Place::Data(done.and_then(|matched| still_done(matched, value)));
        after
    }

    fn end_line(&mut self, documents: &mut impl Documents) {
        match self.place {
            Place::Field(0) => documents.end(),
            Place::Data(Some(matched)) if matched == DONE.len() => documents.last(),
            // Two lines of data are one document with a line's end in it.
            Place::Data(_) => documents.piece(b"\n"),
            _ => {}
        }
        self.place = Place::Field(0);
    }
}

/// `data` alone, without a colon, is a field without a value: it is passed over.
fn in_field(matched: usize, byte: u8) -> Place {
    match FIELD.get(matched) {
        Some(wanted) if *wanted == byte && matched + 1 == FIELD.len() => Place::Data(Some(0)),
        Some(wanted) if *wanted == byte => Place::Field(matched + 1),
        _ => Place::Other,
    }
}

/// How many bytes of `[DONE]` have come, blanks around it aside; `None` if it is another value.
fn still_done(matched: usize, value: &[u8]) -> Option<usize> {
    value
        .iter()
        .try_fold(matched, |matched, byte| match (DONE.get(matched), *byte) {
            (Some(wanted), byte) if *wanted == byte => Some(matched + 1),
            (_, b' ') if matched == 0 || matched == DONE.len() => Some(matched),
            _ => None,
        })
}

fn line_bytes(bytes: &[u8]) -> usize {
    memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len())
}

// === impl Sse ===

impl Default for Sse {
    fn default() -> Self {
        Self {
            place: Place::Field(0),
            after_cr: false,
        }
    }
}
