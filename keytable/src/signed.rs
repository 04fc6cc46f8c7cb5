//! The signed table: a whole key table in one file, from which an Envoy can start while the sidecar
//! cannot be reached.
//!
//! Pages of a snapshot, the region and when they were read, signed with Ed25519, so that whoever can
//! replace the file cannot make a key. Layout in FORMAT.md. Does not say how old a table may be.
//!
//! Invariant: nothing of a file is looked at before its signature is found right, and then it is a
//! whole table of one history: every bucket once, in order.

use alloc::vec::Vec;
use core::fmt;

use ed25519_compact::{KeyPair, PublicKey, Seed, Signature};

use crate::encoding::wire::{Reader, Write};
use crate::format::FormatVersion;
use crate::frame::{Frame, FrameError, Page};
use crate::limits::{BUCKETS, SIGNED_TABLE_BYTES_MAX};

const MAGIC: &[u8; 4] = b"LKS1";
/// What stands in front of the region.
const HEAD_BYTES: usize = 17;
/// What stands in front of each page.
const LENGTH_BYTES: usize = 4;
const SIGNATURE_BYTES: usize = Signature::BYTES;

/// What signs a table. Only the sidecar has it.
pub struct SigningKey(KeyPair);

/// What tells a signed table from a forged one; no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyingKey([u8; 32]);

/// A table whose signature is right.
#[derive(Debug)]
pub struct SignedTable<'a> {
    /// When it was read, in milliseconds since 1970: its lease counts from here.
    pub made_at_unix_ms: u64,
    /// Whose keys.
    pub region: &'a [u8],
    /// Every bucket, in order.
    pub pages: Vec<Page<'a>>,
}

/// Why bytes are not a signed table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedTableError {
    /// It has so many bytes, more than [`SIGNED_TABLE_BYTES_MAX`].
    TooLarge(usize),
    /// Cut, with bytes behind its end, or not a signed table at all.
    Shape,
    /// A format version that this build does not read.
    Version(u16),
    /// It was not signed with the key that was expected.
    Signature,
    /// A page of it is damaged.
    Page(FrameError),
    /// Its pages are not one whole table.
    Incomplete,
}

impl SigningKey {
    /// The key that grows from these random bytes.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(KeyPair::from_seed(Seed::new(seed)))
    }

    /// What readers are given.
    pub fn public(&self) -> VerifyingKey {
        VerifyingKey(*self.0.pk)
    }
}

impl VerifyingKey {
    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = (digit(*high)? << 4) | digit(*low)?;
        }
        Some(Self(bytes))
    }

    /// Its bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    fn has_signed(&self, text: &[u8], signature: [u8; SIGNATURE_BYTES]) -> bool {
        let key = PublicKey::new(self.0);
        key.verify(text, &Signature::new(signature)).is_ok()
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// Signs the pages of a whole snapshot, encoded, in order. A region has at most 255 bytes. Fails only
/// with [`SignedTableError::TooLarge`].
pub fn sign(
    key: &SigningKey,
    made_at_unix_ms: u64,
    region: &str,
    pages: &[Vec<u8>],
) -> Result<Vec<u8>, SignedTableError> {
    let pages_bytes: usize = pages.iter().map(|page| LENGTH_BYTES + page.len()).sum();
    let bytes = HEAD_BYTES + region.len() + pages_bytes + SIGNATURE_BYTES;
    check_size(bytes)?;
    let mut out = Vec::with_capacity(bytes);
    out.put(MAGIC);
    out.put_u16(FormatVersion::NEWEST.number());
    out.put_u16(0);
    out.put_u64(made_at_unix_ms);
    out.push(u8::try_from(region.len()).unwrap_or(u8::MAX));
    out.put(region.as_bytes());
    for page in pages {
        out.put_length(page.len());
        out.put(page);
    }
    let signature = key.0.sk.sign(&out, None);
    out.put(signature.as_ref());
    Ok(out)
}

fn check_size(bytes: usize) -> Result<(), SignedTableError> {
    match bytes {
        0..=SIGNED_TABLE_BYTES_MAX => Ok(()),
        _ => Err(SignedTableError::TooLarge(bytes)),
    }
}

impl<'a> SignedTable<'a> {
    /// Reads a file that must have been signed with the key that belongs to `key`.
    pub fn open(bytes: &'a [u8], key: &VerifyingKey) -> Result<Self, SignedTableError> {
        check_size(bytes.len())?;
        let signed = bytes.split_last_chunk::<SIGNATURE_BYTES>();
        let (text, signature) = signed.ok_or(SignedTableError::Shape)?;
        if !key.has_signed(text, *signature) {
            return Err(SignedTableError::Signature);
        }
        let mut reader = Reader::new(text);
        if reader.array::<4>().ok_or(SignedTableError::Shape)? != *MAGIC {
            return Err(SignedTableError::Shape);
        }
        let version = reader.u16().ok_or(SignedTableError::Shape)?;
        FormatVersion::known(version).ok_or(SignedTableError::Version(version))?;
        if reader.u16() != Some(0) {
            return Err(SignedTableError::Shape);
        }
        let made_at_unix_ms = reader.u64().ok_or(SignedTableError::Shape)?;
        let region_bytes = reader.u8().ok_or(SignedTableError::Shape)?;
        let region = reader
            .bytes(region_bytes.into())
            .ok_or(SignedTableError::Shape)?;
        Ok(Self {
            made_at_unix_ms,
            region,
            pages: read_pages(reader)?,
        })
    }
}

fn read_pages(mut reader: Reader<'_>) -> Result<Vec<Page<'_>>, SignedTableError> {
    let mut pages: Vec<Page<'_>> = Vec::new();
    while !reader.rest().is_empty() {
        let length = reader.length().ok_or(SignedTableError::Shape)?;
        let bytes = reader.bytes(length).ok_or(SignedTableError::Shape)?;
        let Frame::Page(page) = Frame::decode(bytes).map_err(SignedTableError::Page)? else {
            return Err(SignedTableError::Incomplete);
        };
        let follows = match pages.last() {
            None => page.first_bucket == 0,
            Some(before) => {
                page.first_bucket == before.end_bucket()
                    && page.epoch == before.epoch
                    && page.generation == before.generation
            }
        };
        if !follows {
            return Err(SignedTableError::Incomplete);
        }
        pages.push(page);
    }
    let end = pages.last().map_or(0, Page::end_bucket);
    (end == BUCKETS)
        .then_some(pages)
        .ok_or(SignedTableError::Incomplete)
}

// === impl SigningKey ===

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

// === impl VerifyingKey ===

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

// === impl SignedTableError ===

impl fmt::Display for SignedTableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(bytes) => write!(
                f,
                "it has {bytes} bytes; Envoy can start from {SIGNED_TABLE_BYTES_MAX} at most"
            ),
            Self::Shape => f.write_str("it is no signed table, or it is cut"),
            Self::Version(version) => write!(f, "format version {version} is not read here"),
            Self::Signature => f.write_str("its signature is not of the configured key"),
            Self::Page(error) => write!(f, "a page of it is damaged: {error}"),
            Self::Incomplete => f.write_str("its pages are not one whole table"),
        }
    }
}

impl core::error::Error for SignedTableError {}

#[cfg(test)]
mod tests;
