//! How far a change has come: the part of an answer that says who has it in force.
//!
//! Invariant: it says no more than the Envoys themselves have said.

use keytable::Generation;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::clock::UnixMillis;
use crate::feed::fleet::PropagationState;
use crate::http::shape::Shown;

/// How far a change has come.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Propagation {
    /// The generation of the key table that has the change
    generation: u64,
    /// How many Envoys serve the key's region, or still may
    envoys: usize,
    /// How many of them have the change in force
    applied: usize,
    /// Those that do not have it yet
    pending: Vec<Pending>,
}

/// An Envoy that does not have a change in force yet.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PendingEnvoy")]
struct Pending {
    /// Its name
    envoy: String,
    /// When it was last heard
    last_seen: Shown<UnixMillis>,
    /// Until when it may go on with what it has; null: without end
    may_serve_until: Option<Shown<UnixMillis>>,
}

impl Propagation {
    /// The progress of `generation`.
    pub fn new(generation: Generation, progress: PropagationState) -> Self {
        let pending = progress.pending.into_iter().map(|laggard| Pending {
            envoy: laggard.node.to_string(),
            last_seen: Shown(laggard.heard_at),
            may_serve_until: laggard.may_serve_until.map(Shown),
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
