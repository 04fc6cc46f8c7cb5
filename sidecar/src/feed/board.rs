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
use crate::domain::envoy::{AgentId, Introduction, KnownEnvoy, Word};
use crate::domain::region::RegionId;
use crate::feed::fleet::{Arrival, Awaited, Dismissal, Fleet, Moment, Progress, Sighting};

/// How often a waiting change looks whether somebody is lost, or a lease has run out.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

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
    who: Introduction,
}

/// How a change waits for Envoys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// For how long at most.
    pub timeout: Duration,
    /// For whom.
    pub awaited: Awaited,
}

impl Board {
    /// A board with the Envoys that an earlier process knew, at the `newest` generation.
    pub fn new(clock: Arc<dyn Clock>, known: Vec<KnownEnvoy>, newest: Generation) -> Self {
        let now = Moment {
            instant: Instant::now(),
            wall: clock.now(),
        };
        Self(Arc::new(Inner {
            clock,
            fleet: Mutex::new(Fleet::remember(known, newest, now)),
            moved: watch::Sender::new(()),
            closing: AtomicBool::new(false),
        }))
    }

    /// Puts an agent's request on the board. From here on every change waits for this agent.
    pub fn arrive(&self, who: &Introduction, trouble: Option<Word>) -> (Presence, Arrival) {
        let now = self.moment();
        let arrival = self.fleet().arrive(who, trouble, now);
        self.0.moved.send_replace(());
        let presence = Presence {
            board: self.clone(),
            who: who.clone(),
        };
        (presence, arrival)
    }

    /// Waits until every awaited Envoy of the region has `generation` in force; then says how far
    /// it is.
    pub async fn settle(
        &self,
        region: &RegionId,
        generation: Generation,
        waiting: Waiting,
    ) -> Progress {
        self.fleet().publish(generation, Instant::now());
        let deadline = tokio::time::Instant::now() + waiting.timeout;
        let mut moved = self.0.moved.subscribe();
        loop {
            moved.mark_unchanged();
            let now = Instant::now();
            let settled = self
                .fleet()
                .is_settled(region, generation, waiting.awaited, now);
            if settled || self.is_closing() || tokio::time::Instant::now() >= deadline {
                return self.fleet().progress(region, generation, now);
            }
            let look = tokio::time::Instant::now() + LOOK_INTERVAL;
            let _ = timeout_at(look.min(deadline), moved.changed()).await;
        }
    }

    /// Takes an Envoy off the board of which an operator knows that it is gone.
    pub fn dismiss(&self, region: &RegionId, agent: &AgentId) -> Dismissal {
        let dismissal = self.fleet().dismiss(region, agent, Instant::now());
        self.0.moved.send_replace(());
        dismissal
    }

    /// What a later process has to know of the Envoys.
    pub fn known(&self) -> Vec<KnownEnvoy> {
        self.fleet().known(Instant::now())
    }

    fn moment(&self) -> Moment {
        Moment {
            instant: Instant::now(),
            wall: self.0.clock.now(),
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
        fleet.acknowledge(&self.who, generation);
        drop(fleet);
        self.board.0.moved.send_replace(());
    }
}

// === impl Presence ===

impl Drop for Presence {
    fn drop(&mut self) {
        let mut fleet = self.board.fleet();
        fleet.leave(&self.who, Instant::now());
        drop(fleet);
        self.board.0.moved.send_replace(());
    }
}
