//! How often the sidecar is asked, whatever it answers.
//!
//! A sidecar holds a request until there is something new, and a change is acknowledged at once, so
//! that normally nothing here waits. Invariant: a sidecar that answers everything at once, or always
//! claims that there is something new, is asked a bounded number of times a second.

/// What an answer costs that brings something new.
const NEWS_COST: u64 = 1;
/// What one costs that says that there is nothing new.
const HEARTBEAT_COST: u64 = 50;
/// What can be saved up: a hundred heartbeats, or all pages of a large snapshot.
const CREDIT_MAX: u64 = 5_000;
/// How long one unit takes to come back: 500 answers with news a second, 10 heartbeats.
const UNIT_NS: u64 = 2_000_000;

/// The credit of one agent.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    credit: u64,
    counted_ns: u64,
}

impl Pace {
    /// Whether the next request may be sent now.
    pub(super) fn allows(&mut self, now_ns: u64) -> bool {
        let units = now_ns.saturating_sub(self.counted_ns) / UNIT_NS;
        self.credit = self.credit.saturating_add(units).min(CREDIT_MAX);
        self.counted_ns = self
            .counted_ns
            .saturating_add(units.saturating_mul(UNIT_NS));
        self.credit >= HEARTBEAT_COST
    }

    /// An answer was accepted.
    pub(super) fn spend(&mut self, is_heartbeat: bool) {
        let cost = match is_heartbeat {
            true => HEARTBEAT_COST,
            false => NEWS_COST,
        };
        self.credit = self.credit.saturating_sub(cost);
    }
}

// === impl Pace ===

impl Default for Pace {
    fn default() -> Self {
        Self {
            credit: CREDIT_MAX,
            counted_ns: 0,
        }
    }
}
