//! Base64 (RFC 4648, standard alphabet) that arrives in pieces cut anywhere.
//!
//! Does not check padding or line lengths: bytes outside of the alphabet are passed over.
//! Invariant: at most three characters are kept between two pieces.

/// What was read and is no whole byte yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decoder {
    bits: u32,
    characters: u8,
}

impl Decoder {
    /// Decodes a piece; `bytes` is called with each byte.
    pub(crate) fn feed(&mut self, piece: &[u8], mut byte: impl FnMut(u8)) {
        for value in piece.iter().filter_map(|c| value(*c)) {
            self.bits = (self.bits << 6) | u32::from(value);
            self.characters = (self.characters + 1) % 4;
            let shift = match self.characters {
                2 => 4,
                3 => 2,
                0 => 0,
                _ => continue,
            };
            byte((self.bits >> shift).to_le_bytes()[0]);
        }
    }
}

const fn value(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
