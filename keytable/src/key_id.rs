//! Public handles: the id of a key and the id of an account.
//!
//! Invariant: an id is 1 to 64 bytes of `a-z 0-9 - _ .`, starting with a letter or digit, so it
//! can stand in a header, a log line, a metric and a URL without quoting.

use alloc::string::String;
use core::fmt;

use crate::limits::ID_BYTES_MAX;

/// The public handle of a key, `ak-YYYYMMDD-<hex>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// The handle of an account, as its operator chose it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// Empty or longer than [`ID_BYTES_MAX`].
    Length,
    /// A character outside `a-z 0-9 - _ .`, or a first character that is no letter or digit.
    Character,
}

impl KeyId {
    /// Reads an id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        check(text.as_bytes()).map(|()| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AccountId {
    /// Reads an id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        check(text.as_bytes()).map(|()| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `bytes` may be an id.
pub(crate) fn check(bytes: &[u8]) -> Result<(), IdError> {
    if bytes.is_empty() || bytes.len() > ID_BYTES_MAX {
        return Err(IdError::Length);
    }
    let starts_well = bytes
        .first()
        .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(b);
    if starts_well && bytes.iter().all(plain) {
        Ok(())
    } else {
        Err(IdError::Character)
    }
}

// === impl KeyId ===

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl AccountId ===

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl IdError ===

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => write!(f, "must have 1 to {ID_BYTES_MAX} characters"),
            Self::Character => f.write_str(
                "must start with a letter or digit and have only a-z, 0-9, '-', '_' and '.'",
            ),
        }
    }
}

impl core::error::Error for IdError {}
