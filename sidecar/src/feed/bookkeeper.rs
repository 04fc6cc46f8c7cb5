//! Who charges batches and works out what each agent is told: the ledger's decisions.
//!
//! Plain calls without HTTP, tasks or a clock of its own. Does not choose when, and counts no rows. Invariant: an
//! answer is made after its batch is on the disk, and tells never less than all others have said.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use keytable::{CounterId, LedgerFigure, UsageAnswer, UsageBatch};

use crate::feed::fleet::Moment;
use crate::feed::holdings::{Holdings, Source};
use crate::store::{Charged, GivenUp, Store, StoreError};

/// What an agent waits between batches, in milliseconds.
const NEXT_MS_MIN: u32 = 1_000;
/// Batches that may come in a second: with more agents, each waits for longer.
const BATCHES_PER_S: usize = 2_000;

/// The bookkeeper of a store's ledger.
#[derive(Debug)]
pub struct Bookkeeper {
    store: Store,
    holdings: Mutex<Holdings>,
}

/// Batches that are charged.
#[derive(Debug)]
pub struct Booked {
    /// What is told to each of their agents, in their order.
    pub answers: Vec<UsageAnswer>,
    /// Counters of which nothing is left, and Envoys were not told.
    pub full: Vec<CounterId>,
}

impl Bookkeeper {
    /// One whom nobody has told yet what is held.
    pub fn new(store: Store, now: Instant) -> Self {
        let holdings = Mutex::new(Holdings::new(now));
        Self { store, holdings }
    }

    /// What all agents hold of each of these counters.
    pub fn held(&self, counters: &[CounterId]) -> Vec<u64> {
        let holdings = self.holdings();
        let held = counters.iter().map(|counter| holdings.of(counter));
        held.collect()
    }

    /// The agents that are gone, and what they held. One of which a batch came just now is not.
    pub fn given_up(
        &self,
        batches: &[&UsageBatch],
        is_serving: impl Fn(&Source) -> bool,
    ) -> Vec<GivenUp> {
        let posts = |source: &Source| batches.iter().any(|batch| batch.source == *source);
        let is_gone = |source: &Source| !posts(source) && !is_serving(source);
        self.holdings().of_gone(is_gone)
    }

    /// Charges batches, and what those held who are given up; gives the answer to each batch.
    pub fn book(
        &self,
        batches: &[&UsageBatch],
        given_up: &[GivenUp],
        now: Moment,
    ) -> Result<Booked, StoreError> {
        let charged = self.store.charge(batches, given_up, now.wall)?;
        let mut holdings = self.holdings();
        holdings.forget(given_up);
        for batch in batches {
            holdings.note(batch, |counter| charged.advance(batch, counter));
        }
        let next_ms = next_ms(holdings.agents());
        let answer = |batch: &&UsageBatch| {
            let figures = figures(batch, &charged, &holdings, now.instant);
            answer(batch, now, next_ms, figures)
        };
        Ok(Booked {
            answers: batches.iter().map(answer).collect(),
            full: match mutant!(MarkNothing) {
                true => Vec::new(),
                false => charged.full,
            },
        })
    }

    /// The answer to a batch that charges nothing.
    pub fn answer(&self, batch: &UsageBatch, now: Moment) -> UsageAnswer {
        answer(batch, now, next_ms(self.holdings().agents()), Vec::new())
    }

    /// A panic while the lock was held left whole values behind.
    fn holdings(&self) -> MutexGuard<'_, Holdings> {
        self.holdings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(
    batch: &UsageBatch,
    now: Moment,
    next_ms: u32,
    figures: Vec<LedgerFigure>,
) -> UsageAnswer {
    UsageAnswer {
        sequence: batch.sequence,
        ledger_unix_ms: now.wall.get(),
        next_ms,
        figures,
    }
}

/// The counters of a batch whose figure is not what its agent works out: what it had heard, and what was
/// charged just now.
fn figures(
    batch: &UsageBatch,
    charged: &Charged,
    holdings: &Holdings,
    now: Instant,
) -> Vec<LedgerFigure> {
    let figures = (0..).zip(&batch.charges).filter_map(|(place, charge)| {
        let counter = &charge.counter;
        let used = *charged.used.get(counter)?;
        let others = holdings.of_others(&batch.source, counter);
        // What was charged for it in advance, it knows as held by itself.
        let own = charged.advance(batch, counter);
        let figure = used.saturating_add(others).saturating_sub(own);
        let known = charge.base.saturating_add(charge.charged);
        let is_news = figure > known || (figure < known && !holdings.is_young(now));
        is_news.then_some(LedgerFigure {
            charge: place,
            figure,
        })
    });
    figures.collect()
}

/// When an agent posts again that has something to say, so that all of them are not too many.
fn next_ms(agents: usize) -> u32 {
    let share = agents.saturating_mul(1_000) / BATCHES_PER_S;
    u32::try_from(share).unwrap_or(u32::MAX).max(NEXT_MS_MIN)
}
