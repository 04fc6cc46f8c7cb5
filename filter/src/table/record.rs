//! One key's record as a worker holds it, and why there may be none to look for.
//!
//! Does not look anything up. Invariant: what is held was checked when it was found.

use std::rc::Rc;

use keytable::{KeptRecord, RecordView};

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

/// One key's record, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedRecord(Rc<KeptRecord>);

impl CheckedRecord {
    /// Keeps a record that was found in its bucket.
    pub(super) fn new(view: &RecordView<'_>) -> Self {
        Self(Rc::new(KeptRecord::new(view)))
    }

    /// The record. It was checked when it was found.
    pub fn view(&self) -> Result<RecordView<'_>, Unavailable> {
        self.0.view().ok_or(Unavailable::Damaged)
    }

    /// Its length, in bytes.
    #[allow(clippy::len_without_is_empty, reason = "no record is empty")]
    pub fn len(&self) -> usize {
        self.0.as_bytes().len()
    }
}
