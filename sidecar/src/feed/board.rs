//! The board: the fleet, shared between the requests that change it and those that wait for it.
//!
//! Does not know HTTP. Invariant: whoever waits is woken after every change of the fleet, and a
//! [`Presence`] that goes, for whatever reason, is taken off the board.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use keytable::Generation;
use tokio::sync::watch;
use tokio::time::timeout_at;

use crate::domain::clock::{Clock, UnixMillis};
use crate::domain::region::RegionId;
use crate::feed::fleet::{AgentId, Fleet, NodeName, Progress, Sighting};

/// The shared fleet. Clones share it.
#[derive(Clone, Debug)]
pub struct Board(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    fleet: Mutex<Fleet>,
    moved: watch::Sender<()>,
    closing: AtomicBool,
}

/// An open request of one agent.
#[derive(Debug)]
pub struct Presence {
    board: Board,
    region: RegionId,
    agent: AgentId,
}

impl Board {
    /// An empty board that tells the time by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            clock,
            fleet: Mutex::default(),
            moved: watch::Sender::new(()),
            closing: AtomicBool::new(false),
        }))
    }

    /// Puts an agent's request on the board. From here on every change waits for this agent.
    pub fn arrive(&self, region: &RegionId, agent: &AgentId, node: &NodeName) -> Presence {
        let heard_at = self.0.clock.now();
        self.fleet()
            .arrive(region, agent, node, Instant::now(), heard_at);
        self.0.moved.send_replace(());
        Presence {
            board: self.clone(),
            region: region.clone(),
            agent: agent.clone(),
        }
    }

    /// Waits, at most `patience`, until every live Envoy of the region has `generation` in force;
    /// then says how far it is.
    pub async fn settle(
        &self,
        region: &RegionId,
        generation: Generation,
        patience: Duration,
    ) -> Progress {
        let deadline = tokio::time::Instant::now() + patience;
        let mut moved = self.0.moved.subscribe();
        loop {
            moved.mark_unchanged();
            let progress = self.fleet().progress(region, generation, Instant::now());
            if progress.pending.is_empty() || self.is_closing() {
                return progress;
            }
            if timeout_at(deadline, moved.changed()).await.is_err() {
                return self.fleet().progress(region, generation, Instant::now());
            }
        }
    }

    /// Now, by the clock of the board.
    pub fn now(&self) -> UnixMillis {
        self.0.clock.now()
    }

    /// Every Envoy that is remembered.
    pub fn sightings(&self) -> Vec<Sighting> {
        self.fleet().sightings(Instant::now())
    }

    /// Ends all waiting, now and later: the process is about to stop.
    pub fn close(&self) {
        self.0.closing.store(true, Ordering::SeqCst);
        self.0.moved.send_replace(());
    }

    /// Whether the process is about to stop.
    pub fn is_closing(&self) -> bool {
        self.0.closing.load(Ordering::SeqCst)
    }

    /// A panic while the lock was held left whole members: each step writes plain fields.
    fn fleet(&self) -> MutexGuard<'_, Fleet> {
        self.0.fleet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Presence {
    /// Notes what the agent has in force.
    pub fn acknowledge(&self, generation: Option<Generation>) {
        let mut fleet = self.board.fleet();
        fleet.acknowledge(&self.region, &self.agent, generation);
        drop(fleet);
        self.board.0.moved.send_replace(());
    }
}

// === impl Presence ===

impl Drop for Presence {
    fn drop(&mut self) {
        let mut fleet = self.board.fleet();
        fleet.leave(&self.region, &self.agent, Instant::now());
        drop(fleet);
        self.board.0.moved.send_replace(());
    }
}
