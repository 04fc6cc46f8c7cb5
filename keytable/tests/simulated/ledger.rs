//! The ledger, as the contract says it: sums, what others hold, each batch once.
//!
//! Does not store. Invariant: what a source told is in a sum once, whatever comes twice or late.

use std::collections::BTreeMap;

use keytable::{Charge, CounterId, LedgerFigure, UsageAnswer, UsageBatch};

type Source = [u8; 16];

/// After a start, for so long, answers only raise what an Envoy knows.
const YOUNG_MS: u64 = 3_000;

/// What one source has told.
#[derive(Clone, Debug, Default)]
struct Told {
    last_sequence: u64,
    /// What was charged, as far as it is told.
    charged: BTreeMap<CounterId, u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) sums: BTreeMap<CounterId, u64>,
    told: BTreeMap<Source, Told>,
    /// Volatile.
    held: BTreeMap<(Source, CounterId), u64>,
    started_ms: u64,
}

/// What a figure was made of, for the check of the bound.
pub(crate) type Seen = BTreeMap<CounterId, u64>;

impl Ledger {
    /// Takes a batch; the answer, and what it knew of all but this source.
    pub(crate) fn take(&mut self, batch: &UsageBatch, now_ms: u64) -> (UsageAnswer, Seen) {
        let told = self.told.entry(batch.source).or_default();
        if batch.sequence > told.last_sequence {
            told.last_sequence = batch.sequence;
            for charge in &batch.charges {
                *told.charged.entry(charge.counter.clone()).or_default() += charge.charged;
                *self.sums.entry(charge.counter.clone()).or_default() += charge.charged;
                let holder = (batch.source, charge.counter.clone());
                self.held.insert(holder, charge.held);
            }
        }
        let is_young = now_ms - self.started_ms < YOUNG_MS;
        let figures = batch.charges.iter().enumerate();
        let figures = figures.filter_map(|(at, charge)| {
            let (told, figure) = (
                charge.base + charge.charged,
                self.figure(batch.source, charge),
            );
            let is_told = if is_young {
                figure > told
            } else {
                figure != told
            };
            is_told.then_some(LedgerFigure {
                charge: u32::try_from(at).unwrap(),
                figure,
            })
        });
        let answer = UsageAnswer {
            sequence: batch.sequence,
            ledger_unix_ms: now_ms,
            next_ms: 0,
            figures: figures.collect(),
        };
        let seen = batch.charges.iter().map(|charge| {
            let own = self.told[&batch.source].charged.get(&charge.counter);
            let told = charge.base + charge.charged;
            let figure = self.figure(batch.source, charge);
            let said = if is_young { figure.max(told) } else { figure };
            let others = said.saturating_sub(*own.unwrap_or(&0));
            (charge.counter.clone(), others)
        });
        (answer, seen.collect())
    }

    fn figure(&self, source: Source, charge: &Charge) -> u64 {
        let others = self
            .held
            .iter()
            .filter(|((other, counter), _)| *other != source && *counter == charge.counter);
        self.sum(&charge.counter) + others.map(|(_, held)| held).sum::<u64>()
    }

    pub(crate) fn sum(&self, counter: &CounterId) -> u64 {
        self.sums.get(counter).copied().unwrap_or(0)
    }

    /// What a source has been charged of a counter.
    pub(crate) fn charged_to(&self, source: Source, counter: &CounterId) -> u64 {
        let told = self.told.get(&source);
        told.and_then(|told| told.charged.get(counter))
            .copied()
            .unwrap_or(0)
    }

    pub(crate) fn held(&self) -> u64 {
        self.held.values().sum()
    }

    /// Its process is another: what was volatile is gone.
    pub(crate) fn restart(&mut self, now_ms: u64) {
        self.held.clear();
        self.started_ms = now_ms;
    }

    /// The lease of a source is over: what it held is charged.
    pub(crate) fn lease_over(&mut self, source: Source) {
        let gone: Vec<_> = self
            .held
            .keys()
            .filter(|(s, _)| *s == source)
            .cloned()
            .collect();
        for holder in gone {
            let held = self.held.remove(&holder).unwrap();
            let told = self.told.entry(source).or_default();
            *told.charged.entry(holder.1.clone()).or_default() += held;
            *self.sums.entry(holder.1).or_default() += held;
        }
        // What it says later is not heard: this one never comes back.
        self.told.entry(source).or_default().last_sequence = u64::MAX;
    }
}
