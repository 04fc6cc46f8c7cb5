//! What the agent does with a cell: charges it to the ledger, takes the answer, gives silent gates up.
//!
//! Does not send. Invariants: nothing is charged twice; a counter goes only when the ledger has all of
//! it, and knows that nothing of it is held.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{Cell, CellCounter, Figures};
use crate::limit::{CounterId, LimitSubject, Unit, WindowKind};
use crate::usage::Charge;

const DAY_MS: u64 = 24 * 3_600_000;
/// No month is longer; and a minute's debt is forgiven to who was not here for so long.
const MONTH_MS_MAX: u64 = 31 * DAY_MS;
/// After so long without a request, what is known of a lifetime is forgotten: its record knows it.
const IDLE_MS_MAX: u64 = 366 * DAY_MS;

impl Cell {
    /// Every counter that is in the ledger, as it would be charged now.
    pub fn charges(&self) -> Vec<Charge> {
        let charges = self.entries.iter().flat_map(|entry| {
            let counters = entry.counters.iter();
            counters.filter_map(|counter| counter.to_charge(&entry.subject))
        });
        charges.collect()
    }

    /// The ledger has this charge; `figure`: what it says of the counter, if that is not what the charge says.
    pub fn acknowledge(&mut self, charge: &Charge, figure: Option<u64>) {
        let told = charge.base.saturating_add(charge.charged);
        let entries = self.entries.iter_mut();
        let mut of_subject = entries.filter(|entry| entry.subject == charge.counter.subject);
        let Some(entry) = of_subject.next() else {
            return;
        };
        let mut counters = entry.counters.iter_mut();
        let Some(counter) = counters.find(|counter| counter.is_named(&charge.counter)) else {
            return;
        };
        if let Figures::Ledger { base, acked, own } = &mut counter.figures {
            *base = match mutant!(IgnoreTheFigure) {
                true => told,
                false => figure.unwrap_or(told),
            };
            *acked = match mutant!(AcknowledgeAll) {
                true => *own,
                false => acked.saturating_add(charge.charged),
            };
        }
    }

    /// What these gates hold is charged: they are silent. True if there was anything.
    pub fn give_up(&mut self, is_silent: impl Fn(u32) -> bool) -> bool {
        let counters = self
            .entries
            .iter_mut()
            .flat_map(|entry| &mut entry.counters);
        let given = counters.filter_map(|counter| counter.give_up(&is_silent).then_some(()));
        given.count() > 0
    }

    /// Takes out what nobody needs any more: windows that are over, and counters that were begun anew, of which the
    /// ledger has everything, and what has no end and was not used for very long. `now_unix_ms`: a time below which
    /// no clock is expected to fall back. `is_told`: the ledger knows that nothing is held. True if there was anything.
    pub fn tidy(&mut self, now_unix_ms: u64, is_told: impl Fn(&CounterId) -> bool) -> bool {
        let count = |cell: &Self| {
            let counters = cell.entries.iter().map(|entry| entry.counters.len());
            (cell.entries.len(), counters.sum::<usize>())
        };
        let before = count(self);
        for entry in &mut self.entries {
            let used_at_unix_ms = entry.used_at_unix_ms;
            let newest = newest_resets(&entry.counters);
            let subject = &entry.subject;
            entry.counters.retain(|counter| {
                let limit = (counter.unit, counter.window);
                let is_past = newest.get(&limit) != Some(&counter.resets);
                (counter.unsent() > 0 && !mutant!(TidyTheUnsent))
                    || counter.held() > 0
                    || !is_told(&counter.id(subject))
                    || !(is_past || counter.is_over(now_unix_ms, used_at_unix_ms))
            });
        }
        self.entries.retain(|entry| !entry.counters.is_empty());
        count(self) != before
    }
}

/// Unit, window, its start, resets.
type Name = (Unit, WindowKind, u64, u32);

/// How often each limit was begun anew.
fn newest_resets(counters: &[CellCounter]) -> BTreeMap<(Unit, WindowKind), u32> {
    let mut newest = BTreeMap::new();
    for counter in counters {
        let resets: &mut u32 = newest.entry((counter.unit, counter.window)).or_default();
        *resets = counter.resets.max(*resets);
    }
    newest
}

impl CellCounter {
    fn name(&self) -> Name {
        (self.unit, self.window, self.start_unix_ms, self.resets)
    }

    /// Whether its window is surely over; of what has no end, whether it was not used for very long.
    fn is_over(&self, now_unix_ms: u64, used_at_unix_ms: u64) -> bool {
        let (since, lasts_ms) = match self.window {
            WindowKind::Minute => (used_at_unix_ms, MONTH_MS_MAX),
            WindowKind::Day => (self.start_unix_ms, DAY_MS),
            WindowKind::Month => (self.start_unix_ms, MONTH_MS_MAX),
            WindowKind::Lifetime => (used_at_unix_ms, IDLE_MS_MAX),
        };
        now_unix_ms.saturating_sub(since) >= lasts_ms
    }

    fn is_named(&self, id: &CounterId) -> bool {
        self.name() == (id.unit, id.window, id.start_unix_ms, id.resets)
    }

    fn to_charge(&self, subject: &LimitSubject) -> Option<Charge> {
        match self.figures {
            Figures::Ledger { base, .. } => Some(Charge {
                counter: self.id(subject),
                charged: self.unsent(),
                held: self.held(),
                base,
            }),
            Figures::Minute(_) => None,
        }
    }
}
