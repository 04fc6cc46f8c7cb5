//! How long a caller wants to wait until its change is in force everywhere.
//!
//! Invariant: bounded; a caller that says nothing waits for [`Patience::DEFAULT`], and for those
//! Envoys alone that are in contact: whoever is lost is named at once.

use std::time::Duration;

use crate::feed::board::Waiting;
use crate::feed::fleet::Awaited;
use crate::http::query::Query;

const TIMEOUT_S_MAX: u64 = 60;

/// How long to wait, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience(pub(crate) Waiting);

impl Patience {
    /// What is waited without `wait` and `timeout_s`.
    pub(crate) const DEFAULT: Duration = Duration::from_secs(5);

    /// That of a caller that says nothing.
    pub(crate) const fn usual() -> Self {
        Self(Waiting {
            timeout: Self::DEFAULT,
            awaited: Awaited::Live,
        })
    }

    /// Takes `wait` and `timeout_s` out of a query.
    pub(crate) fn take(query: &mut Query) -> Self {
        let wait = query.choice("wait", &[("applied", true), ("none", false)]);
        let timeout = query.number("timeout_s", 0..=TIMEOUT_S_MAX);
        let timeout = match wait {
            Some(false) => Duration::ZERO,
            _ => timeout.map_or(Self::DEFAULT, Duration::from_secs),
        };
        let awaited = match wait {
            Some(true) => Awaited::All,
            _ => Awaited::Live,
        };
        Self(Waiting { timeout, awaited })
    }
}
