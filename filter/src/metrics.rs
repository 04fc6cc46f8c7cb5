//! The filter's metrics in Envoy: gauges that the agent sets and workers read, and counters, which the
//! agent writes too, from what workers hand over.
//!
//! Does not decide what is counted. Invariants: a count that cannot be kept decides about no request;
//! a bounded number of metrics is ever defined.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::abi;
use crate::counts::Counter;
use crate::host::{Gauge, HostError};

/// Words for removed headers that stand by themselves: several workers', who each give out fewer.
const WORDS_MAX: usize = 256;
/// For every other word.
const OTHER: &str = "other";

/// The ids that Envoy gave them.
pub(crate) struct Metrics {
    edition: u32,
    lease_until_ms: u32,
    generation: u32,
    records: u32,
    lease_left_s: u32,
    table_altered: u32,
    /// One for each counter that there always is, in their order.
    counters: Vec<u32>,
    /// One for each word under which removed headers are counted, defined when it is first.
    removed_headers: RefCell<BTreeMap<String, u32>>,
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn define() -> Result<Self, HostError> {
        let gauge = |name| abi::define_metric(abi::METRIC_GAUGE, name);
        Ok(Self {
            edition: gauge("latchkey.edition")?,
            lease_until_ms: gauge("latchkey.lease_until_ms")?,
            generation: gauge("latchkey.generation")?,
            records: gauge("latchkey.records")?,
            lease_left_s: gauge("latchkey.lease_left_s")?,
            table_altered: define(Counter::TableAltered)?,
            counters: Counter::fixed().map(define).collect::<Result<_, _>>()?,
            removed_headers: RefCell::default(),
        })
    }

    pub(crate) fn gauge(&self, gauge: Gauge) -> u32 {
        match gauge {
            Gauge::Edition => self.edition,
            Gauge::LeaseUntilMs => self.lease_until_ms,
            Gauge::Generation => self.generation,
            Gauge::Records => self.records,
            Gauge::LeaseLeftS => self.lease_left_s,
        }
    }

    pub(crate) fn add(&self, counter: Counter<'_>, by: u64) {
        let id = match (counter, counter.index()) {
            (Counter::HeadersRemoved(word), _) => self.removed_header(word),
            (Counter::TableAltered, _) => Some(self.table_altered),
            (_, index) => index.and_then(|index| self.counters.get(index).copied()),
        };
        if let Some(id) = id {
            let _ = abi::increment_metric(id, by);
        }
    }

    fn removed_header(&self, word: &str) -> Option<u32> {
        let mut known = self.removed_headers.try_borrow_mut().ok()?;
        let word = match known.len() < WORDS_MAX || known.contains_key(word) {
            true => word,
            false => OTHER,
        };
        if let Some(id) = known.get(word) {
            return Some(*id);
        }
        let id = define(Counter::HeadersRemoved(word)).ok()?;
        known.insert(word.to_owned(), id);
        Some(id)
    }
}

fn define(counter: Counter<'_>) -> Result<u32, HostError> {
    abi::define_metric(abi::METRIC_COUNTER, &counter.name())
}
