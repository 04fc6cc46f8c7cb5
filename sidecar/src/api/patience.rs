//! How long a caller wants to wait until its change is in force everywhere.
//!
//! Invariant: bounded; a caller that says nothing waits for [`Patience::DEFAULT`].

use std::time::Duration;

use crate::api::query::Query;

const TIMEOUT_S_MAX: u64 = 60;

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience(pub(crate) Duration);

impl Patience {
    /// What is waited without `wait` and `timeout_s`.
    pub(crate) const DEFAULT: Duration = Duration::from_secs(5);

    /// Takes `wait` and `timeout_s` out of a query.
    pub(super) fn take(query: &mut Query) -> Self {
        let waits = query.choice("wait", &[("applied", true), ("none", false)]);
        let timeout = query.number("timeout_s", 0..=TIMEOUT_S_MAX);
        match waits {
            Some(false) => Self(Duration::ZERO),
            _ => Self(timeout.map_or(Self::DEFAULT, Duration::from_secs)),
        }
    }
}
