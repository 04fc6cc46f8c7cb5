//! A bucket: the records of all keys whose hash begins with the same 16 bits, one after another.
//!
//! It is the value of one slot in Envoy, so that a look-up copies a few records and a removed key
//! really frees its bytes. Does not know how slots are named or stored.
//!
//! Invariant: a damaged bucket is [`BucketError`], never "no such key".

use alloc::vec::Vec;
use core::fmt;

use crate::key_hash::KeyHash;
use crate::record::{RecordError, RecordView, intact_body};

/// Why a bucket cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketError {
    /// Its records cannot be told apart, or the one looked for is damaged.
    Damaged(RecordError),
    /// It holds, or would get, a record that belongs elsewhere.
    Foreign,
}

/// Looks a key up by the full hash of each record. The found record is checked whole; that there
/// is none is only believed if every record's checksum is right.
pub fn find<'a>(
    bucket: &'a [u8],
    key_hash: &KeyHash,
) -> Result<Option<RecordView<'a>>, BucketError> {
    for record in EncodedRecords(bucket) {
        let record = record?;
        if hash_of(record)? == *key_hash {
            return RecordView::parse(record)
                .map(Some)
                .map_err(BucketError::Damaged);
        }
    }
    for record in EncodedRecords(bucket) {
        intact_body(record?).map_err(BucketError::Damaged)?;
    }
    Ok(None)
}

/// The bucket with one key's record replaced, added, or (`None`) removed.
pub fn with_record(
    bucket: &[u8],
    key_hash: &KeyHash,
    record: Option<&RecordView<'_>>,
) -> Result<Vec<u8>, BucketError> {
    if record.is_some_and(|view| view.key_hash() != *key_hash) {
        return Err(BucketError::Foreign);
    }
    let added = record.map_or(0, |view| view.as_bytes().len());
    let mut out = Vec::with_capacity(bucket.len() + added);
    for other in EncodedRecords(bucket) {
        let other = other?;
        let hash = hash_of(other)?;
        if hash.bucket() != key_hash.bucket() {
            return Err(BucketError::Foreign);
        }
        if hash != *key_hash {
            out.extend_from_slice(other);
        }
    }
    if let Some(view) = record {
        out.extend_from_slice(view.as_bytes());
    }
    Ok(out)
}

/// How many records a bucket holds.
pub fn count(bucket: &[u8]) -> Result<usize, BucketError> {
    EncodedRecords(bucket).try_fold(0, |count, record| record.map(|_| count + 1))
}

fn hash_of(record: &[u8]) -> Result<KeyHash, BucketError> {
    record
        .get(4..4 + KeyHash::BYTES)
        .and_then(|bytes| <[u8; KeyHash::BYTES]>::try_from(bytes).ok())
        .map(KeyHash::from_bytes)
        .ok_or(BucketError::Damaged(RecordError::Length))
}

/// Each record as it is encoded, told apart by their length prefixes alone.
struct EncodedRecords<'a>(&'a [u8]);

// === impl EncodedRecords ===

impl<'a> Iterator for EncodedRecords<'a> {
    type Item = Result<&'a [u8], BucketError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let length = self
            .0
            .first_chunk::<4>()
            .map(|bytes| u32::from_le_bytes(*bytes));
        let split = length
            .and_then(|length| usize::try_from(length).ok())
            .filter(|length| *length > 4)
            .and_then(|length| self.0.split_at_checked(length));
        let Some((record, rest)) = split else {
            self.0 = &[];
            return Some(Err(BucketError::Damaged(RecordError::Length)));
        };
        self.0 = rest;
        Some(Ok(record))
    }
}

// === impl BucketError ===

impl fmt::Display for BucketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(_) => f.write_str("a bucket of the key table is damaged"),
            Self::Foreign => f.write_str("a bucket of the key table holds another bucket's record"),
        }
    }
}

impl core::error::Error for BucketError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Damaged(source) => Some(source),
            Self::Foreign => None,
        }
    }
}
