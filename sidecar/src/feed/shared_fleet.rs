//! The fleet, shared between the requests that change it and those that wait for it.
//!
//! Does not know HTTP. A change that waits is woken once as many Envoys have it in force as it waits
//! for, and not by each of them; whatever else can end its wait it sees at its next look.
//!
//! Invariant: a change is answered after a look at the whole fleet, never after a count; and a
//! [`LongPoll`] that goes, for whatever reason, is noticed by the fleet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use keytable::Generation;
use tokio::sync::Notify;
use tokio::time::timeout_at;

use crate::domain::clock::{Clock, UnixMillis};
use crate::domain::envoy::{AgentId, Introduction, KnownEnvoy, Label, NodeName};
use crate::domain::region::RegionId;
use crate::feed::fleet::{
    Arrival, Awaited, Dismissal, Fleet, Moment, PropagationState, Sighting, Silence, Straying,
};
use crate::feed::position::AgentPosition;
use crate::telemetry::Line;

/// How often a waiting change looks whether somebody is lost or gone, or a lease has run out.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// The shared fleet. Clones share it.
#[derive(Clone, Debug)]
pub struct SharedFleet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    closing: AtomicBool,
}

#[derive(Debug)]
struct State {
    fleet: Fleet,
    /// The changes that wait, by a number of their own.
    waits: BTreeMap<u64, Waiter>,
    next_wait: u64,
}

/// A change that waits.
#[derive(Debug)]
struct Waiter {
    region: RegionId,
    generation: Generation,
    /// Envoys that did not have it at its last look, less those that have said since that they do.
    left: usize,
    wakeup: Arc<Notify>,
}

/// Keeps a waiting change among the others, until it goes.
#[derive(Debug)]
struct WaiterGuard<'b> {
    fleet: &'b SharedFleet,
    number: u64,
    wakeup: Arc<Notify>,
}

/// The long poll (hanging GET) of one agent.
#[derive(Debug)]
pub struct LongPoll {
    fleet: SharedFleet,
    who: Introduction,
}

/// How a change waits for Envoys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// For how long at most.
    pub timeout: Duration,
    /// For whom.
    pub awaited: Awaited,
}

impl SharedFleet {
    /// A fleet with the Envoys that an earlier process knew, at the `newest` generation.
    pub fn new(clock: Arc<dyn Clock>, known: Vec<KnownEnvoy>, newest: Generation) -> Self {
        let now = Moment {
            instant: Instant::now(),
            wall: clock.now(),
        };
        Self(Arc::new(Inner {
            clock,
            state: Mutex::new(State {
                fleet: Fleet::remember(known, newest, now),
                waits: BTreeMap::new(),
                next_wait: 0,
            }),
            closing: AtomicBool::new(false),
        }))
    }

    /// Takes an agent's request in. From here on every change waits for this agent.
    pub fn arrive(&self, who: &Introduction, trouble: Option<Label>) -> (LongPoll, Arrival) {
        let now = self.moment();
        let arrival = self.state().fleet.arrive(who, trouble, now);
        let poll = LongPoll {
            fleet: self.clone(),
            who: who.clone(),
        };
        (poll, arrival)
    }

    /// What an arrival gave as new is written down.
    pub fn wrote(&self, newcomer: &Introduction) {
        self.state().fleet.wrote(newcomer);
    }

    /// Waits until every awaited Envoy of the region has `generation` in force; then says how far
    /// it is.
    pub async fn settle(
        &self,
        region: &RegionId,
        generation: Generation,
        wait: Wait,
    ) -> PropagationState {
        let guard = self.enlist(region, generation);
        let deadline = tokio::time::Instant::now() + wait.timeout;
        loop {
            let left = self.count(&guard, wait.awaited);
            if left == 0 || self.is_closing() || tokio::time::Instant::now() >= deadline {
                let now = Instant::now();
                return self.state().fleet.progress(region, generation, now);
            }
            let look = tokio::time::Instant::now() + LOOK_INTERVAL;
            let _ = timeout_at(look.min(deadline), guard.wakeup.notified()).await;
        }
    }

