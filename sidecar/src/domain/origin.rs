//! Where a key comes from: an admin's own making, or a plan that was bought.
//!
//! Does not count keys. Invariant: only [`Origin::Standard`] keys count against an account's limit.

use std::fmt;

/// The origin of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Made by an admin.
    Standard,
    /// Belongs to a Coding plan.
    CodingPlan,
    /// Belongs to a Token plan.
    TokenPlan,
}

/// The text is not an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginError;

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 3] = [Self::Standard, Self::CodingPlan, Self::TokenPlan];

    /// Reads `standard`, `coding_plan` or `token_plan`.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let mut all = Self::ALL.into_iter();
        all.find(|origin| origin.as_str() == text)
            .ok_or(OriginError)
    }

    /// The text that [`Origin::parse`] reads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::CodingPlan => "coding_plan",
            Self::TokenPlan => "token_plan",
        }
    }

    /// What stands behind the prefix in the value and in the id of a key of this origin.
    pub const fn prefix_part(self) -> &'static str {
        match self {
            Self::Standard => "",
            Self::CodingPlan => "cp-",
            Self::TokenPlan => "tp-",
        }
    }
}

// === impl OriginError ===

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be \"standard\", \"coding_plan\" or \"token_plan\"")
    }
}

impl std::error::Error for OriginError {}
