//! Admission: whether something is left for a request, and what it takes of it.
//!
//! Does not settle. Invariants: a request that is refused takes nothing; one that is admitted holds, in
//! each counter, the smaller of what it is expected to use and what was left.

use alloc::vec::Vec;

use super::{Cell, CellCounter, Figures};
use crate::limit::{
    CounterId, LimitSubject, RecordedLimit, Unit, WhenApart, WindowKind, WindowSpan,
};

/// The longest that a client is told to wait, in milliseconds: SDKs sleep as long as they are told.
const WAIT_MS_MAX: u64 = 60_000;
/// The most tokens that a body is expected to be: an image is no text.
const BODY_TOKENS_MAX: u64 = 100_000;
const BYTES_PER_TOKEN: u64 = 4;

/// A request that wants to be admitted.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// The number of its gate.
    pub gate: u32,
    /// The ledger's time, in milliseconds since 1970.
    pub now_unix_ms: u64,
    /// Whether the ledger was not heard for so long that limits which say so are not kept alone.
    pub is_apart: bool,
    /// The size of its body, as far as it is known.
    pub body_bytes: u64,
    /// Whether it may still be refused for another reason: then requests are held and not charged at once.
    pub is_provisional: bool,
}

/// What a request took of a subject's counters, to be settled at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Whose.
    pub subject: LimitSubject,
    /// The number of its gate at that time.
    pub gate: u32,
    /// What it took; nothing if there is nothing to settle.
    pub taken: Vec<Taken>,
    /// How each limit stood before it.
    pub standings: Vec<LimitStanding>,
}

/// What a request took of one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Of what.
    pub unit: Unit,
    /// In which kind of window.
    pub window: WindowKind,
    /// When that began.
    pub start_unix_ms: u64,
    /// How often the counter had been begun anew.
    pub resets: u32,
    /// How much it holds.
    pub held: u64,
    /// The amount in force, by which a minute refills.
    pub amount: u64,
}

/// How a limit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitStanding {
    /// Of what.
    pub unit: Unit,
    /// In which kind of window.
    pub window: WindowKind,
    /// How much there is.
    pub amount: u64,
    /// How much of it is left.
    pub left: u64,
    /// When all of it is there again, in milliseconds since 1970; `None` = never.
    pub resets_at_unix_ms: Option<u64>,
}

/// Why a request is not admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitRefusal {
    /// Nothing is left of this limit until its window ends.
    Exhausted(LimitStanding),
    /// Nothing is left of this limit for so many milliseconds.
    Wait(LimitStanding, u64),
    /// Nothing is left of this limit only because of what runs.
    Running(LimitStanding),
    /// The limit is not kept without the ledger, and that was not heard.
    Apart,
}

/// A limit, its counter, and what is left.
struct Judged<'a> {
    recorded: &'a RecordedLimit,
    span: WindowSpan,
    counter: CellCounter,
    standing: LimitStanding,
}

impl Ask {
    /// What a request is expected to use.
    fn expected(&self, recorded: &RecordedLimit) -> u64 {
        let body = (self.body_bytes / BYTES_PER_TOKEN).min(BODY_TOKENS_MAX);
        match recorded.limit.unit {
            Unit::Requests => 1,
            Unit::Tokens => body.saturating_add(recorded.limit.expected.get().into()),
        }
    }
}

impl Cell {
    /// Admits a request under all limits of a subject, or under none.
    pub fn admit(
        &mut self,
        subject: &LimitSubject,
        limits: &[RecordedLimit],
        ask: &Ask,
    ) -> Result<Admission, LimitRefusal> {
        let judged: Vec<_> = limits
            .iter()
            .map(|recorded| self.judge(subject, recorded, ask))
            .collect();
        let refusals = judged.iter().filter_map(|one| one.refusal(ask));
        if let Some(refusal) = refusals.max_by_key(LimitRefusal::severity) {
            return Err(refusal);
        }
        let mut admission = Admission {
            subject: subject.clone(),
            gate: ask.gate,
            taken: Vec::new(),
            standings: judged.iter().map(|one| one.standing).collect(),
        };
        if let Some(entry) = self.entry(subject) {
            entry.used_at_unix_ms = entry.used_at_unix_ms.max(ask.now_unix_ms);
            for one in judged {
                let (counter, taken) = one.take(ask);
                admission.taken.extend(taken);
                match entry.counters.iter_mut().find(|known| known.is(&counter)) {
                    Some(known) => *known = counter,
                    None => entry.counters.push(counter),
                }
            }
        }
        Ok(admission)
    }

