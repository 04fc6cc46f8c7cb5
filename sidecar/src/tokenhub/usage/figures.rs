//! What is told of each object of a ranking, by the names that its metrics have there.
//!
//! Does not read rows. Invariant: tokens are those that were reported and those that were estimated, as in every
//! other sum of usage.

use keytable::{Tokens, UsageOutcome};

use crate::store::{UsagePoint, UsageShare};

/// What is told of each object.
pub(super) const METRICS: [&str; 6] = [
    "TotalToken",
    "InputTotalToken",
    "OutputTotalToken",
    "CacheTotalToken",
    "RequestCount",
    "RequestFailCount",
];

/// Requests and what they used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    requests: u64,
    failed: u64,
    tokens: Tokens,
}

impl Figures {
    /// The sum of both.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.requests = self.requests.saturating_add(other.requests);
        self.failed = self.failed.saturating_add(other.failed);
        self.tokens.add(&other.tokens);
        self
    }

    /// The figure of this metric.
    pub(super) fn of(&self, metric: &str) -> u64 {
        let Tokens {
            reported,
            estimated,
        } = &self.tokens;
        let input = reported.input.saturating_add(estimated.input);
        let output = reported.output.saturating_add(estimated.output);
        match metric {
            "TotalToken" => input.saturating_add(output),
            "InputTotalToken" => input,
            "OutputTotalToken" => output,
            "CacheTotalToken" => reported.cached.saturating_add(estimated.cached),
            "RequestFailCount" => self.failed,
            _ => self.requests,
        }
    }
}

// === impl From for Figures ===

impl From<&UsageShare> for Figures {
    fn from(share: &UsageShare) -> Self {
        Self {
            requests: share.permitted.saturating_add(share.refused),
            failed: share.refused,
            tokens: share.tokens,
        }
    }
}

impl From<&UsagePoint> for Figures {
    fn from(point: &UsagePoint) -> Self {
        let is_permitted = point.outcome == UsageOutcome::Permitted;
        Self {
            requests: point.count,
            failed: if is_permitted { 0 } else { point.count },
            tokens: point.tokens,
        }
    }
}
