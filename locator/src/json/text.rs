//! The bytes of strings: how far they go on without a stop, and whether they are UTF-8.
//!
//! Where the time goes: the loops are written so that the compiler makes SIMD of them, and UTF-8 is
//! checked by a library that does the same. Knows nothing of JSON but its stops. Invariant: what is
//! accepted is UTF-8 as a whole, however it was cut.

use super::JsonError;

/// Bytes that are looked at without a branch.
const BLOCK: usize = 64;

/// The front of some bytes, up to a quote, a backslash or a control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// How many bytes.
    pub(super) length: usize,
    /// None of them is above 0x7f.
    pub(super) is_ascii: bool,
}

/// A check of text that arrives in pieces.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    /// The bytes of a character that the last piece ended in.
    partial: Vec<u8>,
}

/// Finds the first stop. Most strings are short: blocks are for one that goes on.
pub(super) fn plain_run(bytes: &[u8]) -> Run {
    let mut run = Run {
        length: 0,
        is_ascii: true,
    };
    run.add_eights(bytes);
    if run.length == BLOCK {
        run.add_blocks(bytes);
        run.add_eights(bytes);
    }
    run.add_bytes(bytes);
    run
}

/// Whether there is a stop among them, and all their bits.
fn look_at(block: &[u8; BLOCK]) -> (bool, u8) {
    let (mut stops, mut bits) = (0, 0);
    for byte in block {
        stops |= u8::from(is_stop(*byte));
        bits |= byte;
    }
    (stops != 0, bits)
}

fn is_stop(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Eight bytes at once: a byte below `n` borrows from the next one.
fn has_stop(word: u64) -> bool {
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGHS;
    let quote = below(word ^ (ONES * 0x22), 1);
    let backslash = below(word ^ (ONES * 0x5c), 1);
    below(word, 0x20) | quote | backslash != 0
}

/// How many bytes at the end begin a character that is not whole.
fn begun(bytes: &[u8]) -> usize {
    let last = |back: usize| bytes.len().checked_sub(back).and_then(|at| bytes.get(at));
    for back in 1..=3 {
        match last(back) {
            Some(0x80..0xc0) => {}
            Some(0xc0..) if width(last(back)) > back => return back,
            _ => return 0,
        }
    }
    0
}

/// How long a character with this first byte is.
fn width(first: Option<&u8>) -> usize {
    match first {
        Some(0xc0..0xe0) => 2,
        Some(0xe0..0xf0) => 3,
        Some(0xf0..) => 4,
        _ => 1,
    }
}

/// Whether a member is read as `wanted` by the most lenient known parser: by ASCII case, and by
/// the letters outside of ASCII that some language's comparison folds to an ASCII letter.
pub(crate) fn folds_to(member: &[u8], wanted: &[u8]) -> bool {
    if member.is_ascii() {
        return member.eq_ignore_ascii_case(wanted);
    }
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{130}' | '\u{131}' => 'i',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    };
    let (member, wanted) = (
        String::from_utf8_lossy(member),
        String::from_utf8_lossy(wanted),
    );
    member.chars().map(fold).eq(wanted.chars().map(fold))
}

/// Whether a member is `wanted` in another spelling: without case and with other `_` and `-`, as
/// `auto_mode` is `autoMode` to readers of protocol buffers.
pub(crate) fn is_respelled(member: &[u8], wanted: &[u8]) -> bool {
    letters(member).eq(letters(wanted))
}

fn letters(name: &[u8]) -> impl Iterator<Item = u8> {
    let letters = name.iter().filter(|byte| !matches!(byte, b'_' | b'-'));
    letters.map(u8::to_ascii_lowercase)
}

// === impl Run ===

impl Run {
    /// Goes on by eight bytes at a time, for one block at most.
    fn add_eights(&mut self, bytes: &[u8]) {
        let rest = bytes.get(self.length..).unwrap_or_default();
        let (eights, _) = rest.as_chunks::<8>();
        for eight in eights.iter().take(BLOCK / 8) {
            let word = u64::from_le_bytes(*eight);
            if has_stop(word) {
                return;
            }
            self.length += 8;
            self.is_ascii &= word & HIGHS == 0;
        }
    }

    fn add_blocks(&mut self, bytes: &[u8]) {
        let rest = bytes.get(self.length..).unwrap_or_default();
        let (blocks, _) = rest.as_chunks::<BLOCK>();
        for block in blocks {
            let (stops, bits) = look_at(block);
            if stops {
                return;
            }
            self.length += BLOCK;
            self.is_ascii &= bits.is_ascii();
        }
    }

    fn add_bytes(&mut self, bytes: &[u8]) {
        let rest = bytes.get(self.length..).unwrap_or_default();
        for byte in rest.iter().take_while(|byte| !is_stop(**byte)) {
            self.length += 1;
            self.is_ascii &= byte.is_ascii();
        }
    }
}

// === impl Utf8 ===

impl Utf8 {
    /// The next piece, which may begin and end in the middle of a character.
    pub(super) fn check(&mut self, piece: &[u8], is_ascii: bool) -> Result<(), JsonError> {
        if is_ascii && self.is_whole() {
            return Ok(());
        }
        let rest = self.complete(piece)?;
        let whole = rest.len() - begun(rest);
        let (front, back) = rest.split_at_checked(whole).unwrap_or((rest, &[]));
        if simdutf8::basic::from_utf8(front).is_err() {
            return Err(JsonError::Encoding);
        }
        back.iter().try_for_each(|byte| self.add(*byte))
    }

    /// Whether the last piece ended with a whole character.
    pub(super) fn is_whole(&self) -> bool {
        self.partial.is_empty()
    }

    /// Takes what the begun character needs; gives what is left.
    fn complete<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], JsonError> {
        let mut rest = piece;
        while let (false, Some((byte, after))) = (self.is_whole(), rest.split_first()) {
            self.add(*byte)?;
            rest = after;
        }
        Ok(rest)
    }

    fn add(&mut self, byte: u8) -> Result<(), JsonError> {
        self.partial.push(byte);
        match std::str::from_utf8(&self.partial) {
            Ok(_) => self.partial.clear(),
            Err(error) if error.error_len().is_none() => {}
            Err(_) => return Err(JsonError::Encoding),
        }
        Ok(())
    }
}