    fn enlist(&self, region: &RegionId, generation: Generation) -> WaiterGuard<'_> {
        let mut state = self.state();
        state.fleet.publish(generation, Instant::now());
        let number = state.next_wait;
        state.next_wait += 1;
        let wakeup = Arc::new(Notify::new());
        let wait = Waiter {
            region: region.clone(),
            generation,
            left: 0,
            wakeup: Arc::clone(&wakeup),
        };
        state.waits.insert(number, wait);
        let fleet = self;
        WaiterGuard {
            fleet,
            number,
            wakeup,
        }
    }

    /// Looks at the whole fleet for one change: how many it still waits for.
    fn count(&self, guard: &WaiterGuard<'_>, awaited: Awaited) -> usize {
        let now = Instant::now();
        let State { fleet, waits, .. } = &mut *self.state();
        waits.get_mut(&guard.number).map_or(0, |wait| {
            wait.left = fleet.awaited(&wait.region, wait.generation, awaited, now);
            wait.left
        })
    }

    /// Takes an Envoy off the fleet of which an operator knows that it is gone.
    pub fn dismiss(&self, region: &RegionId, agent: &AgentId) -> Dismissal {
        self.state().fleet.dismiss(region, agent, Instant::now())
    }

    /// Whoever ends the Envoys of this name says that they will have stopped `within`; how many they are.
    pub fn end(&self, region: &RegionId, node: &NodeName, within: Duration) -> usize {
        let now = self.moment();
        self.state().fleet.end(region, node, now.plus(within))
    }

    /// What a later process has to know of the Envoys.
    pub fn known(&self) -> Vec<KnownEnvoy> {
        self.state().fleet.known(Instant::now())
    }

    /// Now, on both clocks.
    pub fn moment(&self) -> Moment {
        Moment {
            instant: Instant::now(),
            wall: self.0.clock.now(),
        }
    }

    /// Now, by the fleet's clock.
    pub fn now(&self) -> UnixMillis {
        self.0.clock.now()
    }

    /// Every agent of an Envoy that may serve.
    pub fn serving(&self) -> BTreeSet<AgentId> {
        self.state().fleet.serving_agents(Instant::now())
    }

    /// The Envoys of a region, or of all, that may serve and were not heard for so long.
    pub fn unheard(&self, region: Option<&RegionId>, silent_for: Duration) -> Vec<Silence> {
        self.state()
            .fleet
            .unheard(region, silent_for, Instant::now())
    }

    /// The Envoys of a region, or of all, that may serve and cannot keep limits.
    pub fn without_limits(&self, region: Option<&RegionId>) -> Vec<NodeName> {
        self.state().fleet.without_limits(region, Instant::now())
    }

    /// Every Envoy that is remembered.
    pub fn sightings(&self) -> Vec<Sighting> {
        self.state().fleet.sightings(Instant::now())
    }

    /// Ends all waiting, now and later: the process is about to stop.
    pub fn close(&self) {
        self.0.closing.store(true, Ordering::SeqCst);
        for wait in self.state().waits.values() {
            wait.wakeup.notify_one();
        }
    }

    /// Whether the process is about to stop.
    pub fn is_closing(&self) -> bool {
        self.0.closing.load(Ordering::SeqCst)
    }

    /// A panic while the lock was held left whole members: each step writes plain fields.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// An Envoy had `before` in force and has `after` now: who waited for that is told.
    fn tell(&mut self, region: &RegionId, before: Option<Generation>, after: Option<Generation>) {
        let reached = |wait: &&mut Waiter| {
            wait.region == *region
                && before.is_none_or(|before| before < wait.generation)
                && after.is_some_and(|after| after >= wait.generation)
        };
        for wait in self.waits.values_mut().filter(reached) {
            wait.left = wait.left.saturating_sub(1);
            if wait.left == 0 {
                wait.wakeup.notify_one();
            }
        }
    }
}

impl LongPoll {
    /// Notes whether the agent can keep limits.
    pub fn note_limits(&self, keeps_limits: bool) {
        let mut state = self.fleet.state();
        state.fleet.note_limits(&self.who, keeps_limits);
    }

    /// Notes that the agent is given a page of a snapshot.
    pub fn give_page(&self) {
        self.fleet.state().fleet.give_page(&self.who);
    }

    /// Notes what the agent has in force; whether it comes from another sidecar.
    pub fn acknowledge(&self, position: &AgentPosition) -> bool {
        let (who, after) = (&self.who, position.acknowledged);
        let wall = self.fleet.now();
        let mut state = self.fleet.state();
        let before = state.fleet.acknowledge(who, after);
        if before != after {
            state.tell(&who.region, before, after);
        }
        let straying = match position.is_foreign {
            true => state.fleet.stray(who, wall),
            false => Straying::Unknown,
        };
        drop(state);
        if straying == Straying::First {
            Line::error("an Envoy of this sidecar follows another one, too: stop one of them")
                .field("envoy", who.node.as_str())
                .field("region", who.region.as_str())
                .write();
        }
        straying != Straying::Unknown
    }
}

// === impl WaiterGuard ===

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        self.fleet.state().waits.remove(&self.number);
    }
}

// === impl LongPoll ===

impl Drop for LongPoll {
    fn drop(&mut self) {
        let mut state = self.fleet.state();
        state.fleet.leave(&self.who, Instant::now());
    }
}

#[cfg(test)]
mod tests;
