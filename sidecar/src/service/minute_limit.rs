//! How often one caller may do something in a minute: copying a few values, or looking a few up, is
//! work; all of them is a theft.
//!
//! Does not know who may do it. Invariant: a refusal says when to come again; the memory is
//! bounded by the callers of one minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::act::Act;
use crate::domain::audit::Actor;
use crate::http::problem::Problem;

/// Values that one caller may see in one minute.
pub(crate) const REVEALS_MAX: u32 = 30;
/// Values that one caller may look up in one minute.
pub(crate) const LOOKUPS_MAX: u32 = 60;
const MINUTE_MS: u64 = 60_000;

/// What was done in the running minute, and how often each caller may. Clones share it.
#[derive(Clone, Debug)]
pub struct MinuteLimit {
    minute: Arc<Mutex<Minute>>,
    max: u32,
}

#[derive(Debug, Default)]
struct Minute {
    number: u64,
    seen: HashMap<Actor, u32>,
}

impl MinuteLimit {
    /// So often a minute, nothing done yet.
    pub(crate) fn new(max: u32) -> Self {
        Self {
            minute: Arc::default(),
            max,
        }
    }

    /// Counts one more, or refuses it.
    pub(crate) fn count(&self, act: &Act) -> Result<(), Problem> {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let number = act.at.get() / MINUTE_MS;
        if minute.number != number {
            *minute = Minute {
                number,
                seen: HashMap::new(),
            };
        }
        let seen = minute.seen.entry(act.actor.clone()).or_default();
        if *seen >= self.max {
            let wait_ms = MINUTE_MS - act.at.get() % MINUTE_MS;
            return Err(Problem::too_many_attempts(wait_ms.div_ceil(1000)));
        }
        *seen += 1;
        Ok(())
    }
}
