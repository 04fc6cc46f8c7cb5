//! Faults by number, and the loop over all numbers.
//!
//! Invariant: the loop ends when a run came to its end without being hit, so no point is left out
//! but those that a spread leaves out.

use std::panic::resume_unwind;
use std::thread;

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

/// Points that are tried at a time: a run waits for its disk half of its time.
const AT_ONCE: usize = 2;

/// Runs `check` with each of these faults, all at once; a panic in one is a panic here.
fn at_once(faults: &[Fault], check: impl Fn(&Fault) -> Ending + Sync) -> Vec<Ending> {
    thread::scope(|scope| {
        let check = &check;
        let runs = faults.iter().map(|fault| scope.spawn(move || check(fault)));
        let runs: Vec<_> = runs.collect();
        runs.into_iter()
            .map(|run| run.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}

/// Runs `check` with the fault at each point.
pub(crate) fn run_all(
    base: &Base,
    name: &str,
    points: Points,
    fault: impl Fn(usize) -> Fault,
    check: impl Fn(&Base, &Fault) -> Ending + Sync,
) {
    let (mut tried, mut number, mut missed) = (0, 1, 0);
    // Threads count their calls each for itself: one run more, in case another thread did the work.
    while missed < 2 {
        let mut faults = Vec::new();
        for _ in 0..AT_ONCE {
            faults.push(fault(number));
            number = points.behind(number);
        }
        for ending in at_once(&faults, |fault| check(base, fault)) {
            match ending {
                Ending::Hit => missed = 0,
                Ending::Missed => missed += 1,
            }
            tried += 1;
        }
    }
    eprintln!("{name}: {tried} points tried, the last one {number}");
}
