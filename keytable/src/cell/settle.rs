//! Settlement: what a request used takes the place of what it held.
//!
//! Does not read answers. Invariant: a request that was settled is charged what it used, once, in the
//! window of its admission; if what it held was given up, and so charged, only what is above that.

use super::{Admission, Cell, CellCounter, Figures, Taken};
use crate::limit::{MinuteLevel, Unit};

/// What a request used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// So many tokens, stated or estimated; and one request.
    Tokens(u64),
    /// What it held: its answer could not be read.
    Held,
    /// Nothing: it never ran.
    Nothing,
}

impl Cell {
    /// Settles what a request took.
    pub fn settle(&mut self, admission: &Admission, spent: Spent, now_unix_ms: u64) {
        let Some(entry) = self.entry(&admission.subject) else {
            return;
        };
        entry.used_at_unix_ms = entry.used_at_unix_ms.max(now_unix_ms);
        for taken in &admission.taken {
            let known = entry.counters.iter_mut().find(|known| taken.is_of(known));
            match known {
                Some(counter) => taken.settle(counter, admission.gate, spent, now_unix_ms),
                None => {
                    let mut counter = taken.begun();
                    taken.settle(&mut counter, admission.gate, spent, now_unix_ms);
                    entry.counters.push(counter);
                }
            }
        }
    }
}

impl Taken {
    fn is_of(&self, counter: &CellCounter) -> bool {
        self.unit == counter.unit
            && self.window == counter.window
            && (self.start_unix_ms == counter.start_unix_ms || mutant!(SettleInAnyWindow))
            && self.resets == counter.resets
    }

    fn settle(&self, counter: &mut CellCounter, gate: u32, spent: Spent, now_unix_ms: u64) {
        if let Figures::Minute(level) = &mut counter.figures {
            *level = level.at(self.amount, now_unix_ms);
        }
        let used = match (spent, self.unit) {
            (Spent::Nothing, _) => 0,
            (Spent::Held, _) => self.held,
            (Spent::Tokens(tokens), Unit::Tokens) => tokens,
            (Spent::Tokens(_), Unit::Requests) => 1,
        };
        let is_held = mutant!(KeepTheHold) || counter.release(gate, self.held);
        match is_held || mutant!(ChargeTheGivenUpAgain) {
            true => counter.charge(used),
            // It was given up, and what it held was charged then.
            false => counter.charge(used.saturating_sub(self.held)),
        }
    }

    /// The counter as nobody here knows it any more: the ledger will say what its figure is.
    fn begun(&self) -> CellCounter {
        let figures = match self.window.is_in_ledger() {
            true => Figures::Ledger {
                base: 0,
                acked: 0,
                own: 0,
            },
            false => Figures::Minute(MinuteLevel::default()),
        };
        CellCounter {
            unit: self.unit,
            window: self.window,
            start_unix_ms: self.start_unix_ms,
            resets: self.resets,
            figures,
            holds: alloc::vec::Vec::new(),
        }
    }
}
