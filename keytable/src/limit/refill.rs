//! The bucket of a minute: what was used of it flows off evenly, a whole amount in a minute.
//!
//! Does not know who uses it. Invariant: a debt stays one until it has flowed off; a clock that is set
//! back takes nothing away and gives nothing.

const MINUTE_MS: u64 = 60_000;

/// What is used of a minute's bucket, as of some moment. May be more than the amount: a debt.
///
/// Counted in 1/60,000 of a unit, so that a millisecond of any amount is a whole number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinuteLevel {
    /// 60,000 for each unit that is used.
    pub used_60000ths: u64,
    /// As of when, in milliseconds since 1970.
    pub at_unix_ms: u64,
}

impl MinuteLevel {
    /// The same, later: what has flowed off since is gone.
    #[must_use]
    pub const fn at(self, amount: u64, unix_ms: u64) -> Self {
        let passed_ms = unix_ms.saturating_sub(self.at_unix_ms);
        let gone = passed_ms.saturating_mul(amount);
        Self {
            used_60000ths: self.used_60000ths.saturating_sub(gone),
            at_unix_ms: if unix_ms > self.at_unix_ms {
                unix_ms
            } else {
                self.at_unix_ms
            },
        }
    }

    /// The same with so many units more.
    #[must_use]
    pub const fn plus(self, units: u64) -> Self {
        Self {
            used_60000ths: self
                .used_60000ths
                .saturating_add(units.saturating_mul(MINUTE_MS)),
            at_unix_ms: self.at_unix_ms,
        }
    }

    /// The units that are used; a begun one counts.
    pub const fn used(self) -> u64 {
        self.used_60000ths.div_ceil(MINUTE_MS)
    }

    /// After how many milliseconds one unit is free, with `held` besides what is used.
    pub const fn wait_ms(self, amount: u64, held: u64) -> u64 {
        let all = self
            .used_60000ths
            .saturating_add(held.saturating_mul(MINUTE_MS));
        let above = all.saturating_sub(amount.saturating_sub(1).saturating_mul(MINUTE_MS));
        match amount {
            0 => u64::MAX,
            _ => above.div_ceil(amount),
        }
    }
}
