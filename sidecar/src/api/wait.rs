//! `wait` and `timeout_s`: how long a caller wants to wait until its change is in force everywhere.
//!
//! Does not wait. Invariant: bounded by [`TIMEOUT_S_MAX`].

use std::time::Duration;

use crate::feed::fleet::Awaited;
use crate::feed::shared_fleet::Wait;
use crate::http::query::Query;
use crate::service::wait;

const TIMEOUT_S_MAX: u64 = 60;

/// Takes `wait` and `timeout_s` out of a query.
pub(super) fn of_query(query: &mut Query) -> Wait {
    let choice = query.choice("wait", &[("applied", true), ("none", false)]);
    let timeout = query.number("timeout_s", 0..=TIMEOUT_S_MAX);
    let timeout = match choice {
        Some(false) => Duration::ZERO,
        _ => timeout.map_or(wait::DEFAULT, Duration::from_secs),
    };
    let awaited = match choice {
        Some(true) => Awaited::All,
        _ => Awaited::Live,
    };
    Wait { timeout, awaited }
}
