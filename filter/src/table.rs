//! The key table as one worker sees it: may it be used, and what does it say of a key.
//!
//! Does not write and does not decide about a request. Invariant: whatever is missing, damaged or
//! too old is [`Unavailable`], never "no such key" and never a permit.

use std::cell::Cell;

use keytable::{KeyHash, RecordView, bucket};

use crate::host::{Gauge, Host};
use crate::slots;

/// The table cannot be used; every request is refused with 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// No table has arrived since this Envoy started.
    NoTable,
    /// The sidecar has not been heard for longer than `max_staleness`.
    LeaseOver,
    /// A slot is damaged, or Envoy failed a call.
    Damaged,
}

/// What one worker remembers of the table.
#[derive(Debug, Default)]
pub struct TableReader {
    /// The newest edition whose head was checked.
    checked_edition: Cell<u64>,
}

/// The bytes of one key's record, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordBytes(Vec<u8>);

impl TableReader {
    /// Checks lease and head; gives the edition under which slots may be read now.
    pub fn open(&self, host: &impl Host) -> Result<u64, Unavailable> {
        let damaged = |_| Unavailable::Damaged;
        let lease_until_ms = host.gauge(Gauge::LeaseUntilMs).map_err(damaged)?;
        if lease_until_ms == 0 {
            return Err(Unavailable::NoTable);
        }
        if lease_until_ms != u64::MAX {
            let now_ms = host.monotonic_ns().map_err(damaged)? / 1_000_000;
            if now_ms >= lease_until_ms {
                return Err(Unavailable::LeaseOver);
            }
        }
        let edition = host.gauge(Gauge::Edition).map_err(damaged)?;
        if edition == 0 {
            return Err(Unavailable::NoTable);
        }
        if edition != self.checked_edition.get() {
            check_head(host, edition)?;
            self.checked_edition.set(edition);
        }
        Ok(edition)
    }
}

/// Looks a key up under an edition that was opened just before.
pub fn look_up(host: &impl Host, key_hash: &KeyHash) -> Result<Option<RecordBytes>, Unavailable> {
    let bytes = slots::read_bucket(host, key_hash).map_err(|_| Unavailable::Damaged)?;
    let bytes = bytes.unwrap_or_default();
    let found = bucket::find(&bytes, key_hash).map_err(|_| Unavailable::Damaged)?;
    Ok(found.map(|view| RecordBytes(view.as_bytes().to_vec())))
}

impl RecordBytes {
    /// The record. The bytes were checked when they were found.
    pub fn view(&self) -> Result<RecordView<'_>, Unavailable> {
        RecordView::parse(&self.0).map_err(|_| Unavailable::Damaged)
    }
}

/// The head must be there and at least as new as the gauge says: it is written before.
fn check_head(host: &impl Host, edition: u64) -> Result<(), Unavailable> {
    match slots::read_head(host) {
        Ok(Some(head)) if head.edition >= edition => Ok(()),
        Ok(Some(_)) | Err(_) => Err(Unavailable::Damaged),
        Ok(None) => Err(Unavailable::NoTable),
    }
}
