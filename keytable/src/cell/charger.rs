//! The agent's side of charges: which cells have something to tell, and what an answer sets in them.
//!
//! Does not send, and reads and writes no cell itself. Invariants: one batch is open at a time; what was not
//! acknowledged is told again; what the ledger was told to be held is known here until it was told otherwise.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::Cell;
use crate::limit::CounterId;
use crate::limits::CHARGES_MAX;
use crate::usage::{Charge, UsageAnswer};

/// What one agent has told the ledger and has to tell.
#[derive(Clone, Debug, Default)]
pub struct Charger {
    /// Cells that were touched since they were last told.
    touched: BTreeSet<u16>,
    /// What the ledger takes to be held, and in which cell that is. Each batch says it anew: a ledger that
    /// started meanwhile does not remember it.
    told: BTreeMap<CounterId, u16>,
    /// The charges of the open batch, and their cells.
    open: Vec<(u16, Charge)>,
}

/// What an answer sets in one cell: each charge that the ledger has, and its figure if that is another.
pub type Acknowledged = Vec<(Charge, Option<u64>)>;

impl Charger {
    /// Something of this cell was admitted, settled, given up or refused.
    pub fn touch(&mut self, cell: u16) {
        self.touched.insert(cell);
    }

    /// Whether there is something to tell, and no batch open.
    pub fn has_news(&self) -> bool {
        self.open.is_empty() && !(self.touched.is_empty() && self.told.is_empty())
    }

    /// Whether a batch with charges is open.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The charges of the next batch; those of further cells wait for the one behind it. `read` gives a
    /// cell; one that cannot be read is told later.
    pub fn begin(&mut self, mut read: impl FnMut(u16) -> Option<Cell>) -> Vec<Charge> {
        let held = self.told.values().copied();
        let held = held.filter(|_| !mutant!(TellHoldsOnce));
        let due: BTreeSet<u16> = self.touched.iter().copied().chain(held).collect();
        for index in due {
            let Some(cell) = read(index) else {
                continue;
            };
            let charges = cell.charges();
            let fits = self.open.len() + charges.len() <= CHARGES_MAX;
            if !fits && !self.open.is_empty() {
                break;
            }
            self.touched.remove(&index);
            let room = CHARGES_MAX.saturating_sub(self.open.len());
            self.open
                .extend(charges.into_iter().take(room).map(|charge| (index, charge)));
        }
        self.open.iter().map(|(_, charge)| charge.clone()).collect()
    }

    /// The ledger has the open batch: what that sets, by cell.
    pub fn acknowledged(&mut self, answer: &UsageAnswer) -> BTreeMap<u16, Acknowledged> {
        let mut figures = answer.figures.iter().peekable();
        let mut set: BTreeMap<u16, Acknowledged> = BTreeMap::new();
        for (place, (index, charge)) in core::mem::take(&mut self.open).into_iter().enumerate() {
            let figure = figures
                .next_if(|figure| usize::try_from(figure.charge) == Ok(place))
                .map(|figure| figure.figure);
            match charge.held {
                0 => drop(self.told.remove(&charge.counter)),
                _ => drop(self.told.insert(charge.counter.clone(), index)),
            }
            set.entry(index).or_default().push((charge, figure));
        }
        set
    }

    /// The open batch is given up, unread: its charges are told again.
    pub fn dropped(&mut self) {
        let open = core::mem::take(&mut self.open);
        if !mutant!(ForgetTheDropped) {
            let cells = open.into_iter().map(|(index, _)| index);
            self.touched.extend(cells);
        }
    }

    /// Whether the ledger knows that nothing of a counter is held.
    pub fn is_told(&self, counter: &CounterId) -> bool {
        !self.told.contains_key(counter)
    }
}
