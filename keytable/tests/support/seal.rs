//! Right checksums for bytes that were changed on purpose.
//!
//! Does not know what the bytes are. Invariant: records, frames and heads have their CRC-32 in the
//! same place, the last four bytes, over all before.

/// `bytes` with the right checksum in the last four.
pub(crate) fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let body = bytes.len() - 4;
    let sum = crc32fast::hash(&bytes[..body]);
    bytes[body..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// A record's bytes with their own length in front and their checksum behind.
pub(crate) fn with_length(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    bytes[..4].copy_from_slice(&length);
    resealed(bytes)
}
