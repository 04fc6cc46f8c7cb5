//! The change log: which buckets the newest tables changed, so that a worker forgets what changed
//! and not all that it knows.
//!
//! The agent keeps it and writes it as one slot before each head; a worker reads it once for each
//! edition. Does not hold records. Layout, little-endian: edition above which the log is complete
//! (8 bytes), newest edition (8), number of changes (4), the changes (edition 8, bucket 2), CRC-32.
//!
//! Invariant: a log that is missing, damaged or too short for the question says "everything may
//! have changed".

use std::collections::{BTreeSet, VecDeque};

/// Most changes that a log remembers: its slot is written anew for every table.
const CHANGES_MAX: usize = 256;

/// The agent's side: what has changed, by edition.
#[derive(Debug)]
pub struct ChangeLog {
    /// Every change of a later edition is in the log.
    complete_above: u64,
    changes: VecDeque<(u64, u16)>,
    /// What the next edition changes.
    pending: BTreeSet<u16>,
    /// The next edition changes more than can be told.
    is_everything: bool,
}

impl ChangeLog {
    /// Notes that a bucket is about to change.
    pub fn note(&mut self, bucket: u16) {
        self.pending.insert(bucket);
    }

    /// Notes that every bucket is about to change.
    pub fn note_everything(&mut self) {
        self.is_everything = true;
    }

    /// Everything noted belongs to this edition; gives the bytes of the slot.
    pub fn close(&mut self, edition: u64) -> Vec<u8> {
        if std::mem::take(&mut self.is_everything) {
            self.changes.clear();
            self.pending.clear();
            self.complete_above = edition;
        }
        let pending = std::mem::take(&mut self.pending);
        self.changes
            .extend(pending.into_iter().map(|bucket| (edition, bucket)));
        while self.changes.len() > CHANGES_MAX {
            if let Some((dropped, _)) = self.changes.pop_front() {
                self.complete_above = dropped;
            }
        }
        self.encode(edition)
    }

    fn encode(&self, newest: u64) -> Vec<u8> {
        let count = u32::try_from(self.changes.len()).unwrap_or(u32::MAX);
        let mut out = Vec::with_capacity(24 + self.changes.len() * 10);
        out.extend(self.complete_above.to_le_bytes());
        out.extend(newest.to_le_bytes());
        out.extend(count.to_le_bytes());
        for (edition, bucket) in &self.changes {
            out.extend(edition.to_le_bytes());
            out.extend(bucket.to_le_bytes());
        }
        let sum = crc32fast::hash(&out);
        out.extend(sum.to_le_bytes());
        out
    }
}

/// The worker's side: the buckets that may have changed above edition `known`, up to `edition` at
/// least; `None` = every bucket may have.
pub fn changed_between(log: &[u8], known: u64, edition: u64) -> Option<BTreeSet<u16>> {
    let (body, sum) = log.split_last_chunk::<4>()?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (complete_above, rest) = body.split_first_chunk::<8>()?;
    let (newest, rest) = rest.split_first_chunk::<8>()?;
    let (count, changes) = rest.split_first_chunk::<4>()?;
    let is_whole = Some(changes.len())
        == usize::try_from(u32::from_le_bytes(*count))
            .ok()?
            .checked_mul(10);
    let is_known = u64::from_le_bytes(*complete_above) <= known;
    let reaches = edition <= u64::from_le_bytes(*newest);
    if !(is_whole && is_known && reaches) {
        return None;
    }
    let later = |change: &[u8]| {
        let (at, bucket) = change.split_first_chunk::<8>()?;
        let bucket = u16::from_le_bytes(*bucket.first_chunk::<2>()?);
        (u64::from_le_bytes(*at) > known).then_some(bucket)
    };
    Some(changes.chunks_exact(10).filter_map(later).collect())
}

// === impl ChangeLog ===

impl Default for ChangeLog {
    /// A log that knows nothing of what came before.
    fn default() -> Self {
        Self {
            complete_above: 0,
            changes: VecDeque::new(),
            pending: BTreeSet::new(),
            is_everything: true,
        }
    }
}
