//! `application/vnd.amazon.eventstream`: the payload of each frame is a document.
//!
//! A frame is its length (4 bytes, big endian, all of it), the length of its headers (4), a checksum
//! (4), headers, payload, and a checksum (4). Reads neither headers nor checksums: the payloads tell
//! what they are. Invariant: a frame that cannot be one ends the reading; nothing is guessed.

use super::Documents;

const PRELUDE_BYTES: usize = 12;
const CHECKSUM_BYTES: u32 = 4;
/// What a frame has besides headers and payload.
const FIXED_BYTES: u32 = 16;

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Prelude,
    Headers {
        left: u32,
        payload: u32,
    },
    Payload {
        left: u32,
    },
    Checksum {
        left: u32,
    },
    /// The bytes were no frame.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct EventStream {
    next: Next,
    prelude: [u8; PRELUDE_BYTES],
    read: usize,
}

impl EventStream {
    pub(super) fn feed(&mut self, bytes: &[u8], documents: &mut impl Documents) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.next {
                Next::Prelude => self.prelude(rest),
                Next::Headers { left, payload } => {
                    let (_, left, after) = take(rest, left);
                    self.next = match left {
                        0 => Next::Payload { left: payload },
                        _ => Next::Headers { left, payload },
                    };
                    after
                }
                Next::Payload { left } => {
                    let (piece, left, after) = take(rest, left);
                    documents.piece(piece);
                    if left == 0 {
                        documents.end();
                    }
                    self.next = match left {
                        0 => Next::Checksum {
                            left: CHECKSUM_BYTES,
                        },
                        _ => Next::Payload { left },
                    };
                    after
                }
                Next::Checksum { left } => {
                    let (_, left, after) = take(rest, left);
                    self.next = match left {
                        0 => Next::Prelude,
                        _ => Next::Checksum { left },
                    };
                    after
                }
                Next::Nothing => &[],
            };
        }
    }

    fn prelude<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let wanted = PRELUDE_BYTES.saturating_sub(self.read).min(bytes.len());
        let (piece, after) = bytes.split_at_checked(wanted).unwrap_or((bytes, &[]));
        if let Some(place) = self.prelude.get_mut(self.read..self.read + piece.len()) {
            place.copy_from_slice(piece);
        }
        self.read += piece.len();
        if self.read == PRELUDE_BYTES {
            self.read = 0;
            self.next = after_prelude(&self.prelude);
        }
        after
    }
}

fn after_prelude(prelude: &[u8; PRELUDE_BYTES]) -> Next {
    let [a, b, c, d, e, f, g, h, ..] = *prelude;
    let all = u32::from_be_bytes([a, b, c, d]);
    let headers = u32::from_be_bytes([e, f, g, h]);
    let payload = all
        .checked_sub(FIXED_BYTES)
        .and_then(|rest| rest.checked_sub(headers));
    match payload {
        Some(payload) => Next::Headers {
            left: headers,
            payload,
        },
        None => Next::Nothing,
    }
}

/// At most `left` bytes, how many are left then, and what is behind them.
fn take(bytes: &[u8], left: u32) -> (&[u8], u32, &[u8]) {
    let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    let (piece, after) = bytes.split_at_checked(wanted).unwrap_or((bytes, &[]));
    let taken = u32::try_from(wanted).unwrap_or(left);
    (piece, left.saturating_sub(taken), after)
}

// === impl EventStream ===

impl Default for EventStream {
    fn default() -> Self {
        Self {
            next: Next::Prelude,
            prelude: [0; PRELUDE_BYTES],
            read: 0,
        }
    }
}
