//! What agents hold: the part of each counter that requests have taken and that is not settled yet.
//!
//! Plain state without HTTP, SQL or a clock of its own; it ends with the process, and each batch says it
//! anew. Does not charge. Invariant: of a source it is what its newest batch said.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keytable::{CounterId, UsageBatch};

use crate::store::GivenUp;

/// How long after a start agents may hold what they have not said yet.
const YOUNG: Duration = Duration::from_secs(3);

/// Who counted: drawn at each start of an agent.
pub type Source = [u8; 16];

/// What all agents hold.
#[derive(Debug)]
pub struct Holdings {
    since: Instant,
    /// The newest batch that was heard of each.
    sequences: BTreeMap<Source, u64>,
    counters: BTreeMap<CounterId, Held>,
}

/// What is held of one counter.
#[derive(Debug, Default)]
struct Held {
    total: u64,
    by: BTreeMap<Source, u64>,
}

impl Holdings {
    /// Nothing, by a process that starts now.
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            sequences: BTreeMap::new(),
            counters: BTreeMap::new(),
        }
    }

    /// Notes what a batch says, unless a later one was heard; `advance` is what was charged for its source
    /// in advance, and so is held no more.
    pub fn note(&mut self, batch: &UsageBatch, advance: impl Fn(&CounterId) -> u64) {
        let newest = self.sequences.entry(batch.source).or_default();
        if batch.sequence < *newest {
            return;
        }
        *newest = batch.sequence;
        for charge in &batch.charges {
            let held = charge.held.saturating_sub(advance(&charge.counter));
            self.set(batch.source, &charge.counter, held);
        }
    }

    fn set(&mut self, source: Source, counter: &CounterId, held: u64) {
        let entry = self.counters.entry(counter.clone()).or_default();
        let before = match held {
            0 => entry.by.remove(&source),
            _ => entry.by.insert(source, held),
        };
        let others = entry.total.saturating_sub(before.unwrap_or(0));
        entry.total = others.saturating_add(held);
        if entry.by.is_empty() {
            self.counters.remove(counter);
        }
    }

    /// What all hold of a counter.
    pub fn of(&self, counter: &CounterId) -> u64 {
        self.counters.get(counter).map_or(0, |held| held.total)
    }

    /// What all but one hold of a counter.
    pub fn of_others(&self, source: &Source, counter: &CounterId) -> u64 {
        let counters = self.counters.get(counter);
        let counters = counters.filter(|_| !mutant!(TellTheSumAlone));
        counters.map_or(0, |held| {
            let own = held.by.get(source).copied().unwrap_or(0);
            held.total.saturating_sub(own)
        })
    }

    /// Whether agents may still hold what they have not said since this process started.
    pub fn is_young(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < YOUNG && !mutant!(LowerWhenYoung)
    }

    /// How many agents were heard.
    pub fn agents(&self) -> usize {
        self.sequences.len()
    }

    /// What those hold that are gone.
    pub fn of_gone(&self, is_gone: impl Fn(&Source) -> bool) -> Vec<GivenUp> {
        let sources = self.sequences.keys().filter(|source| is_gone(source));
        let mut gone: BTreeMap<Source, Vec<(CounterId, u64)>> =
            sources.map(|source| (*source, Vec::new())).collect();
        for (counter, held) in &self.counters {
            for (source, held) in &held.by {
                if let Some(holds) = gone.get_mut(source) {
                    holds.push((counter.clone(), *held));
                }
            }
        }
        let given_up = gone.into_iter();
        given_up
            .map(|(source, held)| GivenUp { source, held })
            .collect()
    }

    /// Forgets those whose share was charged, or who held nothing.
    pub fn forget(&mut self, given_up: &[GivenUp]) {
        for agent in given_up {
            self.sequences.remove(&agent.source);
            for (counter, _) in &agent.held {
                self.set(agent.source, counter, 0);
            }
        }
    }
}

#[cfg(test)]
mod tests;
