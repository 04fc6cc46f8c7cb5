//! What is wrong with a request, and where, for people.
//!
//! Does not judge. Invariant: what a client wrote stands in `at` alone, so that who shows it can look for
//! credentials first.

use std::fmt;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What is wrong.
    pub what: &'static str,
    /// The member, field or parameter that it is about, if it is about one.
    pub at: Option<String>,
}

impl Flaw {
    /// About this place.
    pub fn at(what: &'static str, place: Option<String>) -> Self {
        Self { what, at: place }
    }
}

// === impl From for Flaw ===

impl From<&'static str> for Flaw {
    fn from(what: &'static str) -> Self {
        Self { what, at: None }
    }
}

// === impl Flaw ===

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        match &self.at {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}
