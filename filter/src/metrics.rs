//! The filter's metrics in Envoy: gauges that the agent sets and workers read, counters of the gate.
//!
//! Does not decide what is counted. Invariant: a count that cannot be kept decides about no request.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::abi;
use crate::host::{Gauge, HostError};
use crate::outcome::Outcome;

/// The ids that Envoy gave them.
pub(crate) struct Metrics {
    edition: u32,
    lease_until_ms: u32,
    generation: u32,
    records: u32,
    lease_left_s: u32,
    streams_cut: u32,
    /// One for each outcome, by its number.
    outcomes: [u32; Outcome::COUNT],
    /// One for each word under which removed headers are counted, defined when it is first.
    removed_headers: RefCell<BTreeMap<String, u32>>,
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn define() -> Result<Self, HostError> {
        let gauge = |name| abi::define_metric(abi::METRIC_GAUGE, name);
        let mut outcomes = [0; Outcome::COUNT];
        for (id, outcome) in outcomes.iter_mut().zip(Outcome::all()) {
            let name = format!("latchkey.requests.{}", outcome.word());
            *id = abi::define_metric(abi::METRIC_COUNTER, &name)?;
        }
        Ok(Self {
            edition: gauge("latchkey.edition")?,
            lease_until_ms: gauge("latchkey.lease_until_ms")?,
            generation: gauge("latchkey.generation")?,
            records: gauge("latchkey.records")?,
            lease_left_s: gauge("latchkey.lease_left_s")?,
            streams_cut: abi::define_metric(abi::METRIC_COUNTER, "latchkey.streams_cut")?,
            outcomes,
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

    pub(crate) fn count(&self, outcome: Outcome) {
        if let Some(id) = self.outcomes.get(outcome as usize) {
            let _ = abi::count(*id);
        }
    }

    pub(crate) fn count_cut(&self) {
        let _ = abi::count(self.streams_cut);
    }

    pub(crate) fn count_removed_header(&self, word: &str) {
        if let Some(id) = self.removed_header(word) {
            let _ = abi::count(id);
        }
    }

    fn removed_header(&self, word: &str) -> Option<u32> {
        let mut known = self.removed_headers.try_borrow_mut().ok()?;
        if let Some(id) = known.get(word) {
            return Some(*id);
        }
        let name = format!("latchkey.headers_removed.{word}");
        let id = abi::define_metric(abi::METRIC_COUNTER, &name).ok()?;
        known.insert(word.to_owned(), id);
        Some(id)
    }
}
