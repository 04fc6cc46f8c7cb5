//! The entries of one axis of a record, read in place.
//!
//! Does not know which axis. Invariant: what [`read_entries`] gives was checked entry by entry.

use alloc::vec::Vec;

use super::RecordError;
use crate::encoding::wire::{Reader, Write};
use crate::limits::{SCOPE_ENTRIES_MAX, SCOPE_ENTRY_BYTES_MAX};
use crate::scope::{Axis, ScopeEntry, prefix_covers};

const ENTRY_EXACT: u8 = 1;
const ENTRY_PREFIX: u8 = 2;

pub(super) fn put_entries(out: &mut Vec<u8>, axis: &Axis) -> Result<(), RecordError> {
    let count = u16::try_from(axis.entries().len()).map_err(|_| RecordError::TooLarge)?;
    out.put_u16(count);
    for entry in axis.entries() {
        let (kind, name) = match entry {
            ScopeEntry::Exact(name) => (ENTRY_EXACT, name),
            ScopeEntry::Prefix(name) => (ENTRY_PREFIX, name),
        };
        out.push(kind);
        out.put_u16(u16::try_from(name.len()).map_err(|_| RecordError::TooLarge)?);
        out.put(name.as_bytes());
    }
    Ok(())
}

/// The bytes of one axis's entries, each checked. An axis that is *all* has none.
pub(super) fn read_entries<'a>(reader: &mut Reader<'a>, all: bool) -> Option<&'a [u8]> {
    let count = usize::from(reader.u16()?);
    if count > SCOPE_ENTRIES_MAX || (all && count != 0) {
        return None;
    }
    let start = reader.rest();
    let mut cursor = Entries(start);
    for _ in 0..count {
        cursor.next()?.checked_name()?;
    }
    let length = start.len() - cursor.0.len();
    reader.bytes(length)
}

pub(super) fn axis_of(bytes: &[u8], all: bool) -> Option<Axis> {
    if all {
        return Some(Axis::All);
    }
    Entries(bytes)
        .map(|entry| entry.to_entry())
        .collect::<Option<Vec<_>>>()
        .map(Axis::Listed)
}

/// The entries of one axis, read in place.
pub(super) struct Entries<'a>(pub(super) &'a [u8]);

/// One entry, read in place.
pub(super) struct EntryView<'a> {
    kind: u8,
    name: &'a [u8],
}

impl EntryView<'_> {
    pub(super) fn covers(&self, name: &[u8]) -> bool {
        match self.kind {
            ENTRY_EXACT => self.name == name,
            _ => prefix_covers(self.name, name),
        }
    }

    /// The name, if this is an entry that the format knows.
    fn checked_name(&self) -> Option<&str> {
        let known = matches!(self.kind, ENTRY_EXACT | ENTRY_PREFIX);
        let fits = !self.name.is_empty() && self.name.len() <= SCOPE_ENTRY_BYTES_MAX;
        core::str::from_utf8(self.name)
            .ok()
            .filter(|_| known && fits)
    }

    fn to_entry(&self) -> Option<ScopeEntry> {
        let name = self.checked_name()?.into();
        match self.kind {
            ENTRY_EXACT => Some(ScopeEntry::Exact(name)),
            _ => Some(ScopeEntry::Prefix(name)),
        }
    }
}

// === impl Entries ===

impl<'a> Iterator for Entries<'a> {
    type Item = EntryView<'a>;

    fn next(&mut self) -> Option<EntryView<'a>> {
        let mut reader = Reader::new(self.0);
        let kind = reader.u8()?;
        let length = usize::from(reader.u16()?);
        let name = reader.bytes(length)?;
        self.0 = reader.rest();
        Some(EntryView { kind, name })
    }
}
