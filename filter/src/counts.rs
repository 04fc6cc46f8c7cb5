//! What a worker counts for monitoring, and how it reaches the agent, which alone may write metrics.
//!
//! A worker that could write the counters could write the agent's gauges too: Proxy-Wasm grants the
//! call, not the metric. Does not know keys or resources (that is `gate::tally`).
//!
//! Invariant: a message is read only whole, and adds to each counter what was counted since the last.

use std::cell::Cell;

use crate::outcome::Outcome;

const MAGIC: &[u8; 4] = b"LKC1";
const COUNTERS: usize = Outcome::COUNT + 2;

/// A metric that only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Requests that came to this end.
    Requests(Outcome),
    /// Running requests that were cut.
    StreamsCut,
    /// Requests whose usage could not be kept.
    UsageLost,
}

/// The counts of one worker since they were last taken.
#[derive(Debug, Default)]
pub struct Counts([Cell<u64>; COUNTERS]);

impl Counter {
    /// Every counter, in the order of a message.
    pub fn all() -> impl Iterator<Item = Self> {
        let requests = Outcome::all().map(Self::Requests);
        requests.chain([Self::StreamsCut, Self::UsageLost])
    }

    /// Its place in a message.
    pub const fn index(self) -> usize {
        match self {
            Self::Requests(outcome) => outcome as usize,
            Self::StreamsCut => Outcome::COUNT,
            Self::UsageLost => Outcome::COUNT + 1,
        }
    }

    /// Its name in Envoy.
    pub fn name(self) -> String {
        match self {
            Self::Requests(outcome) => format!("latchkey.requests.{}", outcome.word()),
            Self::StreamsCut => "latchkey.streams_cut".to_owned(),
            Self::UsageLost => "latchkey.usage_lost".to_owned(),
        }
    }
}

impl Counts {
    /// Counts.
    pub fn add(&self, counter: Counter, by: u64) {
        if let Some(count) = self.0.get(counter.index()) {
            count.set(count.get().saturating_add(by));
        }
    }

    /// A message with everything since the last time; `None` if there is nothing.
    pub fn take(&self) -> Option<Vec<u8>> {
        let is_empty = self.0.iter().all(|count| count.get() == 0);
        let numbers = || self.0.iter().flat_map(|count| count.take().to_le_bytes());
        (!is_empty).then(|| MAGIC.iter().copied().chain(numbers()).collect())
    }

    /// What a message adds; `None` for other bytes.
    pub fn decode(message: &[u8]) -> Option<impl Iterator<Item = (Counter, u64)>> {
        let (numbers, rest) = message.strip_prefix(MAGIC)?.as_chunks::<8>();
        let is_whole = numbers.len() == COUNTERS && rest.is_empty();
        let added = numbers.iter().map(|number| u64::from_le_bytes(*number));
        is_whole.then(|| Counter::all().zip(added).filter(|(_, by)| *by > 0))
    }
}
