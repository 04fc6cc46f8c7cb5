//! Faults by number, and the loop over all numbers.
//!
//! Invariant: the loop ends when a run came to its end without being hit, so no point is left out
//! but those that the spread leaves out.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::process::Base;

/// What happens at which call.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// What strace is told.
    pub(crate) injection: String,
    /// The calls that it traces.
    pub(crate) calls: String,
}

/// How many points are tried.
pub(crate) struct Points {
    max: usize,
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
}

impl Points {
    /// A spread of about so many, or all of them if that is asked for.
    pub(crate) fn upto(max: usize) -> Self {
        static ALL: OnceLock<bool> = OnceLock::new();
        let all = ALL.get_or_init(|| {
            std::env::var("LATCHKEY_CRASH_POINTS").is_ok_and(|value| value == "all")
        });
        Self {
            max: if *all { usize::MAX } else { max },
        }
    }

    /// The point behind `number`: each of the first, then ever wider apart.
    fn behind(&self, number: usize) -> usize {
        number + 1 + 2 * number / self.max.max(1)
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
    let tried = AtomicUsize::new(0);
    let mut number = 1;
    // Threads count their calls each for itself: one run more, in case another thread did the work.
    let mut missed = 0;
    while missed < 2 {
        match check(base, &fault(number)) {
            Ending::Hit => missed = 0,
            Ending::Missed => missed += 1,
        }
        tried.fetch_add(1, Ordering::Relaxed);
        number = points.behind(number);
    }
    eprintln!(
        "{name}: {} points tried, the last one {number}",
        tried.into_inner()
    );
}
