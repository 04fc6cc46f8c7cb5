//! The ledger: what was used of each counter, charged once for each batch.
//!
//! Does not know what is held: that is in nobody's memory but the sidecar's. Invariant: a batch is charged
//! whole or not at all, once however often it comes and wherever the process was killed; and a window that
//! ends writes nothing.

mod advances;
mod full;
mod marks;
mod sources;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use keytable::{CounterId, LimitSubject, UsageBatch};

use crate::domain::clock::UnixMillis;
use crate::domain::limit::{CountedLimit, CountedLimits};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::limits::{figures, subjects};
use crate::store::row::integer;
use crate::store::sql::{Connection, params};

pub use full::LimitCounts;
pub use standing::{LimitOwner, SubjectLimits};

/// How far the clock of an agent may be ahead that has not heard ours, in milliseconds: an hour.
const AHEAD_MS_MAX: u64 = 60 * 60 * 1000;
/// How long a window is kept after the last charge of it, in milliseconds: longer than any lasts.
const WINDOWS_KEPT_MS: u64 = 40 * 24 * 60 * 60 * 1000;

/// An agent that was given up, and what it held when it was last heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// The source of its batches.
    pub source: [u8; 16],
    /// Of each counter.
    pub held: Vec<(CounterId, u64)>,
}

/// How the ledger stands after batches were charged.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Charged {
    /// What was used, of each counter of the batches that a limit has.
    pub used: BTreeMap<CounterId, u64>,
    /// What is charged in advance, of the sources of the batches.
    pub advances: BTreeMap<([u8; 16], CounterId), u64>,
    /// Counters of which nothing is left, and Envoys were not told.
    pub full: Vec<CounterId>,
}

impl Charged {
    /// What is charged in advance for the source of a batch.
    pub fn advance(&self, batch: &UsageBatch, counter: &CounterId) -> u64 {
        let key = (batch.source, counter.clone());
        self.advances.get(&key).copied().unwrap_or(0)
    }
}

impl Store {
    /// Charges what batches say was settled, each unless it was charged before, and what those held that
    /// were given up.
    pub fn charge(
        &self,
        batches: &[&UsageBatch],
        given_up: &[GivenUp],
        now: UnixMillis,
    ) -> Result<Charged, StoreError> {
        self.write(|connection| {
            let mut settled = Settled::default();
            for batch in batches {
                settled.add(connection, batch, now)?;
            }
            for agent in given_up {
                settled.give_up(connection, agent, now)?;
            }
            forget(connection, now)?;
            settled.into_charged(connection, batches, now)
        })
    }
}

/// What is to be charged, added up: the cost is counters that move, not batches.
#[derive(Debug, Default)]
struct Settled(BTreeMap<CounterId, u64>);

impl Settled {
    /// Adds what a batch charges above what was charged in advance, unless it was applied before.
    fn add(
        &mut self,
        connection: &Connection,
        batch: &UsageBatch,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let charges = batch.charges.iter().filter(|charge| charge.charged > 0);
        if charges.clone().next().is_none()
            || !(sources::advance(connection, batch, now)? || mutant!(ChargeEachTime))
        {
            return Ok(());
        }
        for charge in charges {
            let counter = &charge.counter;
            let above = match mutant!(ChargeTheGoneAgain) {
                true => charge.charged,
                false => advances::settle(connection, &batch.source, counter, charge.charged)?,
            };
            self.raise(counter, above);
        }
        Ok(())
    }

    /// Adds what an agent held that was given up.
    fn give_up(
        &mut self,
        connection: &Connection,
        agent: &GivenUp,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        sources::remember(connection, &agent.source, now)?;
        let held = agent.held.iter();
        for (counter, held) in held.filter(|_| !mutant!(ForgetTheGone)) {
            advances::add(connection, &agent.source, counter, *held)?;
            self.raise(counter, *held);
        }
        Ok(())
    }

