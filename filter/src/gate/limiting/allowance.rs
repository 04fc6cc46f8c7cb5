//! What a request that was admitted took of its limits.
//!
//! Does not admit or settle. Invariant: it is of all limits that the request has, or there is none.

use keytable::Unit;
use keytable::cell::{Admission, LimitStanding};

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

    /// How each limit stands with what the request took.
    pub(super) fn standings(&self) -> Vec<LimitStanding> {
        let standings = self.admissions.iter().flat_map(left_by);
        standings.collect()
    }
}

fn left_by(admission: &Admission) -> impl Iterator<Item = LimitStanding> {
    admission.standings.iter().map(|standing| {
        let mut taken = admission.taken.iter();
        let taken = taken.find(|one| (one.unit, one.window) == (standing.unit, standing.window));
        // What is not to be settled was charged: one request.
        let taken = taken.map_or(1, |taken| taken.held);
        LimitStanding {
            left: standing.left.saturating_sub(taken),
            ..*standing
        }
    })
}
