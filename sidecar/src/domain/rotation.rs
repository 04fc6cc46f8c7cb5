//! Rotation: a key gets a successor, and goes on for a while under a policy that only narrows.
//!
//! Does not mint or store. Invariant: a key with a successor cannot be given anything that it did
//! not have when it was rotated.

use std::fmt;

use keytable::{AddressList, Axis, ClientAddress, Network, Scope, ScopeEntry, Status};

use crate::domain::clock::UnixMillis;
use crate::domain::key::Policy;

/// Longest grace, in seconds: 30 days.
const GRACE_S_MAX: u64 = 30 * 24 * 60 * 60;

/// How long a key works beside its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    seconds: u64,
}

/// The number is no grace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraceError;

impl Grace {
    /// What is given to whoever does not ask for another: a day.
    pub const DEFAULT: Self = Self {
        seconds: 24 * 60 * 60,
    };

    /// None: the key is refused as soon as its successor works.
    pub const NONE: Self = Self { seconds: 0 };

    /// So many seconds, at most 30 days.
    pub fn of_seconds(seconds: u64) -> Result<Self, GraceError> {
        if seconds <= GRACE_S_MAX {
            Ok(Self { seconds })
        } else {
            Err(GraceError)
        }
    }

    /// When the grace that begins `now` is over: never later than the key would expire anyway.
    pub fn end(self, now: UnixMillis, expires_at: Option<UnixMillis>) -> UnixMillis {
        let end = UnixMillis::new(now.get().saturating_add(1000 * self.seconds));
        expires_at.map_or(end, |expiry| expiry.min(end))
    }
}

/// Whether a key under `narrow` can do nothing that it cannot do under `wide`.
pub fn is_within(narrow: &Policy, wide: &Policy) -> bool {
    status_is_within(narrow.status, wide.status)
        && expiry_is_within(narrow.expires_at, wide.expires_at)
        && scope_is_within(&narrow.scope, &wide.scope)
        && addresses_are_within(&narrow.addresses, &wide.addresses)
}

fn status_is_within(narrow: Status, wide: Status) -> bool {
    narrow == wide || narrow == Status::Disabled
}

fn expiry_is_within(narrow: Option<UnixMillis>, wide: Option<UnixMillis>) -> bool {
    match (narrow, wide) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(narrow), Some(wide)) => narrow <= wide,
    }
}

fn scope_is_within(narrow: &Scope, wide: &Scope) -> bool {
    axis_is_within(&narrow.models, &wide.models) && axis_is_within(&narrow.services, &wide.services)
}

fn axis_is_within(narrow: &Axis, wide: &Axis) -> bool {
    match (narrow, wide) {
        (_, Axis::All) => true,
        (Axis::All, Axis::Listed(_)) => false,
        (Axis::Listed(narrow), Axis::Listed(wide)) => narrow
            .iter()
            .all(|entry| wide.iter().any(|wider| entry_is_within(entry, wider))),
    }
}

fn entry_is_within(narrow: &ScopeEntry, wide: &ScopeEntry) -> bool {
    match narrow {
        ScopeEntry::Exact(name) => wide.covers(name.as_bytes()),
        // What stands behind the wider prefix must be as plain as the rest of a name must be.
        ScopeEntry::Prefix(prefix) => {
            narrow == wide
                || matches!(wide, ScopeEntry::Prefix(_))
                    && wide.covers(format!("{prefix}x").as_bytes())
        }
    }
}

fn addresses_are_within(narrow: &AddressList, wide: &AddressList) -> bool {
    if wide.networks().is_empty() {
        return true;
    }
    let inside = |network: &Network| {
        let address = ClientAddress::new(network.address());
        let wider = |wide: &Network| wide.length() <= network.length() && wide.admits(&address);
        wide.networks().iter().any(wider)
    };
    !narrow.networks().is_empty() && narrow.networks().iter().all(inside)
}

// === impl GraceError ===

impl fmt::Display for GraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be a whole number from 0 to {GRACE_S_MAX}")
    }
}

impl std::error::Error for GraceError {}

#[cfg(test)]
mod tests;
