//! How often an access key may call one action: 20 times in any second.
//!
//! Does not wait. Invariant: a refused call does not count; the memory is bounded by the access
//! keys that call within one second, times the actions.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::tokenhub::action::Action;

/// Calls within [`WINDOW`].
pub(crate) const CALLS_MAX: usize = 20;
const WINDOW: Duration = Duration::from_secs(1);
/// From how many counters on it is worth to look for idle ones.
const SWEEP_MIN: usize = 1_024;

/// The calls of the last second.
#[derive(Debug, Default)]
pub(crate) struct RateLimit(Mutex<HashMap<(String, Action), VecDeque<Instant>>>);

impl RateLimit {
    /// Counts a call, or says that it is one too many.
    pub(crate) fn count(&self, secret_id: &str, action: Action, now: Instant) -> bool {
        let mut rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < WINDOW;
        if rates.len() >= SWEEP_MIN {
            rates.retain(|_, calls| calls.back().is_some_and(is_recent));
        }
        let calls = rates.entry((secret_id.into(), action)).or_default();
        calls.retain(is_recent);
        let fits = calls.len() < CALLS_MAX;
        if fits {
            calls.push_back(now);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_calls_pass_in_any_second() {
        let (rates, start) = (RateLimit::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let passed = |from_ms, count: u64| {
            let calls = from_ms..from_ms + count;
            let passed = calls.filter(|ms| rates.count("AKID", Action::CreateApiKey, at(*ms)));
            passed.count()
        };
        assert_eq!(passed(0, 100), 20);
        assert_eq!(passed(999, 1), 0);
        assert_eq!(passed(1_000, 10), 10);
        assert!(rates.count("AKID", Action::DeleteApiKey, at(50)));
        assert!(rates.count("AKIDother", Action::CreateApiKey, at(50)));
    }

    #[test]
    fn idle_counters_are_dropped() {
        let (rates, start) = (RateLimit::default(), Instant::now());
        for number in 0..5_000 {
            let at = start + Duration::from_millis(number);
            rates.count(&format!("AKID{number}"), Action::CreateApiKey, at);
        }
        assert!(rates.0.lock().unwrap().len() <= SWEEP_MIN + 1);
    }
}
