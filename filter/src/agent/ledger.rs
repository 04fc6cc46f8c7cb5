//! The agent's side of limits: charges the cells to the ledger, takes its answers, gives silent gates up.
//!
//! Does not post (the reporter's batches carry charges) and does not admit. Invariants: what the ledger has
//! acknowledged is written into the cells before anything else is told; a gate is given up only after so many
//! of the agent's own ticks without a word from it.

use std::collections::BTreeMap;

use keytable::cell::{Acknowledged, CELLS, Cell, Charger};
use keytable::{Charge, UsageAnswer};

use super::earliest_time::EarliestTime;
use crate::cells;
use crate::gate_news::GateNews;
use crate::host::Host;
use crate::ledger_clock::LedgerClock;

/// After so many ticks without a word, 10 s, a gate is given up.
const SILENT_TICKS: u64 = 200;
/// After so many, its number is forgotten: what it still holds is looked at anew.
const FORGOTTEN_TICKS: u64 = 4 * SILENT_TICKS;
/// Cells that are looked at in one tick: all of them within 13 s.
const LOOKED_AT: u16 = 64;
/// How often the ledger is asked its time, once there was a limited key.
const ASK_NS: u64 = 4_000_000_000;
/// How often charges are told at most when a gate calls it urgent.
const URGENT_NS: u64 = 250_000_000;

/// What the agent knows of gates and ledger.
#[derive(Debug, Default)]
pub(super) struct LedgerLink {
    charger: Charger,
    /// What the ledger has, and is not in the cells yet.
    acknowledged: BTreeMap<u16, Acknowledged>,
    ticks: u64,
    /// When each gate was heard, in ticks.
    heard: BTreeMap<u32, u64>,
    /// The cell that is looked at next.
    next: u16,
    is_urgent: bool,
    earliest: EarliestTime,
    /// Whether there ever was a limited key here.
    is_used: bool,
    posted_ns: u64,
}

impl LedgerLink {
    /// Takes what a gate says; false for other bytes.
    pub(super) fn gather(&mut self, message: &[u8]) -> bool {
        let Some(news) = GateNews::decode(message) else {
            return false;
        };
        self.is_used = true;
        if !mutant!(GiveUpTheTalking) {
            self.heard.insert(news.gate, self.ticks);
        }
        self.is_urgent |= news.is_urgent;
        let cells = news.cells.iter().filter(|cell| **cell < CELLS);
        cells.for_each(|cell| self.charger.touch(*cell));
        true
    }

    /// At each tick: writes what is not written yet, and looks at some cells.
    pub(super) fn tick(&mut self, host: &impl Host) {
        self.ticks = self.ticks.saturating_add(1);
        self.write(host);
        if !self.is_used {
            return;
        }
        let now_ns = host.monotonic_ns().unwrap_or(0);
        let now_unix_ms = self.now_unix_ms(host);
        let earliest_unix_ms = match mutant!(TidyByTheNewestTime) {
            true => now_unix_ms,
            false => self.earliest.note(now_unix_ms, now_ns),
        };
        for _ in 0..LOOKED_AT {
            self.look(host, self.next, earliest_unix_ms);
            self.next = (self.next + 1) % CELLS;
        }
        let ticks = self.ticks;
        self.heard
            .retain(|_, since| ticks.saturating_sub(*since) < FORGOTTEN_TICKS);
    }

    fn now_unix_ms(&self, host: &impl Host) -> u64 {
        let clock = LedgerClock::read(host).ok().flatten();
        let now_ms = host.monotonic_ns().map(|ns| ns / 1_000_000);
        match (clock, now_ms) {
            (Some(clock), Ok(now_ms)) => clock.unix_ms(now_ms),
            // Nothing is over then.
            _ => 0,
        }
    }

    /// Gives up what silent gates hold in a cell, and takes out what nobody needs, however far the clock goes back.
    fn look(&mut self, host: &impl Host, index: u16, earliest_unix_ms: u64) {
        let Ok(cell) = cells::read(host, index) else {
            return;
        };
        if cell.entries().is_empty() {
            return;
        }
        let counters = cell.entries().iter().flat_map(|entry| &entry.counters);
        for hold in counters.clone().flat_map(|counter| &counter.holds) {
            self.heard.entry(hold.gate).or_insert(self.ticks);
        }
        if counters.clone().any(|counter| counter.unsent() > 0) {
            self.charger.touch(index);
        }
        let (ticks, heard, charger) = (self.ticks, &self.heard, &self.charger);
        let is_silent = |gate: u32| {
            let since = heard.get(&gate).copied().unwrap_or(ticks);
            ticks.saturating_sub(since) >= SILENT_TICKS && !mutant!(GiveUpNobody)
        };
        let is_open = charger.is_open();
        let changed = cells::change(host, index, |cell| {
            let given = cell.give_up(is_silent);
            // What is being told is not taken away.
            let tidied =
                !is_open && cell.tidy(earliest_unix_ms, |counter| charger.is_told(counter));
            (given, given || tidied)
        });
        if changed == Ok(true) {
            self.charger.touch(index);
        }
    }

    /// Whether charges are due, besides what else is reported. `next_ns`: when the ledger wants the next.
    pub(super) fn is_due(&self, now_ns: u64, next_ns: u64) -> bool {
        if !self.acknowledged.is_empty() || !self.is_used {
            return false;
        }
        let since_ns = now_ns.saturating_sub(self.posted_ns);
        let is_urgent = self.is_urgent && since_ns >= URGENT_NS;
        let has_news = self.charger.has_news() && now_ns >= next_ns;
        is_urgent || has_news || since_ns >= ASK_NS
    }

    /// The charges of the batch that is posted now.
    pub(super) fn begin(&mut self, host: &impl Host, now_ns: u64) -> Vec<Charge> {
        self.posted_ns = now_ns;
        self.is_urgent = false;
        match self.acknowledged.is_empty() {
            true => self.charger.begin(|index| cells::read(host, index).ok()),
            false => Vec::new(),
        }
    }

    /// The ledger has the batch that was posted.
    pub(super) fn answered(&mut self, host: &impl Host, answer: &UsageAnswer) {
        self.acknowledged = self.charger.acknowledged(answer);
        self.write(host);
        if let Ok(now_ns) = host.monotonic_ns() {
            let clock = LedgerClock::heard(answer.ledger_unix_ms, now_ns / 1_000_000);
            let _ = clock.publish(host);
        }
    }

    /// Nobody took the charges of the batch that was posted.
    pub(super) fn dropped(&mut self) {
        self.charger.dropped();
    }

    /// Writes what the ledger has into the cells. What cannot be written now is tried again.
    fn write(&mut self, host: &impl Host) {
        self.acknowledged.retain(|index, acknowledged| {
            let written = cells::change(host, *index, |cell: &mut Cell| {
                for (charge, figure) in acknowledged.iter() {
                    cell.acknowledge(charge, *figure);
                }
                ((), true)
            });
            written.is_err()
        });
    }
}
