//! A region: which Envoys a key is for.
//!
//! Does not know which regions exist. Invariant: a region id has the form of an account id.

use std::fmt;

use keytable::{AccountId, IdError, Status};

use crate::domain::clock::UnixMillis;

/// A stored region.
#[derive(Clone, Debug)]
pub struct Region {
    /// Its handle.
    pub id: RegionId,
    /// Disabled: none of its keys is served.
    pub status: Status,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
    /// Rises with every change, from 1.
    pub revision: u64,
}

/// The handle of a region, as its operator chose it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionId(String);

impl RegionId {
    /// Reads an id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        AccountId::parse(text).map(|id| Self(id.as_str().into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// === impl RegionId ===

impl fmt::Display for RegionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
