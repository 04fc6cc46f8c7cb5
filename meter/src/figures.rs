//! What the figures of an answer come to.
//!
//! A report's pointers fill slots; each of our figures is a sum of slots. Does not read anything.
//! Invariants: a figure that was never stated is not 0; sums do not overflow.

use crate::tree::{SLOTS_MAX, Slot};

/// Largest figure that is believed: more tokens than any answer has.
pub(crate) const FIGURE_MAX: u64 = 1_000_000_000_000;

/// What a request used, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The whole prompt, what was read from or written to a cache included.
    pub input: u64,
    /// What was read from a cache: a part of `input`.
    pub cached: u64,
    /// Everything that was made, reasoning included.
    pub output: u64,
    /// What was thought and not said: a part of `output`.
    pub reasoning: u64,
    /// The upstream said so, and said it to the end; otherwise it was worked out.
    pub is_reported: bool,
}

/// Which slots add up to which figure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) input: Vec<Term>,
    pub(crate) cached: Vec<Term>,
    pub(crate) output: Vec<Term>,
    pub(crate) reasoning: Vec<Term>,
    pub(crate) total: Vec<Term>,
}

/// One summand: the first of these slots that was stated.
pub(crate) type Term = Vec<u8>;

/// The figures that were stated so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    values: [Option<u64>; SLOTS_MAX],
    /// Bits of the slots that the document at hand has added to.
    added: u32,
}

impl Usage {
    /// Input and output together.
    pub const fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

impl Slots {
    /// Another document begins: what adds up begins anew with its first figure.
    pub(crate) fn begin_document(&mut self) {
        self.added = 0;
    }

    /// A figure was read.
    pub(crate) fn set(&mut self, slot: Slot, value: u64) {
        let Some(place) = self.values.get_mut(usize::from(slot.index)) else {
            return;
        };
        let value = value.min(FIGURE_MAX);
        let bit = 1u32 << (slot.index % 32);
        let before = place.filter(|_| slot.adds && self.added & bit != 0);
        *place = Some(before.unwrap_or(0).saturating_add(value).min(FIGURE_MAX));
        self.added |= bit;
    }

    /// Whether anything was stated at all.
    pub(crate) fn is_stated(&self) -> bool {
        self.values.iter().any(Option::is_some)
    }

    /// What was stated, as our figures. A total above input and output is what one of them lacks:
    /// output where output is stated (reasoning that stands outside of it), else input.
    pub(crate) fn usage(&self, sums: &Sums) -> Usage {
        let input = self.sum(&sums.input);
        let output = self.sum(&sums.output);
        let stated = input.unwrap_or(0).saturating_add(output.unwrap_or(0));
        let above = self.sum(&sums.total).unwrap_or(0).saturating_sub(stated);
        let (more_input, more_output) = match output {
            Some(_) => (0, above),
            None => (above, 0),
        };
        let input = input.unwrap_or(0).saturating_add(more_input);
        let output = output.unwrap_or(0).saturating_add(more_output);
        Usage {
            input,
            cached: self.sum(&sums.cached).unwrap_or(0).min(input),
            output,
            reasoning: self.sum(&sums.reasoning).unwrap_or(0).min(output),
            is_reported: false,
        }
    }

    fn sum(&self, terms: &[Term]) -> Option<u64> {
        let value = |slot: &u8| *self.values.get(usize::from(*slot))?;
        let stated = terms.iter().filter_map(|term| term.iter().find_map(value));
        stated.reduce(u64::saturating_add)
    }
}
