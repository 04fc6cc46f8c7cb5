//! The shape of an API key: `<prefix><40 or more base62><6 base62 of CRC32>`.
//!
//! Both sides use it: the sidecar to end a new key with its checksum, the filter to drop typos
//! and fakes before it hashes anything. The checksum is no security; it gives no access.
//! Does not draw random characters and does not know which keys exist.
//!
//! Invariant: a [`PresentedKey`] is printable ASCII of a bounded length with a right checksum.

use core::fmt;

use crate::limits::{API_KEY_BYTES_MAX, API_KEY_CHECKSUM_CHARS, API_KEY_SECRET_CHARS_MIN};

/// The digits of base62, in the order of their values.
pub const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The regular expression that every key of this format matches, for secret scanners.
pub const API_KEY_REGEX: &str = r"\b[a-z][a-z0-9]*-(?:[a-z0-9]+-)*[0-9A-Za-z]{46,}\b";

/// A credential as a client sent it, whose format and checksum are right.
///
/// Holds the secret: no `Clone`, no `Display`, an opaque `Debug`.
pub struct PresentedKey<'a>(&'a [u8]);

/// Why a credential is not an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFormatError {
    /// Shorter than any key or longer than [`API_KEY_BYTES_MAX`].
    Length,
    /// A byte that no key has, or no prefix that ends in `-`.
    Character,
    /// The last six characters are not the checksum of what precedes them.
    Checksum,
}

impl<'a> PresentedKey<'a> {
    /// Reads a credential's bytes. Costs one pass and one CRC32; no allocation.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, KeyFormatError> {
        if bytes.len() > API_KEY_BYTES_MAX {
            return Err(KeyFormatError::Length);
        }
        let split = bytes.len().checked_sub(API_KEY_CHECKSUM_CHARS);
        let (body, sum) = split
            .and_then(|at| bytes.split_at_checked(at))
            .ok_or(KeyFormatError::Length)?;
        let secret_chars = body
            .iter()
            .rev()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        if secret_chars < API_KEY_SECRET_CHARS_MIN {
            return Err(KeyFormatError::Length);
        }
        let prefix = body.get(..body.len() - secret_chars).unwrap_or(&[]);
        if !is_prefix(prefix) {
            return Err(KeyFormatError::Character);
        }
        if checksum(body) != sum {
            Err(KeyFormatError::Checksum)
        } else {
            Ok(Self(bytes))
        }
    }

    /// The whole credential, to be hashed.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// Whether `prefix` is words of `a-z 0-9`, each with a `-` behind it, the first led by a letter.
fn is_prefix(prefix: &[u8]) -> bool {
    let Some(words) = prefix.strip_suffix(b"-") else {
        return false;
    };
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_word = |word: &[u8]| !word.is_empty() && word.iter().all(plain);
    words.first().is_some_and(u8::is_ascii_lowercase) && words.split(|b| *b == b'-').all(is_word)
}

/// The six base62 characters of the CRC32 over `body` (prefix and secret part).
pub fn checksum(body: &[u8]) -> [u8; API_KEY_CHECKSUM_CHARS] {
    let mut rest = crc32fast::hash(body);
    let mut digits = [b'0'; API_KEY_CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.get((rest % 62) as usize).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits
}

// === impl PresentedKey ===

impl fmt::Debug for PresentedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey(..)")
    }
}

// === impl KeyFormatError ===

impl fmt::Display for KeyFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "the credential is shorter or longer than any API key",
            Self::Character => "the credential has a character or prefix that no API key has",
            Self::Checksum => "the credential's checksum is wrong: it was mistyped or cut",
        })
    }
}

impl core::error::Error for KeyFormatError {}
