//! What one record of the key table is made of: a key or an account, with how far its limits are used.
//!
//! Does not write records. Invariant: the figures are of the moment in which the rest was read.

use keytable::{AccountId, RecordedLimit};

use crate::domain::key::Key;

/// What a record is made of.
#[derive(Clone, Debug)]
pub enum TableEntry {
    /// A key.
    Key(KeyEntry),
    /// An account that has limits or had some.
    Account(AccountEntry),
}

/// A key, as its record has it.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// The key.
    pub key: Box<Key>,
    /// How far its limits are used.
    pub limits: Vec<RecordedLimit>,
    /// Whether its account has limits, or had some.
    pub is_account_limited: bool,
    /// Whether its account or its region is disabled: then it is, whatever its own status.
    pub is_switched_off: bool,
}

/// An account, as its record has it.
#[derive(Clone, Debug)]
pub struct AccountEntry {
    /// Which account.
    pub account: AccountId,
    /// How far its limits are used.
    pub limits: Vec<RecordedLimit>,
}
