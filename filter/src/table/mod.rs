//! The key table as one worker sees it: may it be used, and what does it say of a key.
//!
//! Does not write and does not decide about a request. Invariants: whatever is missing, damaged or
//! too old is [`Unavailable`], never "no such key" and never a permit; and nothing older than an
//! acknowledged table is used. The agent writes slots, change log, head, edition, lease, and then
//! acknowledges. A worker reads the lease first and then the edition, forgets what the log says has
//! changed up to it, and only then reads a slot to remember it: so what it remembers is at least as
//! new as lease and edition that it has seen, and every later change has a later edition.

pub mod cache;
pub mod changes;
pub mod checksums;
mod lookup;
pub mod pulse;
mod record;
pub mod slots;

use std::cell::{Cell, RefCell};

use keytable::{AccountId, KeyHash, PresentedKey};

use crate::host::{Gauge, Host};
use cache::{KnownKey, RecordCache};
use changes::changed_between;

pub use lookup::look_up;
pub use record::{CheckedRecord, Unavailable};

/// What one worker remembers of the table.
#[derive(Debug)]
pub struct TableReader {
    /// The newest edition whose head was checked, and to which the cache was moved.
    checked_edition: Cell<u64>,
    cache: RefCell<RecordCache>,
}

impl TableReader {
    /// A reader that knows nothing yet. `seed` is drawn now and told to nobody.
    pub fn new(seed: [u8; 16]) -> Self {
        Self {
            checked_edition: Cell::new(0),
            cache: RefCell::new(RecordCache::new(seed)),
        }
    }

    /// Checks lease and head; gives the edition under which slots may be read now.
    ///
    /// The lease is read before the edition, and its slot before the head: they are written in the
    /// other order, so that a new lease is never used with the table before it. While a new process
    /// takes over (a hot restart), Envoy adds the gauges of the old one to its own, so that they say
    /// more than the head: then head and lease are those of the slots, which no other process writes.
    pub fn open(&self, host: &impl Host) -> Result<u64, Unavailable> {
        let lease_said_ms = gauge(host, Gauge::LeaseUntilMs)?;
        let said = gauge(host, Gauge::Edition)?;
        let checked = self.checked_edition.get();
        if said == 0 {
            return Err(Unavailable::NoTable);
        }
        if said == checked {
            check_lease(host, lease_said_ms)?;
            return Ok(said);
        }
        let lease_kept_ms = slots::read_lease(host);
        let head_edition = head_edition(host)?;
        let lease_until_ms = match said <= head_edition {
            true => lease_said_ms,
            false => lease_kept_ms.map_err(|_| Unavailable::Damaged)?,
        };
        check_lease(host, lease_until_ms)?;
        let edition = said.min(head_edition);
        if edition != checked {
            self.move_cache(host, edition)?;
            self.checked_edition.set(edition);
        }
        Ok(edition)
    }

    /// Looks a key up under the edition that was opened just before.
    pub fn find(
        &self,
        host: &impl Host,
        key: &PresentedKey<'_>,
    ) -> Result<Option<KnownKey>, Unavailable> {
        let mut cache = self
            .cache
            .try_borrow_mut()
            .map_err(|_| Unavailable::Damaged)?;
        let tag = cache.tag(key);
        if let Some(known) = cache.find(tag) {
            return Ok(Some(known));
        }
        let key_hash = KeyHash::of(key);
        let Some(record) = look_up(host, &key_hash)? else {
            return Ok(None);
        };
        let known = KnownKey { key_hash, record };
        cache.keep(tag, known.clone());
        Ok(Some(known))
    }

    /// Looks an account's record up under the edition that was opened just before.
    pub fn find_account(
        &self,
        host: &impl Host,
        account: &AccountId,
    ) -> Result<Option<KnownKey>, Unavailable> {
        let mut cache = self
            .cache
            .try_borrow_mut()
            .map_err(|_| Unavailable::Damaged)?;
        let tag = cache.account_tag(account);
        if let Some(known) = cache.find(tag) {
            return Ok(Some(known));
        }
        let key_hash = KeyHash::of_account(account);
        let Some(record) = look_up(host, &key_hash)? else {
            return Ok(None);
        };
        let known = KnownKey { key_hash, record };
        cache.keep(tag, known.clone());
        Ok(Some(known))
    }

    /// Forgets what may have changed since the edition that the cache was moved to last.
    fn move_cache(&self, host: &impl Host, edition: u64) -> Result<(), Unavailable> {
        let known = self.checked_edition.get();
        let log = slots::read_changes(host).ok().flatten();
        let changed = log
            .filter(|_| known < edition)
            .and_then(|log| changed_between(&log, known, edition));
        let mut cache = self
            .cache
            .try_borrow_mut()
            .map_err(|_| Unavailable::Damaged)?;
        match changed {
            Some(buckets) => cache.forget(&buckets),
            None => cache.forget_all(),
        }
        Ok(())
    }
}

fn gauge(host: &impl Host, gauge: Gauge) -> Result<u64, Unavailable> {
    host.gauge(gauge).map_err(|_| Unavailable::Damaged)
}

/// The edition of the head, which is written before its gauge is set.
fn head_edition(host: &impl Host) -> Result<u64, Unavailable> {
    match slots::read_head(host) {
        Ok(Some(head)) => Ok(head.edition),
        Ok(None) => Err(Unavailable::NoTable),
        Err(_) => Err(Unavailable::Damaged),
    }
}

fn check_lease(host: &impl Host, until_ms: u64) -> Result<(), Unavailable> {
    match until_ms {
        0 => Err(Unavailable::NoTable),
        u64::MAX => Ok(()),
        _ => match host.monotonic_ns().map_err(|_| Unavailable::Damaged)? / 1_000_000 {
            now_ms if now_ms >= until_ms => Err(Unavailable::LeaseOver),
            _ => Ok(()),
        },
    }
}
