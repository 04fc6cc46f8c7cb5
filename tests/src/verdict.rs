//! What a load was told and what the upstream got, held against what was promised of keys.
//!
//! Does not make load. Invariant: a request is judged by times of one clock, and only where they
//! leave no doubt: one that was under way when something changed may come out either way.

use std::collections::{HashMap, HashSet};
use std::time::{Instant, SystemTime};

use envoy::Recorded;

use crate::load::Told;

/// A time during which something was so.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Its begin.
    pub from: Instant,
    /// Its end.
    pub until: Instant,
}

impl Span {
    /// From a moment up to now.
    pub fn since(from: Instant) -> Self {
        Self {
            from,
            until: Instant::now(),
        }
    }

    /// The requests that began and ended in it.
    pub fn of(self, told: &[Told]) -> impl Iterator<Item = &Told> {
        let is_within = move |told: &&Told| told.begun > self.from && told.ended < self.until;
        told.iter().filter(is_within)
    }
}

/// When a time of day is, by the clock that requests are judged by: as exactly as the two clocks
/// can be read at once.
pub fn of_the_other_clock(at: SystemTime) -> Span {
    let before = Instant::now();
    let now = SystemTime::now();
    let after = Instant::now();
    let moved = |from: Instant| match at.duration_since(now) {
        Ok(ahead) => from + ahead,
        Err(behind) => from - behind.duration(),
    };
    Span {
        from: moved(before),
        until: moved(after),
    }
}

/// The requests that began after their key had died and that were passed on all the same: as the
/// client was told, or as the upstream has recorded.
pub fn passed_when_dead(
    dead: &HashMap<String, Instant>,
    told: &[Told],
    recorded: &[Recorded],
) -> Vec<String> {
    let is_dead = |told: &Told| dead.get(&told.key).is_some_and(|at| told.begun > *at);
    passed(told.iter().filter(|told| is_dead(told)), recorded)
}

/// Those of these requests that were passed on.
pub fn passed<'a>(told: impl Iterator<Item = &'a Told>, recorded: &[Recorded]) -> Vec<String> {
    let recorded: HashSet<&str> = recorded
        .iter()
        .filter_map(|request| request.header("x-load"))
        .collect();
    told.filter(|told| told.status == 200 || recorded.contains(told.name.as_str()))
        .map(|told| told.name.clone())
        .collect()
}

/// The requests of a good key in a time when it is to be served, and what they were told instead.
pub fn not_served(key: &str, told: &[Told], span: Span) -> Vec<(String, u16)> {
    span.of(told)
        .filter(|told| told.key == key && told.status != 200)
        .map(|told| (told.name.clone(), told.status))
        .collect()
}
