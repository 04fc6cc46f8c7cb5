//! Where a table stands: which history (`Epoch`) and which position in it (`Generation`).
//!
//! Invariant: generations of one epoch only rise; generations of different epochs are never
//! compared.

use core::fmt;

use base16ct::HexDisplay;

/// Names one history of a database: drawn when it is created and again when it is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch([u8; 16]);

/// A position in an epoch's history; every stored change takes the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(u64);

impl Epoch {
    /// Length of an epoch, in bytes.
    pub const BYTES: usize = 16;

    /// An epoch that was drawn, stored or received.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        let read = base16ct::lower::decode(text, &mut bytes).ok()?;
        (read.len() == 16).then_some(Self(bytes))
    }
}

impl Generation {
    /// The generation of a history without a change.
    pub const ZERO: Self = Self(0);

    /// A generation that was stored or received.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next one; stays at the end of the range, which no history reaches.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

// === impl Epoch ===

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", HexDisplay(&self.0))
    }
}

// === impl Generation ===

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