    /// How each limit of a subject stands.
    pub fn standings(
        &self,
        subject: &LimitSubject,
        limits: &[RecordedLimit],
        ask: &Ask,
    ) -> Vec<LimitStanding> {
        let judged = limits.iter().map(|one| self.judge(subject, one, ask));
        judged.map(|one| one.standing).collect()
    }

    fn judge<'a>(
        &self,
        subject: &LimitSubject,
        recorded: &'a RecordedLimit,
        ask: &Ask,
    ) -> Judged<'a> {
        let span = recorded.span_at(ask.now_unix_ms);
        let begun = CellCounter::begin(recorded, span.start_unix_ms);
        let entries = self.entries.iter();
        let mut counters = entries
            .filter(|entry| entry.subject == *subject)
            .flat_map(|entry| &entry.counters);
        let mut counter = counters
            .find(|known| known.is(&begun))
            .cloned()
            .unwrap_or(begun);
        let amount = recorded.limit.amount.get();
        if let Figures::Minute(level) = &mut counter.figures {
            *level = level.at(amount, ask.now_unix_ms);
        }
        let left = match recorded.is_full_at(ask.now_unix_ms) {
            true => 0,
            false if mutant!(IgnoreWhatIsHeld) => amount.saturating_sub(counter.settled()),
            false => amount.saturating_sub(counter.known()),
        };
        let standing = LimitStanding {
            unit: recorded.limit.unit,
            window: recorded.limit.window.kind(),
            amount,
            left,
            resets_at_unix_ms: match counter.figures {
                Figures::Ledger { .. } => span.end_unix_ms,
                Figures::Minute(level) => Some(
                    ask.now_unix_ms
                        .saturating_add(level.wait_ms(amount, counter.held())),
                ),
            },
        };
        Judged {
            recorded,
            span,
            counter,
            standing,
        }
    }
}

impl Judged<'_> {
    fn refusal(&self, ask: &Ask) -> Option<LimitRefusal> {
        let limit = &self.recorded.limit;
        if ask.is_apart
            && limit.when_apart == WhenApart::Refuse
            && limit.window.kind().is_in_ledger()
        {
            return Some(LimitRefusal::Apart);
        }
        if self.standing.left > 0 {
            return None;
        }
        let amount = limit.amount.get();
        let is_settled =
            self.recorded.is_full_at(ask.now_unix_ms) || self.counter.settled() >= amount;
        Some(match self.counter.figures {
            _ if !is_settled => LimitRefusal::Running(self.standing),
            Figures::Ledger { .. } => LimitRefusal::Exhausted(self.standing),
            Figures::Minute(level) => match level.wait_ms(amount, self.counter.held()) {
                wait_ms @ 0..=WAIT_MS_MAX => LimitRefusal::Wait(self.standing, wait_ms),
                _ => LimitRefusal::Exhausted(self.standing),
            },
        })
    }

    /// The counter with what the request takes of it, and what has to be settled at its end.
    fn take(self, ask: &Ask) -> (CellCounter, Option<Taken>) {
        let mut counter = self.counter;
        let expected = ask.expected(self.recorded);
        let held = match mutant!(HoldMoreThanIsLeft) {
            true => expected,
            false => expected.min(self.standing.left),
        };
        let is_charged = self.recorded.limit.unit == Unit::Requests
            && !ask.is_provisional
            && !mutant!(ChargeRequestsAtTheEnd);
        if is_charged {
            counter.charge(held);
            return (counter, None);
        }
        counter.hold(ask.gate, held);
        let taken = Taken {
            unit: counter.unit,
            window: counter.window,
            start_unix_ms: self.span.start_unix_ms,
            resets: counter.resets,
            held,
            amount: self.recorded.limit.amount.get(),
        };
        (counter, Some(taken))
    }
}

impl Taken {
    /// The counter that it is of.
    pub fn counter(&self, subject: &LimitSubject) -> CounterId {
        CounterId {
            subject: subject.clone(),
            unit: self.unit,
            window: self.window,
            start_unix_ms: self.start_unix_ms,
            resets: self.resets,
        }
    }
}

impl CellCounter {
    /// Whether it is the same counter.
    fn is(&self, other: &Self) -> bool {
        let name = |one: &Self| (one.unit, one.window, one.start_unix_ms, one.resets);
        name(self) == name(other)
    }
}

impl LimitRefusal {
    /// The one that holds longest is told.
    fn severity(&self) -> (u8, u64) {
        match self {
            Self::Running(_) => (0, 0),
            Self::Wait(_, wait_ms) => (1, *wait_ms),
            Self::Exhausted(standing) => (2, standing.resets_at_unix_ms.unwrap_or(u64::MAX)),
            Self::Apart => (3, 0),
        }
    }
}
