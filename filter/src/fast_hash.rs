//! A hasher for what nobody outside chooses: context ids, keyed hashes, and hashes of known keys.
//!
//! One multiplication instead of SipHash, three times a request. Not for anything that a client
//! can choose. Invariant: different numbers of up to 64 bits have different hashes.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds [`FastHasher`].
pub type FastHashBuilder = BuildHasherDefault<FastHasher>;

/// 2^64 divided by the golden ratio: spreads neighbours over all bits.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hasher.
#[derive(Debug, Default)]
pub struct FastHasher(u64);

impl Hasher for FastHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(FACTOR);
    }

    fn write_u128(&mut self, value: u128) {
        let low = value & u128::from(u64::MAX);
        self.write_u64(u64::try_from(low).unwrap_or_default());
    }
}
