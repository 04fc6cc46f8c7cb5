//! A call that waits for its answer.
//!
//! Does not send it. Invariant: whoever holds one gives it up well after its timeout, since Envoy's word
//! that a call is over may never come.

/// A request that was sent and not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Open {
    token: u32,
    sent_ns: u64,
}

impl Open {
    /// A call with this number, sent now.
    pub(super) const fn new(token: u32, now_ns: u64) -> Self {
        Self {
            token,
            sent_ns: now_ns,
        }
    }

    /// Whether its answer would carry this number.
    pub(super) fn has(self, token: u32) -> bool {
        self.token == token
    }

    /// When it was sent, on the monotonic clock.
    pub(super) const fn sent_ns(self) -> u64 {
        self.sent_ns
    }

    /// Whether it is open for more than twice as long as it was given.
    pub(super) fn is_hung(self, now_ns: u64, timeout_ms: u64) -> bool {
        now_ns.saturating_sub(self.sent_ns) > timeout_ms.saturating_mul(2_000_000)
    }
}
