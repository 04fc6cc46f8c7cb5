//! An account, and its requests for more keys.
//!
//! Does not hold keys. Invariant: the id never changes; a limit request is decided once.

use keytable::{AccountId, Limits, Status};

use crate::domain::clock::UnixMillis;
use crate::domain::limit::CountedLimits;
use crate::domain::name::{Description, KeyName};

/// A stored account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its handle.
    pub id: AccountId,
    /// What people call it.
    pub name: KeyName,
    /// Disabled: none of its keys is served.
    pub status: Status,
    /// How many keys of origin `standard` it may have; `None`: the installation's default.
    pub key_limit: Option<u64>,
    /// How many it has.
    pub standard_keys: u64,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
    /// Rises with every change, from 1.
    pub revision: u64,
    /// What all its keys together may use.
    pub limits: CountedLimits,
}

/// A change of an account; `None` leaves a part as it is.
#[derive(Clone, Debug, Default)]
pub struct AccountEdit {
    /// The new name.
    pub name: Option<KeyName>,
    /// Whether its keys are served.
    pub status: Option<Status>,
    /// The new limit; `Some(None)`: the installation's default.
    pub key_limit: Option<Option<u64>>,
    /// The new limits, whole.
    pub limits: Option<Limits>,
}

/// An account asks for a higher limit.
#[derive(Clone, Debug)]
pub struct LimitRequest {
    /// Its handle.
    pub id: String,
    /// Who asks.
    pub account: AccountId,
    /// For how many keys.
    pub key_limit: u64,
    /// Why.
    pub reason: Description,
    /// What became of it.
    pub status: LimitStatus,
    /// What the operator says about it.
    pub note: Description,
    /// Who wrote it.
    pub requested_by: String,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When it was written.
    pub created_at: UnixMillis,
    /// When it was decided.
    pub decided_at: Option<UnixMillis>,
    /// Rises with every change, from 1.
    pub revision: u64,
}

/// What became of a limit request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitStatus {
    /// Nobody has decided.
    Open,
    /// The account has the limit.
    Granted,
    /// It has not.
    Denied,
}

/// An operator's word on a limit request.
#[derive(Clone, Debug)]
pub struct LimitDecision {
    /// The limit that is granted, where not the one asked for; `None` and not granted: denied.
    pub key_limit: Option<u64>,
    /// Whether it is granted.
    pub granted: bool,
    /// What to say about it.
    pub note: Description,
}

/// The text is no status of a limit request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitStatusError;

impl LimitStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Open, Self::Granted, Self::Denied];

    /// Reads `open`, `granted` or `denied`.
    pub fn parse(text: &str) -> Result<Self, LimitStatusError> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(LimitStatusError)
    }

    /// The text that [`LimitStatus::parse`] reads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Granted => "granted",
            Self::Denied => "denied",
        }
    }
}

// === impl LimitStatusError ===

impl std::fmt::Display for LimitStatusError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("must be \"open\", \"granted\" or \"denied\"")
    }
}

impl std::error::Error for LimitStatusError {}
