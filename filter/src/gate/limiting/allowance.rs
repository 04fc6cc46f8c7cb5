//! What a request that was admitted took of its limits.
//!
//! Does not admit or settle. Invariant: it is of all limits that the request has, or there is none.

use keytable::Unit;
use keytable::cell::Admission;

/// A request that was admitted.
#[derive(Debug)]
pub(in crate::gate) struct Allowance {
    pub(super) admissions: Vec<Admission>,
}

impl Allowance {
    /// Whether tokens are to be settled.
    pub(in crate::gate) fn has_tokens(&self) -> bool {
        let taken = self.admissions.iter().flat_map(|one| &one.taken);
        taken.into_iter().any(|taken| taken.unit == Unit::Tokens)
    }
}
