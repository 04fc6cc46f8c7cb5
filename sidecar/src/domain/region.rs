//! The id of a region: which Envoys a key is for.
//!
//! Does not know which regions exist. Invariant: a region id has the form of an account id.

use std::fmt;

use keytable::{AccountId, IdError};

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
