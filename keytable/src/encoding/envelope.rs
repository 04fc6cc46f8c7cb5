//! The envelope around frames and batches, and the checksum that ends them and the head.
//!
//! Magic, format version, two bytes that the kind uses in its own way, the length of the whole, what
//! is inside, CRC-32 of all before it. Does not know what is inside. Invariant: what [`open`] gives was
//! written whole by [`Envelope`].

use alloc::vec::Vec;

use crate::encoding::wire::{Reader, Write};
use crate::format::FormatVersion;

/// Bytes of magic.
pub(crate) const MAGIC_BYTES: usize = 4;
const LENGTH_AT: usize = 8;
const CHECKSUM_BYTES: usize = 4;

/// Why bytes are no envelope, in the order in which they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnvelopeError {
    /// Shorter than any, cut, or with bytes behind its end.
    Length,
    /// Of another kind, or no envelope at all.
    Magic,
    /// A format version that this build does not read.
    Version(u16),
    /// The checksum is wrong.
    Checksum,
}

/// An envelope that is being written.
#[derive(Debug)]
pub(crate) struct Envelope(Vec<u8>);

impl Envelope {
    /// Begins one with room for `capacity` bytes; `own` are the kind's own two bytes.
    pub(crate) fn begin(
        magic: &[u8; MAGIC_BYTES],
        format: FormatVersion,
        own: [u8; 2],
        capacity: usize,
    ) -> Self {
        let mut out = Vec::with_capacity(capacity);
        out.put(magic);
        out.put_u16(format.number());
        out.put(&own);
        out.put_u32(0);
        Self(out)
    }

    /// What is inside is appended here.
    pub(crate) const fn inside(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// Ends it: its length, its checksum.
    pub(crate) fn end(self) -> Vec<u8> {
        let mut out = self.0;
        let length = u32::try_from(out.len() + CHECKSUM_BYTES).unwrap_or(u32::MAX);
        let field = out.iter_mut().skip(LENGTH_AT);
        field
            .zip(length.to_le_bytes())
            .for_each(|(byte, value)| *byte = value);
        with_checksum(out)
    }
}

/// Reads an envelope of a kind that is laid out alike in every version: its own two bytes, and what
/// is inside.
pub(crate) fn open<'a>(
    magic: &[u8; MAGIC_BYTES],
    bytes: &'a [u8],
) -> Result<([u8; 2], Reader<'a>), EnvelopeError> {
    open_any(magic, bytes).map(|(_, own, reader)| (own, reader))
}

/// Reads an envelope of this kind: its version, its own two bytes, and what is inside.
pub(crate) fn open_any<'a>(
    magic: &[u8; MAGIC_BYTES],
    bytes: &'a [u8],
) -> Result<(FormatVersion, [u8; 2], Reader<'a>), EnvelopeError> {
    let cut = EnvelopeError::Length;
    let (body, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(cut)?;
    let mut reader = Reader::new(body);
    if reader.array::<MAGIC_BYTES>().ok_or(cut)? != *magic {
        return Err(EnvelopeError::Magic);
    }
    let version = reader.u16().ok_or(cut)?;
    let format = FormatVersion::known(version).ok_or(EnvelopeError::Version(version))?;
    let own = reader.array().ok_or(cut)?;
    if reader.length().ok_or(cut)? != bytes.len() {
        return Err(cut);
    }
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return Err(EnvelopeError::Checksum);
    }
    Ok((format, own, reader))
}

/// Appends the checksum of all that there is.
pub(crate) fn with_checksum(mut out: Vec<u8>) -> Vec<u8> {
    let sum = crc32fast::hash(&out);
    out.put_u32(sum);
    out
}

/// What is in front of a right checksum.
pub(crate) fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (body, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
    (crc32fast::hash(body) == u32::from_le_bytes(*sum)).then_some(body)
}
