//! What was received already: a signed request is carried out once.
//!
//! Official clients sign neither the action nor a number that is used once, and their time has
//! whole seconds: two calls of one second with equal bodies have equal signatures. So a signature
//! serves once for each action, and after [`TWINS_MS`] for none. Does not check signatures.
//! Invariant: nothing is forgotten before its time is over; a full memory refuses.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::tokenhub::action::Action;

/// How far a client's clock may be off, in seconds.
pub(crate) const SKEW_S: u64 = 300;
/// How long different actions may come with one signature, in milliseconds.
const TWINS_MS: u64 = 1_000;
/// Requests of one access key that are remembered: more than the rate allows within the skew.
const SHELF_MAX: usize = 120_000;
/// From how many on it is worth to look for those whose time is over.
const SWEEP_MIN: usize = 1_024;

/// The memory.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<HashMap<String, Shelf>>);

/// What one access key has sent.
#[derive(Debug)]
struct Shelf {
    seen: HashMap<[u8; 32], Seen>,
    sweep_at: usize,
}

#[derive(Debug)]
struct Seen {
    /// One bit for each action.
    actions: u32,
    first_ms: u64,
    signed_s: u64,
}

/// A request as it arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    /// Whose it is.
    pub(crate) secret_id: &'a str,
    /// A hash of the signature.
    pub(crate) fingerprint: [u8; 32],
    /// What it asks for.
    pub(crate) action: Action,
    /// When it says that it was signed, in seconds since 1970.
    pub(crate) signed_s: u64,
    /// Now, in milliseconds since 1970.
    pub(crate) now_ms: u64,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replay {
    /// It was received before.
    Repeated,
    /// The access key has sent more than can be remembered.
    Full,
}

impl Memory {
    /// Remembers a request, or refuses it.
    pub(crate) fn admit(&self, arrival: &Arrival<'_>) -> Result<(), Replay> {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !shelves.contains_key(arrival.secret_id) {
            shelves.retain(|_, shelf| {
                shelf.sweep(arrival.now_ms);
                !shelf.seen.is_empty()
            });
            shelves.insert(arrival.secret_id.into(), Shelf::default());
        }
        match shelves.get_mut(arrival.secret_id) {
            Some(shelf) => shelf.admit(arrival),
            None => Err(Replay::Full),
        }
    }
}

impl Shelf {
    fn admit(&mut self, arrival: &Arrival<'_>) -> Result<(), Replay> {
        let bit = 1_u32 << (arrival.action as u32);
        if let Some(seen) = self.seen.get_mut(&arrival.fingerprint) {
            let is_twin = arrival.now_ms.abs_diff(seen.first_ms) <= TWINS_MS;
            if seen.actions & bit != 0 || !is_twin {
                return Err(Replay::Repeated);
            }
            seen.actions |= bit;
            return Ok(());
        }
        if self.seen.len() >= self.sweep_at {
            self.sweep(arrival.now_ms);
        }
        if self.seen.len() >= SHELF_MAX {
            return Err(Replay::Full);
        }
        let seen = Seen {
            actions: bit,
            first_ms: arrival.now_ms,
            signed_s: arrival.signed_s,
        };
        self.seen.insert(arrival.fingerprint, seen);
        Ok(())
    }

    /// Forgets what would be refused for its age anyway.
    fn sweep(&mut self, now_ms: u64) {
        let over = |seen: &Seen| seen.signed_s.saturating_add(SKEW_S + 1) < now_ms / 1000;
        self.seen.retain(|_, seen| !over(seen));
        self.sweep_at = SWEEP_MIN.max(self.seen.len() * 2);
    }
}

// === impl Shelf ===

impl Default for Shelf {
    fn default() -> Self {
        Self {
            seen: HashMap::new(),
            sweep_at: SWEEP_MIN,
        }
    }
}

#[cfg(test)]
mod tests;