    fn raise(&mut self, counter: &CounterId, by: u64) {
        let sum = self.0.entry(counter.clone()).or_default();
        *sum = match mutant!(ChargeTheLastAlone) {
            true => by,
            false => sum.saturating_add(by),
        };
    }

    /// Writes the sums; says how the counters of the batches stand.
    fn into_charged(
        self,
        connection: &Connection,
        batches: &[&UsageBatch],
        now: UnixMillis,
    ) -> Result<Charged, StoreError> {
        let mut known = Known::default();
        let mut charged = Charged::default();
        for (counter, by) in self.0.iter().filter(|(_, by)| **by > 0) {
            let Some(limit) = known.limit_of(connection, counter)? else {
                continue;
            };
            let row = row_of(connection, counter, &limit, now)?;
            raise(connection, &row, *by, now)?;
            let used = figures::used(connection, &row)?;
            if marks::is_due(&limit, &row, used, now) {
                charged.full.push(row);
            }
        }
        for batch in batches {
            for counter in batch.charges.iter().map(|charge| &charge.counter) {
                let Some(limit) = known.limit_of(connection, counter)? else {
                    continue;
                };
                let row = row_of(connection, counter, &limit, now)?;
                let used = figures::used(connection, &row)?;
                charged.used.insert(counter.clone(), used);
            }
            for (counter, advance) in advances::of(connection, batch)? {
                charged.advances.insert((batch.source, counter), advance);
            }
        }
        Ok(charged)
    }
}

/// Limits that were read, by subject.
#[derive(Debug, Default)]
struct Known(BTreeMap<LimitSubject, CountedLimits>);

impl Known {
    /// The limit that has this counter; `None` if none has it any more.
    fn limit_of(
        &mut self,
        connection: &Connection,
        counter: &CounterId,
    ) -> Result<Option<CountedLimit>, StoreError> {
        if !self.0.contains_key(&counter.subject) {
            let limits = subjects::read(connection, &counter.subject)?;
            self.0.insert(counter.subject.clone(), limits);
        }
        let limits = self.0.get(&counter.subject);
        let found = limits.and_then(|limits| limits.iter().find(|one| one.has(counter)));
        Ok(found.cloned())
    }
}

/// The row that a charge goes to: that of its window, unless that is far ahead of our clock and has no row from a
/// time when the clock was ahead itself.
fn row_of(
    connection: &Connection,
    counter: &CounterId,
    limit: &CountedLimit,
    now: UnixMillis,
) -> Result<CounterId, StoreError> {
    let latest = now.plus_ms(AHEAD_MS_MAX).get();
    let is_right = counter.start_unix_ms <= latest
        || (figures::is_known(connection, counter)? && !mutant!(ChargeTomorrowAsToday));
    let at = match is_right {
        true => counter.start_unix_ms,
        false => now.get(),
    };
    Ok(CounterId {
        start_unix_ms: limit.limit.window.span_at(at).start_unix_ms,
        ..counter.clone()
    })
}

fn raise(
    connection: &Connection,
    row: &CounterId,
    by: u64,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let (subject, unit, window, resets, start_ms) = figures::columns(row);
    let (by, now) = (integer(by), integer(now.get()));
    connection
        .prepare_cached(
            "INSERT INTO ledger (subject, unit, window_kind, resets, start_ms, used, charged_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT (subject, unit, window_kind, resets, start_ms) \
             DO UPDATE SET used = ledger.used + excluded.used, charged_at = excluded.charged_at",
        )?
        .execute(params![subject, unit, window, resets, start_ms, by, now])?;
    Ok(())
}

/// Forgets windows and agents whose time is over.
fn forget(connection: &Connection, now: UnixMillis) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM ledger WHERE start_ms > 0 AND charged_at < ?1")?
        .execute([integer(now.get().saturating_sub(WINDOWS_KEPT_MS))])?;
    sources::forget(connection, now)
}
