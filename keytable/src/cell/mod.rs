//! The cell: what one Envoy knows of the counters of some subjects, shared by its workers.
//!
//! Gates admit and settle requests in it, the agent charges it to the ledger; each reads it, changes it and
//! writes it back if nobody else did meanwhile. Does not read or write shared data, and reads no clock.
//!
//! Invariants: what a counter is known to have used is `base + own - acked + held`; whatever was
//! settled stays in `own` until the ledger has it, and then is in `base` once.

mod admit;
mod charge;
mod charger;
mod code;
mod counter;
mod gate;
mod settle;

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::limit::LimitSubject;

pub use admit::{Admission, Ask, LimitRefusal, LimitStanding, Taken};
pub use charger::{Acknowledged, Charger};
pub use counter::{CellCounter, Figures, Hold};
pub use gate::GateHolds;
pub use settle::Spent;

/// How many cells there are: shared data cannot forget a name, so that they are fixed.
pub const CELLS: u16 = 1 << 14;

/// What one Envoy knows of the counters of some subjects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    entries: Vec<CellEntry>,
}

/// The counters of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellEntry {
    /// Whose.
    pub subject: LimitSubject,
    /// When a request of it was last admitted or settled, in milliseconds since 1970.
    pub used_at_unix_ms: u64,
    /// Those of present windows, and of earlier ones of which the ledger does not have everything.
    pub counters: Vec<CellCounter>,
}

impl Cell {
    /// Which cell holds a subject.
    pub fn index_of(subject: &LimitSubject) -> u16 {
        let kind: &[u8] = match subject {
            LimitSubject::Key(_) => b"key ",
            LimitSubject::Account(_) => b"account ",
        };
        let hash = Sha256::new_with_prefix(kind).chain_update(subject.id());
        let [high, low, ..] = <[u8; 32]>::from(hash.finalize());
        u16::from_be_bytes([high, low]) % CELLS
    }

    /// The subjects that are in it.
    pub fn entries(&self) -> &[CellEntry] {
        &self.entries
    }

    /// The counters of a subject; empty ones if it was not in here.
    fn entry(&mut self, subject: &LimitSubject) -> Option<&mut CellEntry> {
        let is_known = self.entries.iter().any(|entry| entry.subject == *subject);
        if !is_known {
            self.entries.push(CellEntry {
                subject: subject.clone(),
                used_at_unix_ms: 0,
                counters: Vec::new(),
            });
        }
        let mut entries = self.entries.iter_mut();
        entries.find(|entry| entry.subject == *subject)
    }
}
