//! A cell as bytes: what stands in Envoy's shared data, and what no other process reads.
//!
//! Little-endian: version (1 byte), number of subjects (2), the subjects, CRC-32. A subject: kind (1), length
//! of its id (1), the id, when it was used (8), number of counters (2), the counters. A counter: unit, window,
//! number of holds (2), start (8), resets (4), figures (3 times 8, of a minute 2 times 8), the holds: gate
//! (4), amount (8). Invariant: bytes that are not exactly one whole cell are none.

use alloc::vec::Vec;

use super::{Cell, CellCounter, CellEntry, Figures, Hold};
use crate::encoding::envelope;
use crate::encoding::wire::{Reader, Write};
use crate::key_id::{AccountId, KeyId};
use crate::limit::{LimitSubject, MinuteLevel, Unit, WindowKind};

const VERSION: u8 = 1;
const KEY: u8 = 1;
const ACCOUNT: u8 = 2;

impl Cell {
    /// The bytes of the cell; never none.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.push(VERSION);
        out.put_u16(u16::try_from(self.entries.len()).unwrap_or(u16::MAX));
        self.entries.iter().for_each(|entry| entry.write(&mut out));
        envelope::with_checksum(out)
    }

    /// Reads a cell; `None` if the bytes are anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(envelope::checked(bytes)?);
        if reader.u8()? != VERSION {
            return None;
        }
        let count = reader.u16()?;
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(CellEntry::read(&mut reader)?);
        }
        reader.rest().is_empty().then_some(Self { entries })
    }
}

impl CellEntry {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(match self.subject {
            LimitSubject::Key(_) => KEY,
            LimitSubject::Account(_) => ACCOUNT,
        });
        let id = self.subject.id().as_bytes();
        out.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
        out.put(id);
        out.put_u64(self.used_at_unix_ms);
        out.put_u16(u16::try_from(self.counters.len()).unwrap_or(u16::MAX));
        self.counters.iter().for_each(|counter| counter.write(out));
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let kind = reader.u8()?;
        let length = usize::from(reader.u8()?);
        let id = core::str::from_utf8(reader.bytes(length)?).ok()?;
        let subject = match kind {
            KEY => LimitSubject::Key(KeyId::parse(id).ok()?),
            ACCOUNT => LimitSubject::Account(AccountId::parse(id).ok()?),
            _ => return None,
        };
        let used_at_unix_ms = reader.u64()?;
        let count = reader.u16()?;
        let mut counters = Vec::new();
        for _ in 0..count {
            counters.push(CellCounter::read(reader)?);
        }
        Some(Self {
            subject,
            used_at_unix_ms,
            counters,
        })
    }
}

impl CellCounter {
    fn write(&self, out: &mut Vec<u8>) {
        out.put(&[self.unit.code(), self.window.code()]);
        out.put_u16(u16::try_from(self.holds.len()).unwrap_or(u16::MAX));
        out.put_u64(self.start_unix_ms);
        out.put_u32(self.resets);
        match self.figures {
            Figures::Ledger { base, acked, own } => {
                [base, acked, own]
                    .into_iter()
                    .for_each(|figure| out.put_u64(figure));
            }
            Figures::Minute(level) => {
                out.put_u64(level.used_60000ths);
                out.put_u64(level.at_unix_ms);
            }
        }
        for hold in &self.holds {
            out.put_u32(hold.gate);
            out.put_u64(hold.amount);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let unit = Unit::from_code(reader.u8()?)?;
        let window = WindowKind::from_code(reader.u8()?)?;
        let count = reader.u16()?;
        let start_unix_ms = reader.u64()?;
        let resets = reader.u32()?;
        let figures = match window.is_in_ledger() {
            true => Figures::Ledger {
                base: reader.u64()?,
                acked: reader.u64()?,
                own: reader.u64()?,
            },
            false => Figures::Minute(MinuteLevel {
                used_60000ths: reader.u64()?,
                at_unix_ms: reader.u64()?,
            }),
        };
        let mut holds = Vec::new();
        for _ in 0..count {
            holds.push(Hold {
                gate: reader.u32()?,
                amount: reader.u64()?,
            });
        }
        Some(Self {
            unit,
            window,
            start_unix_ms,
            resets,
            figures,
            holds,
        })
    }
}
