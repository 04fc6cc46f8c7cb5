//! Seeded pseudo-random numbers (SplitMix64) for the big loops, so that a failure can be repeated.
//!
//! Does not serve secrets. Invariant: the same seed gives the same numbers; the seed is printed.

use std::hash::{BuildHasher, RandomState};

/// A generator. `KEYTABLE_SEED` sets its seed, else every run draws another.
pub(crate) struct Random(u64);

impl Random {
    #[allow(dead_code, reason = "not every test draws its own seed")]
    /// A generator whose seed is printed, with the name of the test.
    pub(crate) fn seeded(test: &str) -> Self {
        let seed = match std::env::var("KEYTABLE_SEED") {
            Ok(text) => text.parse().expect("KEYTABLE_SEED is a decimal number"),
            Err(_) => RandomState::new().hash_one(test),
        };
        println!("{test}: KEYTABLE_SEED={seed}");
        Self::from_seed(seed)
    }

    /// A generator that somebody else told the seed of.
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, all 64 bits of it.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
