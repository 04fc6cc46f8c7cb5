//! A resource that a request mentions, and where.
//!
//! Does not judge. Invariant: `is_read` is said by the rule alone, never by the request.

/// One name in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The name, as it was sent.
    pub name: String,
    /// It stands where the server reads it, and not only where it could.
    pub is_read: bool,
    /// Where it stands, if somebody wants to know: `json:/tools/*/model`.
    pub place: Option<String>,
}

impl Mention {
    /// Whether it is the same name at the same place; without places, the same name.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.place == other.place
    }
}
