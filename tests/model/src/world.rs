//! The world: two Envoys, a sidecar, what is between them, and what may happen next.
//!
//! Invariants that a check looks for are in [`World::fault`]. Requests have normal numbers and no
//! counters, so that a world that has come back to where it was is the same world.

use keytable::Generation;

use crate::envoy::{Content, Envoy, LEASE_S};
use crate::history::KEYS;
use crate::side::{Asked, Side};

/// How many Envoys there are.
pub(crate) const ENVOYS: usize = 2;
/// A step of the clock, in milliseconds: two of them are the lease.
const TICK_MS: u64 = LEASE_S * 500;
/// How much less the slow clock shows after a step.
const DRIFT_MS: u64 = TICK_MS / 1000;
/// Messages of one kind that one Envoy may have under way.
const UNDER_WAY_MAX: usize = 2;

/// The number of a request whose agent is dead.
const NOBODYS: u32 = 0;

/// How much may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Changes: a key loses its right, or gets it back.
    pub changes: u8,
    /// Messages that are lost or come twice, answers that fail, processes that are killed.
    pub faults: u8,
    /// Steps of the clock.
    pub ticks: u8,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct World {
    left: Bounds,
    ticks: u8,
    side: Side,
    envoys: [Envoy; ENVOYS],
    wires: [Wire; ENVOYS],
    keys: [Known; KEYS],
}

/// What is under way between one Envoy and the sidecar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Wire {
    requests: Vec<Asked>,
    held: Vec<Asked>,
    answers: Vec<(u32, Content)>,
}

/// What a caller knows of a key that lost its right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Known {
    /// With which generation, and when.
    lost: Option<(Generation, u8)>,
    /// Whether the change was answered with `applied == envoys`.
    is_proved: bool,
}

/// What may happen next. `e`: an Envoy; the second number: which of its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key loses its right or gets it back.
    Change(usize),
    /// The agent sends a request that is due.
    Ask(usize),
    /// A request arrives.
    Arrive(usize, usize),
    /// The same, and it will arrive once more.
    ArriveTwice(usize, usize),
    /// A request is lost.
    LoseRequest(usize, usize),
    /// The wait of a held request is over.
    Heartbeat(usize, usize),
    /// The connection of a held request breaks, and both sides notice.
    Break(usize, usize),
    /// An answer arrives.
    Take(usize, usize),
    /// The same, and it will arrive once more.
    TakeTwice(usize, usize),
    /// An answer is lost.
    LoseAnswer(usize, usize),
    /// The sidecar is killed and started again.
    KillSidecar,
    /// The same, from a copy from before the last change.
    Restore,
    /// An Envoy is killed and started again.
    KillEnvoy(usize),
    /// Time passes.
    Tick,
}

impl World {
    /// Both Envoys have the first table and wait for news.
    pub fn new(bounds: Bounds) -> Self {
        let mut world = Self {
            left: bounds,
            ticks: 0,
            side: Side::new(),
            envoys: [Envoy::new(0, 0), Envoy::new(1, 0)],
            wires: [Wire::default(), Wire::default()],
            keys: [Known::default(); KEYS],
        };
        world.calm();
        world
    }

    /// What goes on without a fault until nothing more happens: requests arrive, answers arrive.
    fn calm(&mut self) {
        for e in 0..ENVOYS {
            for _ in 0..12 {
                self.ask(e);
                while !self.wires[e].requests.is_empty() {
                    self.arrive(e, 0, false);
                }
                while !self.wires[e].answers.is_empty() {
                    self.take(e, 0, false);
                }
            }
        }
    }

