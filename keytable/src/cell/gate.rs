//! What the running requests of one gate hold, as the gate itself knows it.
//!
//! A gate that was silent for too long is given up: what it held is charged, and gone from the cells. If
//! it lives after all, it must not take what it holds under another request's name. Does not draw numbers.
//!
//! Invariant: under one number, a cell has all that the gate's requests hold of a counter, or nothing.

use alloc::collections::BTreeMap;

use super::{Admission, Cell};
use crate::limit::{CounterId, LimitSubject};

/// The sums of one gate, under the number that it has now.
#[derive(Clone, Debug, Default)]
pub struct GateHolds {
    number: u32,
    sums: BTreeMap<CounterId, u64>,
}

impl GateHolds {
    /// A gate of this number that holds nothing.
    pub fn new(number: u32) -> Self {
        Self {
            number,
            sums: BTreeMap::new(),
        }
    }

    /// The number under which it holds.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// Whether a cell has what this gate holds of a subject. If not, it was given up: it needs a new
    /// number, and what runs is settled under the old one.
    pub fn is_known_in(&self, cell: &Cell, subject: &LimitSubject) -> bool {
        let known = |id: &CounterId| {
            let entries = cell.entries().iter();
            let counters = entries
                .filter(|entry| entry.subject == *subject)
                .flat_map(|entry| &entry.counters);
            let mut same = counters.filter(|counter| counter.id(subject) == *id);
            same.next()
                .map_or(0, |counter| counter.held_by(self.number))
        };
        if mutant!(KeepTheNumber) {
            return true;
        }
        let of_subject = self.sums.iter().filter(|(id, _)| id.subject == *subject);
        of_subject.into_iter().all(|(id, sum)| known(id) == *sum)
    }

    /// A request was admitted.
    pub fn took(&mut self, admission: &Admission) {
        for taken in admission.taken.iter().filter(|taken| taken.held > 0) {
            let sum = self
                .sums
                .entry(taken.counter(&admission.subject))
                .or_insert(0);
            *sum = sum.saturating_add(taken.held);
        }
    }

    /// A request was settled.
    pub fn gave_back(&mut self, admission: &Admission) {
        if admission.gate != self.number {
            return;
        }
        for taken in &admission.taken {
            let id = taken.counter(&admission.subject);
            if let Some(sum) = self.sums.get_mut(&id) {
                *sum = sum.saturating_sub(taken.held);
                if *sum == 0 {
                    self.sums.remove(&id);
                }
            }
        }
    }
}
