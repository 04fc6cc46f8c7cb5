//! Faults by number, and the loop over all numbers.
//!
//! Invariant: the loop ends when a run came to its end without being hit, so no point is left out
//! but those that a spread leaves out.

use crate::process::Base;

/// What happens at which call.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// What strace is told.
    pub(crate) injection: String,
    /// The calls that it traces.
    pub(crate) calls: String,
}

/// Which points are tried.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Points {
    /// Each.
    All,
    /// Each of the first, then ever wider apart: about so many.
    Spread(usize),
}

/// How a run with a fault ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The fault happened.
    Hit,
    /// There were fewer such calls.
    Missed,
}

impl Fault {
    /// The process is killed at the `number`th of these calls.
    pub(crate) fn kill(calls: &str, number: usize) -> Self {
        Self {
            injection: format!("{calls}:signal=KILL:when={number}"),
            calls: calls.into(),
        }
    }

    /// The `number`th of these calls fails.
    pub(crate) fn fail(calls: &str, error: &str, number: usize) -> Self {
        Self {
            injection: format!("{calls}:error={error}:when={number}"),
            calls: calls.into(),
        }
    }

    /// Every one of these calls fails, from the `number`th on.
    pub(crate) fn fail_from(calls: &str, error: &str, number: usize) -> Self {
        Self {
            injection: format!("{calls}:error={error}:when={number}+"),
            calls: calls.into(),
        }
    }

    /// These calls are only counted.
    pub(crate) fn none(calls: &str) -> Self {
        Self::kill(calls, 65_535)
    }
}

impl Points {
    fn behind(self, number: usize) -> usize {
        match self {
            Self::All => number + 1,
            Self::Spread(count) => number + 1 + 2 * number / count,
        }
    }
}

/// Runs `check` with the fault at each point.
pub(crate) fn run_all(
    base: &Base,
    name: &str,
    points: Points,
    fault: impl Fn(usize) -> Fault,
    check: impl Fn(&Base, &Fault) -> Ending,
) {
    let (mut tried, mut number, mut missed) = (0, 1, 0);
    // Threads count their calls each for itself: one run more, in case another thread did the work.
    while missed < 2 {
        match check(base, &fault(number)) {
            Ending::Hit => missed = 0,
            Ending::Missed => missed += 1,
        }
        tried += 1;
        number = points.behind(number);
    }
    eprintln!("{name}: {tried} points tried, the last one {number}");
}
