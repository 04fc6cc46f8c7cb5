//! Tokens that requests used, as their answers stated or as they were worked out.
//!
//! Does not read answers. Invariant: sums do not overflow; what was estimated is never told as
//! reported.

use alloc::vec::Vec;

use crate::encoding::wire::{Reader, Write};

const REPORTED: u8 = 1;
const ESTIMATED: u8 = 2;

/// Tokens of one kind of statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// The whole prompts, what was read from or written to a cache included.
    pub input: u64,
    /// Read from a cache: a part of `input`.
    pub cached: u64,
    /// Everything that was made, reasoning included.
    pub output: u64,
    /// Thought and not said: a part of `output`.
    pub reasoning: u64,
}

/// Tokens of some requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The upstream stated them, and its answer was whole.
    pub reported: TokenCounts,
    /// They were worked out.
    pub estimated: TokenCounts,
}

impl TokenCounts {
    /// Whether there are none.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Adds those of other requests.
    pub fn add(&mut self, other: &Self) {
        self.input = self.input.saturating_add(other.input);
        self.cached = self.cached.saturating_add(other.cached);
        self.output = self.output.saturating_add(other.output);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
    }

    fn write(&self, out: &mut Vec<u8>) {
        let counts = [self.input, self.cached, self.output, self.reasoning];
        counts.into_iter().for_each(|count| out.put_u64(count));
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            input: reader.u64()?,
            cached: reader.u64()?,
            output: reader.u64()?,
            reasoning: reader.u64()?,
        })
    }
}

impl Tokens {
    /// Whether there are none.
    pub fn is_zero(&self) -> bool {
        self.reported.is_zero() && self.estimated.is_zero()
    }

    /// Adds those of other requests.
    pub fn add(&mut self, other: &Self) {
        self.reported.add(&other.reported);
        self.estimated.add(&other.estimated);
    }

    /// One byte that says which follow, and those.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let parts = [(REPORTED, &self.reported), (ESTIMATED, &self.estimated)];
        let told = parts.iter().filter(|(_, counts)| !counts.is_zero());
        out.push(told.clone().fold(0, |bits, (bit, _)| bits | bit));
        told.for_each(|(_, counts)| counts.write(out));
    }

    /// `None` if they are cut; the inner `None` if they are not what [`Self::write`] writes.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Option<Self>> {
        let bits = reader.u8()?;
        if bits & !(REPORTED | ESTIMATED) != 0 {
            return Some(None);
        }
        let mut part = |bit: u8| match bits & bit {
            0 => Some(TokenCounts::default()),
            _ => TokenCounts::read(reader),
        };
        let tokens = Self {
            reported: part(REPORTED)?,
            estimated: part(ESTIMATED)?,
        };
        let told = |bit: u8, counts: &TokenCounts| (bits & bit != 0) != counts.is_zero();
        let is_exact = told(REPORTED, &tokens.reported) && told(ESTIMATED, &tokens.estimated);
        Some(is_exact.then_some(tokens))
    }
}
