//! How much may be used, and how much a request is expected to use.
//!
//! Invariant: an amount is 1 to [`Amount::MAX`], so that sums of a few never overflow.

/// How much may be used in a window, 1 to 10^13.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(u64);

/// Tokens that a request is expected to use besides those of its body, at most 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpectedTokens(u32);

impl Amount {
    /// The largest: what Tencent's API can say.
    pub const MAX: u64 = 10_000_000_000_000;

    /// An amount; `None` if it is 0 or above [`Self::MAX`].
    pub fn new(amount: u64) -> Option<Self> {
        (1..=Self::MAX).contains(&amount).then_some(Self(amount))
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl ExpectedTokens {
    /// The most.
    pub const MAX: u32 = 1_000_000;

    /// So many tokens; `None` if there are more than [`Self::MAX`].
    pub fn new(tokens: u32) -> Option<Self> {
        (tokens <= Self::MAX).then_some(Self(tokens))
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

// === impl ExpectedTokens ===

impl Default for ExpectedTokens {
    /// What most answers stay below.
    fn default() -> Self {
        Self(1_000)
    }
}
