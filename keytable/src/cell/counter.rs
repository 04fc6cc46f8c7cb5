//! One counter as an Envoy knows it.
//!
//! Does not decide. Invariant: what a gate holds is what all its running requests took, or nothing: it
//! was given up.

use alloc::vec::Vec;

use crate::limit::{CounterId, LimitSubject, MinuteLevel, RecordedLimit, Unit, WindowKind};

/// One counter of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellCounter {
    /// Of what.
    pub unit: Unit,
    /// In which kind of window.
    pub window: WindowKind,
    /// When that begins, in milliseconds since 1970; 0 for minute and lifetime.
    pub start_unix_ms: u64,
    /// How often it was begun anew.
    pub resets: u32,
    /// What was used.
    pub figures: Figures,
    /// What running requests hold, by gate.
    pub holds: Vec<Hold>,
}

/// What was used of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figures {
    /// It is in the ledger.
    Ledger {
        /// What the ledger was last heard to have, with what others hold.
        base: u64,
        /// Our part of `base`.
        acked: u64,
        /// What was settled here.
        own: u64,
    },
    /// Each Envoy keeps it alone.
    Minute(MinuteLevel),
}

/// What the running requests of one gate hold of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The number that the gate drew.
    pub gate: u32,
    /// How much; never 0.
    pub amount: u64,
}

impl CellCounter {
    /// A counter that nothing was used of here, as its record knows it.
    pub(super) fn begin(recorded: &RecordedLimit, start_unix_ms: u64) -> Self {
        let window = recorded.limit.window.kind();
        let figures = match window.is_in_ledger() {
            true => Figures::Ledger {
                base: match mutant!(BeginWithNothing) {
                    true => 0,
                    false => recorded.used_from(start_unix_ms),
                },
                acked: 0,
                own: 0,
            },
            false => Figures::Minute(MinuteLevel::default()),
        };
        Self {
            unit: recorded.limit.unit,
            window,
            start_unix_ms,
            resets: recorded.resets,
            figures,
            holds: Vec::new(),
        }
    }

    /// Its name in the ledger.
    pub fn id(&self, subject: &LimitSubject) -> CounterId {
        CounterId {
            subject: subject.clone(),
            unit: self.unit,
            window: self.window,
            start_unix_ms: self.start_unix_ms,
            resets: self.resets,
        }
    }

    /// What is settled, as far as it is known here; of a minute, what has not flowed off yet.
    pub fn settled(&self) -> u64 {
        match self.figures {
            Figures::Ledger { base, acked, own } => base.saturating_add(own).saturating_sub(acked),
            Figures::Minute(level) => level.used(),
        }
    }

    /// What running requests hold.
    pub fn held(&self) -> u64 {
        let amounts = self.holds.iter().map(|hold| hold.amount);
        amounts.fold(0, u64::saturating_add)
    }

    /// What is known to be used: settled and held.
    pub fn known(&self) -> u64 {
        self.settled().saturating_add(self.held())
    }

    /// What was settled here that the ledger is not known to have.
    pub fn unsent(&self) -> u64 {
        match self.figures {
            Figures::Ledger { acked, own, .. } => own.saturating_sub(acked),
            Figures::Minute(_) => 0,
        }
    }

    /// What the requests of one gate hold.
    pub fn held_by(&self, gate: u32) -> u64 {
        let hold = self.holds.iter().find(|hold| hold.gate == gate);
        hold.map_or(0, |hold| hold.amount)
    }

    /// Charges so much.
    pub(super) fn charge(&mut self, amount: u64) {
        match &mut self.figures {
            Figures::Ledger { own, .. } => *own = own.saturating_add(amount),
            Figures::Minute(level) => *level = level.plus(amount),
        }
    }

    /// A gate holds so much more.
    pub(super) fn hold(&mut self, gate: u32, amount: u64) {
        match self.holds.iter_mut().find(|hold| hold.gate == gate) {
            Some(hold) => hold.amount = hold.amount.saturating_add(amount),
            None if amount > 0 => self.holds.push(Hold { gate, amount }),
            None => {}
        }
    }

    /// A gate holds so much less; false if it does not hold so much: then all was given up.
    pub(super) fn release(&mut self, gate: u32, amount: u64) -> bool {
        let Some(hold) = self.holds.iter_mut().find(|hold| hold.gate == gate) else {
            return amount == 0;
        };
        let Some(left) = hold.amount.checked_sub(amount) else {
            return false;
        };
        hold.amount = left;
        self.holds.retain(|hold| hold.amount > 0);
        true
    }

    /// What these gates hold is charged: they are silent, and nobody will settle it. True if there was
    /// anything.
    pub(super) fn give_up(&mut self, is_silent: impl Fn(u32) -> bool) -> bool {
        let silent = self.holds.iter().filter(|hold| is_silent(hold.gate));
        let held = silent.map(|hold| hold.amount).fold(0, u64::saturating_add);
        self.holds.retain(|hold| !is_silent(hold.gate));
        if !mutant!(ForgiveTheSilent) {
            self.charge(held);
        }
        held > 0
    }
}
