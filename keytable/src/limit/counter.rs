//! The counter: one sum that a limit is compared with.
//!
//! Does not hold the sum. Invariant: two counters are the same only if subject, unit, window and its
//! start, and the number of resets are.

use super::{Unit, WindowKind};
use crate::key_id::{AccountId, KeyId};

/// Whose sum it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitSubject {
    /// A key with all its successors: the id of the first of them.
    Key(KeyId),
    /// An account, over all its keys and regions.
    Account(AccountId),
}

/// One sum. Minutes are in no ledger, and so have none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterId {
    /// Whose.
    pub subject: LimitSubject,
    /// Of what.
    pub unit: Unit,
    /// In which kind of window.
    pub window: WindowKind,
    /// Which of these windows: when it begins, in milliseconds since 1970; 0 for a lifetime.
    pub start_unix_ms: u64,
    /// How often it was begun anew. Also raised when a limit is made again, and when its `start_day` or
    /// `utc_offset` changes.
    pub resets: u32,
}

impl LimitSubject {
    /// Its id, as it is written.
    pub fn id(&self) -> &str {
        match self {
            Self::Key(id) => id.as_str(),
            Self::Account(id) => id.as_str(),
        }
    }
}