    /// Everything that may happen next.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.left.changes > 0 {
            steps.extend((0..KEYS).map(Step::Change));
        }
        if self.left.ticks > 0 {
            steps.push(Step::Tick);
        }
        let may_fail = self.left.faults > 0;
        if may_fail {
            steps.extend([Step::KillSidecar, Step::Restore]);
            steps.extend((0..ENVOYS).map(Step::KillEnvoy));
        }
        for e in 0..ENVOYS {
            self.steps_of(e, may_fail, &mut steps);
        }
        steps
    }

    fn steps_of(&self, e: usize, may_fail: bool, steps: &mut Vec<Step>) {
        let wire = &self.wires[e];
        steps.push(Step::Ask(e));
        for i in 0..wire.requests.len() {
            steps.push(Step::Arrive(e, i));
            if may_fail {
                steps.extend([Step::ArriveTwice(e, i), Step::LoseRequest(e, i)]);
            }
        }
        for i in 0..wire.held.len() {
            steps.push(Step::Heartbeat(e, i));
            if may_fail {
                steps.push(Step::Break(e, i));
            }
        }
        for i in 0..wire.answers.len() {
            steps.push(Step::Take(e, i));
            if may_fail {
                steps.extend([Step::TakeTwice(e, i), Step::LoseAnswer(e, i)]);
            }
        }
    }

    /// Does a step; `None` if it changes nothing or leads out of the bounds.
    pub fn after(&self, step: Step) -> Option<Self> {
        let mut next = self.clone();
        next.spend(step);
        match step {
            Step::Change(key) => next.change(key),
            Step::Ask(e) => next.ask(e),
            Step::Arrive(e, i) => next.arrive(e, i, false),
            Step::ArriveTwice(e, i) => next.arrive(e, i, true),
            Step::LoseRequest(e, i) => drop(next.wires[e].requests.remove(i)),
            Step::Heartbeat(e, i) => next.end_wait(e, i),
            Step::Break(e, i) => next.break_off(e, i),
            Step::Take(e, i) => next.take(e, i, false),
            Step::TakeTwice(e, i) => next.take(e, i, true),
            Step::LoseAnswer(e, i) => drop(next.wires[e].answers.remove(i)),
            Step::KillSidecar => next.kill_sidecar(),
            Step::Restore => next.restore(),
            Step::KillEnvoy(e) => next.kill_envoy(e),
            Step::Tick => next.ticks += 1,
        }
        next.notice();
        let crowded = |wire: &Wire| {
            let most = wire
                .requests
                .len()
                .max(wire.held.len())
                .max(wire.answers.len());
            most > UNDER_WAY_MAX
        };
        (next != *self && !next.wires.iter().any(crowded)).then_some(next)
    }

    fn spend(&mut self, step: Step) {
        match step {
            Step::Change(_) => self.left.changes -= 1,
            Step::Tick => self.left.ticks -= 1,
            Step::Ask(_) | Step::Arrive(..) | Step::Heartbeat(..) | Step::Take(..) => {}
            _ => self.left.faults -= 1,
        }
    }

    fn change(&mut self, key: usize) {
        self.side.history.change(key);
        let granted = self.side.history.now()[key];
        self.keys[key] = Known {
            lost: (!granted).then(|| (self.side.history.newest(), self.ticks)),
            is_proved: false,
        };
        for e in 0..ENVOYS {
            self.wake(e);
        }
    }

    fn wake(&mut self, e: usize) {
        for asked in std::mem::take(&mut self.wires[e].held) {
            match self.side.look(&asked.path, self.now_ms()) {
                Some(content) => self.wires[e].answers.push((asked.token, content)),
                None => self.wires[e].held.push(asked),
            }
        }
    }

    fn ask(&mut self, e: usize) {
        let (token, now_ms) = (self.free_token(e), self.clock_ms(e));
        if let Some(request) = self.envoys[e].ask(token, now_ms) {
            let path = without_counter(&request.path);
            self.wires[e].requests.push(Asked { token, path });
        }
    }

    fn arrive(&mut self, e: usize, i: usize, again: bool) {
        let asked = self.wires[e].requests.remove(i);
        if again {
            self.wires[e].requests.push(asked.clone());
        }
        match self.side.arrive(&asked.path, self.now_ms()) {
            Some(content) => self.wires[e].answers.push((asked.token, content)),
            None => self.wires[e].held.push(asked),
        }
    }

    fn end_wait(&mut self, e: usize, i: usize) {
        let asked = self.wires[e].held.remove(i);
        let content = self.side.heartbeat(&asked.path, self.now_ms());
        self.wires[e].answers.push((asked.token, content));
    }

    fn break_off(&mut self, e: usize, i: usize) {
        let asked = self.wires[e].held.remove(i);
        self.side.hang_up(&asked.path, self.now_ms());
        self.wires[e].answers.push((asked.token, Content::Failed));
    }

    /// The agent takes an answer and asks on at once, as it does.
    fn take(&mut self, e: usize, i: usize, again: bool) {
        let (token, content) = self.wires[e].answers.remove(i);
        if again {
            self.wires[e].answers.push((token, content));
        }
        let now_ms = self.clock_ms(e);
        self.envoys[e].take(&self.side.history, token, content, now_ms);
        self.ask(e);
    }

    fn kill_sidecar(&mut self) {
        self.side.restart(self.now_ms());
        for wire in &mut self.wires {
            let broken = wire
                .held
                .drain(..)
                .map(|asked| (asked.token, Content::Failed));
            wire.answers.extend(broken);
        }
    }

    /// A key that may call again by the copy has its right back; one that may not has lost it in
    /// this history too, with a generation of its own.
    fn restore(&mut self) {
        self.side.history.restore();
        let (now, newest) = (self.side.history.now(), self.side.history.newest());
        for (known, granted) in self.keys.iter_mut().zip(now) {
            match &mut known.lost {
                _ if granted => *known = Known::default(),
                Some((generation, _)) => *generation = newest,
                None => known.lost = Some((newest, self.ticks)),
            }
        }
        self.kill_sidecar();
    }

    /// What it had asked may still arrive; answers to it do not.
    fn kill_envoy(&mut self, e: usize) {
        let start = self.envoys[e].start + 1;
        self.envoys[e] = Envoy::new(e, start);
        self.wires[e].answers.clear();
        for asked in &mut self.wires[e].requests {
            asked.token = NOBODYS;
        }
        for asked in std::mem::take(&mut self.wires[e].held) {
            self.side.hang_up(&asked.path, self.now_ms());
        }
        self.ask(e);
    }

    /// A caller learns that its change is applied, as soon as it could.
    fn notice(&mut self) {
        let now_ms = self.now_ms();
        for known in &mut self.keys {
            if let Some((generation, _)) = known.lost {
                known.is_proved |= self.side.is_applied(generation, now_ms);
            }
        }
    }

    /// The smallest number that nothing under way has.
    fn free_token(&self, e: usize) -> u32 {
        let wire = &self.wires[e];
        let asked = wire
            .requests
            .iter()
            .chain(&wire.held)
            .map(|asked| asked.token);
        let used: Vec<u32> = asked
            .chain(wire.answers.iter().map(|(token, _)| *token))
            .collect();
        (1..).find(|token| !used.contains(token)).unwrap()
    }

    /// The sidecar's clock.
    fn now_ms(&self) -> u64 {
        u64::from(self.ticks) * TICK_MS
    }

    /// The clock of an Envoy: that of the first one is slow.
    fn clock_ms(&self, e: usize) -> u64 {
        let drift_ms = if e == 0 { DRIFT_MS } else { 0 };
        self.now_ms() - u64::from(self.ticks) * drift_ms
    }

    /// What must never be, if it is.
    pub fn fault(&self) -> Option<&'static str> {
        for (e, envoy) in self.envoys.iter().enumerate() {
            for (key, known) in self.keys.iter().enumerate() {
                let permits = envoy.permits(key, self.clock_ms(e));
                let since = known.lost.map(|(_, since)| self.ticks - since);
                if permits && known.is_proved {
                    return Some("a permit after the answer that said applied");
                }
                if permits && since.is_some_and(|ticks| ticks > 2) {
                    return Some("a permit after the lease");
                }
            }
        }
        None
    }

    /// Whether nothing is left that could still disturb it, and nothing is under way. Every world
    /// without disturbance comes to such a one.
    pub fn is_calm(&self) -> bool {
        let quiet = |wire: &Wire| wire.requests.is_empty() && wire.answers.is_empty();
        self.left.changes == 0 && self.left.faults == 0 && self.wires.iter().all(quiet)
    }

    /// Whether both Envoys come to the newest table, keys that may call are let pass, and nobody is
    /// pending, once faults stop. That takes a lease: a request of a dead agent that came late looks
    /// like a second Envoy of its name.
    pub fn converges(&self) -> bool {
        let mut world = self.clone();
        for _ in 0..4 {
            world.ticks += 1;
            world.calm();
            for e in 0..ENVOYS {
                for i in (0..world.wires[e].held.len()).rev() {
                    world.end_wait(e, i);
                }
            }
            world.calm();
        }
        let table = world.side.history.now();
        let newest = world.side.history.newest();
        let current = |(e, envoy): (usize, &Envoy)| {
            let now_ms = world.clock_ms(e);
            (0..KEYS).all(|key| envoy.permits(key, now_ms) == table[key])
        };
        world.envoys.iter().enumerate().all(current)
            && world.side.is_applied(newest, world.now_ms())
    }
}

/// The counter makes each URL another one, and nobody looks at it.
fn without_counter(path: &str) -> String {
    let parts = path.split('&').filter(|part| !part.starts_with("request="));
    parts.collect::<Vec<_>>().join("&")
}
