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
const REQUESTS_MAX: usize = 120_000;
/// From how many on it is worth to look for those whose time is over.
const SWEEP_MIN: usize = 1_024;

/// The memory.
#[derive(Debug, Default)]
pub(crate) struct ReplayCache(Mutex<HashMap<String, SignedRequests>>);

/// What one access key has sent.
#[derive(Debug)]
struct SignedRequests {
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
pub(crate) struct SignedRequest<'a> {
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

impl ReplayCache {
    /// Remembers a request, or refuses it.
    pub(crate) fn remember(&self, request: &SignedRequest<'_>) -> Result<(), Replay> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !keys.contains_key(request.secret_id) {
            keys.retain(|_, requests| {
                requests.sweep(request.now_ms);
                !requests.seen.is_empty()
            });
            keys.insert(request.secret_id.into(), SignedRequests::default());
        }
        match keys.get_mut(request.secret_id) {
            Some(requests) => requests.remember(request),
            None => Err(Replay::Full),
        }
    }
}

impl SignedRequests {
    fn remember(&mut self, request: &SignedRequest<'_>) -> Result<(), Replay> {
        let bit = 1_u32 << (request.action as u32);
        if let Some(seen) = self.seen.get_mut(&request.fingerprint) {
            let is_twin = request.now_ms.abs_diff(seen.first_ms) <= TWINS_MS;
            if seen.actions & bit != 0 || !is_twin {
                return Err(Replay::Repeated);
            }
            seen.actions |= bit;
            return Ok(());
        }
        if self.seen.len() >= self.sweep_at {
            self.sweep(request.now_ms);
        }
        if self.seen.len() >= REQUESTS_MAX {
            return Err(Replay::Full);
        }
        let seen = Seen {
            actions: bit,
            first_ms: request.now_ms,
            signed_s: request.signed_s,
        };
        self.seen.insert(request.fingerprint, seen);
        Ok(())
    }

    /// Forgets what would be refused for its age anyway.
    fn sweep(&mut self, now_ms: u64) {
        let over = |seen: &Seen| seen.signed_s.saturating_add(SKEW_S + 1) < now_ms / 1000;
        self.seen.retain(|_, seen| !over(seen));
        self.sweep_at = SWEEP_MIN.max(self.seen.len() * 2);
    }
}

// === impl SignedRequests ===

impl Default for SignedRequests {
    fn default() -> Self {
        Self {
            seen: HashMap::new(),
            sweep_at: SWEEP_MIN,
        }
    }
}

#[cfg(test)]
mod tests;
