//! A record for a reader of an older version.
//!
//! Does not know frames. Invariant: who cannot keep limits serves no key that has any, of its own or of
//! its account's.

use alloc::borrow::Cow;

use super::{RecordView, Status};
use crate::format::FormatVersion;

impl<'a> RecordView<'a> {
    /// The bytes for a reader of this version; `None` if it cannot know such a record.
    pub fn bytes_for(&self, format: FormatVersion) -> Option<Cow<'a, [u8]>> {
        let is_limited = self.has_limits() || self.is_account_limited();
        if format.keeps_limits() || !is_limited {
            return Some(Cow::Borrowed(self.bytes));
        }
        let mut record = self.to_record()?;
        record.status = Status::Disabled;
        record.limits = None;
        record.is_account_limited = false;
        record.encode().ok().map(Cow::Owned)
    }
}
