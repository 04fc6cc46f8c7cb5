//! How many limits are near their end.
//!
//! Invariant: a limit of a minute is in neither count: each Envoy keeps it alone.

use keytable::LimitSubject;

use crate::domain::clock::UnixMillis;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::limits::{figures, subjects};

/// From this share of an amount on, a limit is near its end, in percent.
const NEAR_PERCENT: u64 = 80;

/// How many limits there are in the ledger, of keys or of accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitCounts {
    /// Of which less is used than of those that are near.
    pub free: u64,
    /// Of which 80 % or more are used.
    pub near: u64,
    /// Of which nothing is left.
    pub exhausted: u64,
}

impl Store {
    /// How many limits of keys, and of accounts, are near their end `now`.
    pub fn limit_counts(&self, now: UnixMillis) -> Result<[LimitCounts; 2], StoreError> {
        self.read(|connection| {
            let [mut of_keys, mut of_accounts] = [LimitCounts::default(); 2];
            for (subject, limits) in subjects::all(connection)? {
                let counts = match &subject {
                    LimitSubject::Key(_) => &mut of_keys,
                    LimitSubject::Account(_) => &mut of_accounts,
                };
                for limit in figures::recorded(connection, &subject, &limits, now)? {
                    if limit.limit.window.kind().is_in_ledger() {
                        counts.add(limit.used, limit.limit.amount.get());
                    }
                }
            }
            Ok([of_keys, of_accounts])
        })
    }
}

impl LimitCounts {
    fn add(&mut self, used: u64, amount: u64) {
        let percent = used.saturating_mul(100) / amount.max(1);
        *(match percent {
            0..NEAR_PERCENT => &mut self.free,
            NEAR_PERCENT..100 => &mut self.near,
            _ => &mut self.exhausted,
        }) += 1;
    }
}
