//! The head: the slot that says which table the other slots hold.
//!
//! Does not hold the lease, which moves far more often. Layout in FORMAT.md.
//! Invariant: bytes that are not exactly one whole head are no head.

use alloc::vec::Vec;

use crate::encoding::envelope;
use crate::encoding::wire::{Reader, Write};
use crate::format::FormatVersion;
use crate::generation::{Epoch, Generation};

const MAGIC: &[u8; 4] = b"LKH1";

/// What is in force in one Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableHead {
    /// Which history.
    pub epoch: Epoch,
    /// Which position in it.
    pub generation: Generation,
    /// How many tables this Envoy has put in force since it started: rises with every change of
    /// any slot, also when the epoch changes, so that a worker can tell what it has cached by it.
    pub edition: u64,
    /// Records in the table.
    pub records: u64,
}

impl TableHead {
    /// The bytes of the head.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(52);
        out.put(MAGIC);
        out.put_u16(FormatVersion::NEWEST.number());
        out.put_u16(0);
        out.put(self.epoch.as_bytes());
        out.put_u64(self.generation.get());
        out.put_u64(self.edition);
        out.put_u64(self.records);
        envelope::with_checksum(out)
    }

    /// Reads a head; `None` if the bytes are anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(envelope::checked(bytes)?);
        let known = reader.array::<4>()? == *MAGIC
            && reader.u16()? == FormatVersion::NEWEST.number()
            && reader.u16()? == 0;
        let head = Self {
            epoch: Epoch::from_bytes(reader.array()?),
            generation: Generation::new(reader.u64()?),
            edition: reader.u64()?,
            records: reader.u64()?,
        };
        (known && reader.rest().is_empty()).then_some(head)
    }
}
