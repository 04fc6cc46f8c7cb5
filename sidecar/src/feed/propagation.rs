//! How far a change has come: the part of an answer that says who has it in force.
//!
//! Invariant: it says no more than the Envoys themselves have said.

use keytable::Generation;
use serde::Serialize;

use crate::feed::fleet::PropagationState;

/// The `propagation` member of an answer.
#[derive(Debug, Serialize)]
pub struct Propagation {
    generation: u64,
    envoys: usize,
    applied: usize,
    pending: Vec<Pending>,
}

#[derive(Debug, Serialize)]
struct Pending {
    envoy: String,
    last_seen: String,
    /// `null`: without end.
    may_serve_until: Option<String>,
}

impl Propagation {
    /// The progress of `generation`.
    pub fn new(generation: Generation, progress: PropagationState) -> Self {
        let pending = progress.pending.into_iter().map(|laggard| Pending {
            envoy: laggard.node.to_string(),
            last_seen: laggard.heard_at.to_string(),
            may_serve_until: laggard.may_serve_until.map(|time| time.to_string()),
        });
        Self {
            generation: generation.get(),
            envoys: progress.envoys,
            applied: progress.applied,
            pending: pending.collect(),
        }
    }

    /// The same in one line, without the laggards' names.
    pub fn summary(&self) -> String {
        let (generation, envoys, applied) = (self.generation, self.envoys, self.applied);
        format!("generation={generation}; envoys={envoys}; applied={applied}")
    }
}
