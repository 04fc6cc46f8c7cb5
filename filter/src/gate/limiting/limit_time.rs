//! The time by which a gate keeps limits.
//!
//! Reads no clock. Invariant: where the ledger was heard it is the ledger's, wherever Envoy's own clock stands.

use keytable::RecordedLimit;

use crate::ledger_clock::LedgerClock;

/// A time.
#[derive(Clone, Copy, Debug)]
pub(super) struct LimitTime {
    /// In milliseconds since 1970.
    pub(super) unix_ms: u64,
    /// The ledger was not heard for so long that limits which say so are not kept alone.
    pub(super) is_apart: bool,
    /// It is Envoy's own: the ledger was never heard.
    is_own: bool,
}

impl LimitTime {
    /// The ledger's, at this time of the monotonic clock.
    pub(super) fn of_ledger(clock: LedgerClock, now_ms: u64) -> Self {
        Self {
            unix_ms: clock.unix_ms(now_ms),
            is_apart: clock.is_apart(now_ms) && !mutant!(ServeApart),
            is_own: false,
        }
    }

    /// Envoy's own.
    pub(super) fn of_envoy(unix_ms: u64) -> Self {
        Self {
            unix_ms,
            is_apart: true,
            is_own: true,
        }
    }

    /// The time at which these limits are judged. Envoy's own clock may be behind, and the ledger's was in these
    /// windows when the record was made; but the ledger's may have been set back since, and then it is right.
    pub(super) fn among(self, limits: &[RecordedLimit]) -> u64 {
        let starts = limits.iter().map(|one| one.start_unix_ms);
        let is_own = self.is_own && !mutant!(GoBackBeforeTheRecord);
        match is_own || mutant!(TrustTheRecord) {
            true => starts.fold(self.unix_ms, u64::max),
            false => self.unix_ms,
        }
    }
}
