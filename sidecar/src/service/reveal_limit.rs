//! How many values one caller may see in a minute: copying a few is work, copying all is a theft.
//!
//! Does not know who may see a value. Invariant: a refusal says when to come again; the memory is
//! bounded by the callers of one minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::act::Act;
use crate::domain::audit::Actor;
use crate::http::problem::Problem;

/// Values that one caller may see in one minute.
pub(crate) const REVEALS_MAX: u32 = 30;
const MINUTE_MS: u64 = 60_000;

/// The reveals of the running minute. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct RevealLimit(Arc<Mutex<Minute>>);

#[derive(Debug, Default)]
struct Minute {
    number: u64,
    seen: HashMap<Actor, u32>,
}

impl RevealLimit {
    /// Counts one more, or refuses it.
    pub(crate) fn count(&self, act: &Act) -> Result<(), Problem> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = act.at.get() / MINUTE_MS;
        if minute.number != number {
            *minute = Minute {
                number,
                seen: HashMap::new(),
            };
        }
        let seen = minute.seen.entry(act.actor.clone()).or_default();
        if *seen >= REVEALS_MAX {
            let wait_ms = MINUTE_MS - act.at.get() % MINUTE_MS;
            return Err(Problem::too_many_attempts(wait_ms.div_ceil(1000)));
        }
        *seen += 1;
        Ok(())
    }
}
