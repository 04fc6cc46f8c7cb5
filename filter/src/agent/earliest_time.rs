//! The earliest that the ledger's time was of late.
//!
//! A clock that is set forward for a while, and back, must find what was used in the windows to which it comes back.
//! Reads no clock. Invariant: what is told is no later than any time of the last hour of the monotonic clock.

/// How long a time counts at least.
const LASTING_NS: u64 = 3_600_000_000_000;

/// The earliest time of the hour that runs and of the one before.
#[derive(Debug, Default)]
pub(super) struct EarliestTime {
    /// When the hour that runs began, by the monotonic clock.
    since_ns: u64,
    /// The earliest in it; 0 as long as it is not known.
    this_unix_ms: u64,
    /// The earliest in the one before.
    before_unix_ms: u64,
}

impl EarliestTime {
    /// It is this time now; gives the earliest, in milliseconds since 1970, 0 as long as that is not known.
    pub(super) fn note(&mut self, now_unix_ms: u64, now_ns: u64) -> u64 {
        if now_ns.saturating_sub(self.since_ns) >= LASTING_NS {
            self.before_unix_ms = self.this_unix_ms;
            self.this_unix_ms = now_unix_ms;
            self.since_ns = now_ns;
        }
        self.this_unix_ms = self.this_unix_ms.min(now_unix_ms);
        self.this_unix_ms.min(self.before_unix_ms)
    }
}
