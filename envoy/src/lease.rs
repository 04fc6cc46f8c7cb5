//! How long an Envoy may go on without hearing from the sidecar, as the runner configures it.
//!
//! It enforces nothing: the gate does. Invariant: never less than 5 s, the least that the gate
//! grants.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};

/// Longest time that one hanging GET of the agent waits for news, in seconds.
const WAIT_S_MAX: u64 = 25;

/// The lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxStaleness {
    /// The table is good until it is replaced.
    Never,
    /// So many whole seconds, at least [`MaxStaleness::LEAST_S`].
    Seconds(u64),
}

/// A text that is no lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidMaxStaleness(String);

// === impl MaxStaleness ===

impl MaxStaleness {
    /// The shortest lease, in seconds.
    pub const LEAST_S: u64 = 5;

    /// A lease of this length, rounded down to seconds; at least [`MaxStaleness::LEAST_S`].
    pub fn of(duration: Duration) -> Self {
        Self::Seconds(duration.as_secs().max(Self::LEAST_S))
    }

    /// As it stands in the agent's configuration: a number of seconds, or `"never"`.
    pub fn to_json(self) -> Value {
        match self {
            Self::Never => json!("never"),
            Self::Seconds(seconds) => json!(seconds),
        }
    }

    /// How long one hanging GET may wait, in seconds: the lease counts from when the GET was sent,
    /// so three of them fit into a lease.
    pub fn wait_s(self) -> u64 {
        match self {
            Self::Never => WAIT_S_MAX,
            Self::Seconds(seconds) => (seconds / 3).clamp(1, WAIT_S_MAX),
        }
    }
}

impl Default for MaxStaleness {
    fn default() -> Self {
        Self::Seconds(3600)
    }
}

impl FromStr for MaxStaleness {
    type Err = InvalidMaxStaleness;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let unit_s = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            _ => return Err(InvalidMaxStaleness(text.to_owned())),
        };
        text.get(..text.len() - 1)
            .and_then(|number| number.parse::<u64>().ok())
            .and_then(|number| number.checked_mul(unit_s))
            .filter(|seconds| *seconds >= Self::LEAST_S)
            .map(Self::Seconds)
            .ok_or_else(|| InvalidMaxStaleness(text.to_owned()))
    }
}

// === impl InvalidMaxStaleness ===

impl fmt::Display for InvalidMaxStaleness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no lease: write 5s or more, as in 30s, 10m, 1h, or never",
            self.0
        )
    }
}

impl std::error::Error for InvalidMaxStaleness {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_are_read() {
        for (text, lease) in [
            ("5s", MaxStaleness::Seconds(5)),
            ("10m", MaxStaleness::Seconds(600)),
            ("1h", MaxStaleness::Seconds(3600)),
            ("never", MaxStaleness::Never),
        ] {
            assert_eq!(text.parse(), Ok(lease), "{text}");
        }
    }

    #[test]
    fn what_is_no_lease_is_refused() {
        for text in [
            "",
            "s",
            "4s",
            "0h",
            "5",
            "-5s",
            "5 s",
            "1d",
            "99999999999999999999h",
            "5\u{df}",
        ] {
            assert!(text.parse::<MaxStaleness>().is_err(), "{text}");
        }
    }

    #[test]
    fn three_waits_fit_into_a_lease() {
        assert_eq!(MaxStaleness::Seconds(5).wait_s(), 1);
        assert_eq!(MaxStaleness::Seconds(30).wait_s(), 10);
        assert_eq!(MaxStaleness::Never.wait_s(), 25);
    }
}
