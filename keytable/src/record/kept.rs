//! A record that is kept: checked once, viewed many times.
//!
//! A view of it costs neither the checksum nor a walk through the entries. Does not change.
//! Invariant: [`KeptRecord::view`] gives what the view that it was made from gave.

use alloc::boxed::Box;
use core::fmt;
use core::ops::Range;

use super::{RecordView, Status};
use crate::key_hash::KeyHash;

/// Where the key id begins in a record.
const KEY_ID_AT: usize = 49;
/// The length or count in front of account, networks and each axis, in bytes.
const ACCOUNT_LENGTH: usize = 1;
const NETWORK_COUNTS: usize = 2;
const ENTRY_COUNT: usize = 2;

/// The bytes of a record that was checked, and where its fields are.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptRecord {
    bytes: Box<[u8]>,
    key_hash: KeyHash,
    status: Status,
    flags: u8,
    expires_at_unix_ms: u64,
    key_id: Range<usize>,
    account: Range<usize>,
    networks_v4: Range<usize>,
    networks_v6: Range<usize>,
    models: Range<usize>,
    services: Range<usize>,
    limits: Range<usize>,
}

impl KeptRecord {
    /// A copy of a record's bytes.
    pub fn new(view: &RecordView<'_>) -> Self {
        let behind = |field: &Range<usize>, gap: usize, length: usize| {
            let start = field.end.saturating_add(gap);
            start..start.saturating_add(length)
        };
        let key_id = behind(&(0..KEY_ID_AT), 0, view.key_id.len());
        let account = behind(&key_id, ACCOUNT_LENGTH, view.account.len());
        let networks_v4 = behind(&account, NETWORK_COUNTS, view.networks_v4.len());
        let networks_v6 = behind(&networks_v4, 0, view.networks_v6.len());
        let models = behind(&networks_v6, ENTRY_COUNT, view.models.len());
        let services = behind(&models, ENTRY_COUNT, view.services.len());
        let limits = behind(&services, 0, view.limits.len());
        Self {
            bytes: view.bytes.into(),
            key_hash: view.key_hash,
            status: view.status,
            flags: view.flags,
            expires_at_unix_ms: view.expires_at_unix_ms,
            key_id,
            account,
            networks_v4,
            networks_v6,
            models,
            services,
            limits,
        }
    }

    /// The record; always `Some`, for a caller that may not panic.
    pub fn view(&self) -> Option<RecordView<'_>> {
        let text = |field: &Range<usize>| core::str::from_utf8(self.field(field)?).ok();
        Some(RecordView {
            bytes: &self.bytes,
            key_hash: self.key_hash,
            status: self.status,
            flags: self.flags,
            expires_at_unix_ms: self.expires_at_unix_ms,
            key_id: text(&self.key_id)?,
            account: text(&self.account)?,
            networks_v4: self.field(&self.networks_v4)?,
            networks_v6: self.field(&self.networks_v6)?,
            models: self.field(&self.models)?,
            services: self.field(&self.services)?,
            limits: self.field(&self.limits)?,
        })
    }

    /// The record's bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn field(&self, field: &Range<usize>) -> Option<&[u8]> {
        self.bytes.get(field.start..field.end)
    }
}

// === impl KeptRecord ===

impl fmt::Debug for KeptRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeptRecord").field(&self.view()).finish()
    }
}
