//! The world: two Envoys, a sidecar, what is between them, and what comes of each step.
//!
//! Invariants that a check looks for are in [`World::fault`]. An agent asks as soon as it may: a request
//! that is not delivered yet is as good as one not sent. Requests have normal numbers and no counters, so
//! that a world that has come back to where it was is the same world.

use keytable::Generation;

use crate::envoy::{Content, Envoy, LEASE_S};
use crate::history::KEYS;
use crate::side::{Asked, Side};
use crate::step::{Place, Step};

/// How many Envoys there are.
pub(crate) const ENVOYS: usize = 2;
/// A step of the clock, in milliseconds: a lease.
const TICK_MS: u64 = LEASE_S * 1000;
/// How much less than that the clocks of Envoys show: as much as they may be slow.
const DRIFT_MS: u64 = TICK_MS / 1000;
/// The number of a request whose agent is dead.
const NOBODYS: u32 = 0;

/// How much may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Changes: a key loses its right, or gets it back.
    pub changes: u8,
    /// Messages that are lost, late or come twice; processes that are killed or started again.
    pub faults: u8,
    /// Leases that pass.
    pub ticks: u8,
    /// How the second Envoy is.
    pub second: Second,
}

/// How the second Envoy is, while anything may happen to the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Second {
    /// As the first one.
    Alike,
    /// Nothing of it is ever late. A proof needs both, so whatever the first one does wrong shows soonest
    /// beside one that does everything at once; as long as neither touches what is known of the other.
    Prompt,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct World {
    left: Bounds,
    ticks: u8,
    /// Whether a fault has told one Envoy from the other.
    told_apart: bool,
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

impl Known {
    /// From then on it does not matter which change that was, and when.
    const PROVED: Self = Self {
        lost: Some((Generation::new(0), 0)),
        is_proved: true,
    };
}

impl World {
    /// Both Envoys have the first table and wait for news.
    pub fn new(bounds: Bounds) -> Self {
        let mut world = Self {
            left: bounds,
            ticks: 0,
            told_apart: false,
            side: Side::new(),
            envoys: [Envoy::new(0, 0), Envoy::new(1, 0)],
            wires: [Wire::default(), Wire::default()],
            keys: [Known::default(); KEYS],
        };
        for e in 0..ENVOYS {
            world.ask(e);
        }
        world.calm();
        world
    }

    /// What goes on without a fault until nothing more happens.
    fn calm(&mut self) {
        (0..ENVOYS).for_each(|e| self.hurry(e));
    }

    /// All requests of an Envoy arrive, and all answers to them.
    fn hurry(&mut self, e: usize) {
        for _ in 0..12 {
            while !self.wires[e].requests.is_empty() {
                self.arrive(e, 0, false);
            }
            while !self.wires[e].answers.is_empty() {
                self.take(e, 0, false);
            }
        }
    }

    /// Everything that may happen next. Since both Envoys are alike, the first fault that tells them
    /// apart is the first one's: what happens with the other one's is the same with their names exchanged.
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
            steps.extend([Step::KillSidecar, Step::RestartSidecar, Step::Restore]);
        }
        for e in 0..ENVOYS {
            self.steps_of(e, &mut steps);
            if may_fail && (e == 0 || self.may_fail_too()) {
                self.faults_of(e, &mut steps);
            }
        }
        steps
    }

    fn may_fail_too(&self) -> bool {
        self.told_apart && self.left.second == Second::Alike
    }

    fn steps_of(&self, e: usize, steps: &mut Vec<Step>) {
        let wire = &self.wires[e];
        steps.extend((0..wire.requests.len()).map(|i| Step::Arrive(e, i)));
        steps.extend((0..wire.held.len()).map(|i| Step::Heartbeat(e, i)));
        steps.extend((0..wire.answers.len()).map(|i| Step::Take(e, i)));
    }

    fn faults_of(&self, e: usize, steps: &mut Vec<Step>) {
        let wire = &self.wires[e];
        steps.extend([Step::KillEnvoy(e), Step::GiveUp(e)]);
        steps.extend((0..wire.requests.len()).map(|i| Step::ArriveTwice(e, i)));
        steps.extend((0..wire.answers.len()).map(|i| Step::TakeTwice(e, i)));
        for (place, messages) in [
            (Place::Request, wire.requests.len()),
            (Place::Held, wire.held.len()),
            (Place::Answer, wire.answers.len()),
        ] {
            steps.extend((0..messages).map(|i| Step::Lose(place, e, i)));
            if self.left.ticks > 0 {
                steps.extend((0..messages).map(|i| Step::Outlive(place, e, i)));
            }
        }
    }

    /// Does a step; `None` if it changes nothing.
    pub fn after(&self, step: Step) -> Option<Self> {
        let mut next = self.clone();
        next.spend(step);
        match step {
            Step::Change(key) => next.change(key),
            Step::Arrive(e, i) => next.arrive(e, i, false),
            Step::ArriveTwice(e, i) => next.arrive(e, i, true),
            Step::Heartbeat(e, i) => next.end_wait(e, i),
            Step::Take(e, i) => next.take(e, i, false),
            Step::TakeTwice(e, i) => next.take(e, i, true),
            Step::Lose(place, e, i) => next.lose(place, e, i),
            Step::GiveUp(e) => next.give_up(e, next.envoys[e].waits_for),
            Step::Tick => next.tick(None),
            Step::Outlive(place, e, i) => next.tick(Some((place, e, i))),
            Step::KillSidecar => next.kill_sidecar(),
            Step::RestartSidecar => next.restart_sidecar(),
            Step::Restore => next.restore(),
            Step::KillEnvoy(e) => next.kill_envoy(e),
        }
        if self.left.second == Second::Prompt {
            next.hurry(1);
        }
        next.settle();
        (next != *self).then_some(next)
    }

    /// The same world after each answer that nobody waits for any more has arrived, which is without
    /// effect, whenever it is.
    pub fn without_dead_letters(mut self) -> Self {
        for e in 0..ENVOYS {
            let open = self.envoys[e].waits_for;
            while let Some(i) = self.wires[e]
                .answers
                .iter()
                .position(|(token, _)| *token != open)
            {
                self.take(e, i, false);
            }
        }
        self
    }

    fn spend(&mut self, step: Step) {
        self.left.changes -= u8::from(matches!(step, Step::Change(_)));
        self.left.ticks -= u8::from(matches!(step, Step::Tick | Step::Outlive(..)));
        self.left.faults -= u8::from(step.is_fault());
        self.told_apart |= step.singles_out();
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
            match self.side.look(&asked.wanted, self.now_ms()) {
                Some(content) => self.wires[e].answers.push((asked.token, content)),
                None => self.wires[e].held.push(asked),
            }
        }
    }

    fn ask(&mut self, e: usize) {
        let (token, now_ms) = (self.free_token(e), self.clock_ms(e));
        if let Some(request) = self.envoys[e].ask(token, now_ms) {
            self.wires[e]
                .requests
                .push(Asked::new(token, &request.path));
        }
    }

    fn arrive(&mut self, e: usize, i: usize, again: bool) {
        let asked = self.wires[e].requests.remove(i);
        if again {
            self.wires[e].requests.push(asked.clone());
        }
        match self.side.arrive(&asked.wanted, self.now_ms()) {
            Some(content) => self.wires[e].answers.push((asked.token, content)),
            None => self.wires[e].held.push(asked),
        }
    }

    fn end_wait(&mut self, e: usize, i: usize) {
        let asked = self.wires[e].held.remove(i);
        let content = self.side.heartbeat(&asked.wanted, self.now_ms());
        self.wires[e].answers.push((asked.token, content));
    }

    fn take(&mut self, e: usize, i: usize, again: bool) {
        let (token, content) = self.wires[e].answers.remove(i);
        if again {
            self.wires[e].answers.push((token, content));
        }
        let now_ms = self.clock_ms(e);
        self.envoys[e].take(&self.side.history, token, content, now_ms);
        self.ask(e);
    }

    fn lose(&mut self, place: Place, e: usize, i: usize) {
        let wire = &mut self.wires[e];
        let token = match place {
            Place::Request => wire.requests.remove(i).token,
            Place::Answer => wire.answers.remove(i).0,
            Place::Held => {
                let asked = wire.held.remove(i);
                self.side.hang_up(&asked.wanted, self.now_ms());
                asked.token
            }
        };
        self.give_up(e, token);
    }

    /// The agent hears that its request has failed.
    fn give_up(&mut self, e: usize, token: u32) {
        let now_ms = self.clock_ms(e);
        self.envoys[e].take(&self.side.history, token, Content::Failed, now_ms);
        self.ask(e);
    }

    /// Time passes. An agent asks again unless its request, or the answer to it, is what outlives that.
    fn tick(&mut self, spared: Option<(Place, usize, usize)>) {
        for e in 0..ENVOYS {
            let spares = |place| {
                spared
                    .filter(|it| (it.0, it.1) == (place, e))
                    .map(|it| it.2)
            };
            let wire = &mut self.wires[e];
            keep_only(&mut wire.requests, spares(Place::Request));
            keep_only(&mut wire.answers, spares(Place::Answer));
            let kept = spares(Place::Held);
            for asked in keep_only(&mut wire.held, kept) {
                self.side.hang_up(&asked.wanted, self.now_ms());
            }
        }
        self.ticks += 1;
        for e in 0..ENVOYS {
            let open = self.envoys[e].waits_for;
            if !self.wires[e].tokens().any(|token| token == open) {
                self.ask(e);
            }
        }
    }

    fn kill_sidecar(&mut self) {
        self.side.kill(self.now_ms());
        self.break_off();
    }

    fn restart_sidecar(&mut self) {
        self.side.restart(self.now_ms());
        self.break_off();
    }

    fn break_off(&mut self) {
        for e in 0..ENVOYS {
            for asked in std::mem::take(&mut self.wires[e].held) {
                self.give_up(e, asked.token);
            }
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
            self.side.hang_up(&asked.wanted, self.now_ms());
        }
        self.ask(e);
    }

    /// A caller learns that its change is applied, as soon as it could; and messages, of which any may
    /// be the next, are put in order.
    fn settle(&mut self) {
        let now_ms = self.now_ms();
        self.forget();
        for known in &mut self.keys {
            let Some((generation, _)) = known.lost else {
                continue;
            };
            if known.is_proved || self.side.is_applied(generation, now_ms) {
                *known = Known::PROVED;
            }
        }
        for wire in &mut self.wires {
            wire.requests.sort_by_key(|asked| asked.token);
            wire.answers.sort_by_key(|(token, _)| *token);
        }
    }

    /// What was before anything that somebody has or is told will never be told again.
    fn forget(&mut self) {
        let envoys = self.envoys.iter().flat_map(Envoy::needs);
        let wires = self.wires.iter().flat_map(Wire::needs);
        let needed: Vec<_> = envoys.chain(wires).collect();
        self.side.forget(&needed);
    }

    /// The smallest number that nothing under way has.
    fn free_token(&self, e: usize) -> u32 {
        let used: Vec<u32> = self.wires[e].tokens().collect();
        (1..).find(|token| !used.contains(token)).unwrap()
    }

    /// The sidecar's clock.
    fn now_ms(&self) -> u64 {
        u64::from(self.ticks) * TICK_MS
    }

    /// The clock of an Envoy is slow. A better one only ends leases earlier.
    fn clock_ms(&self, _e: usize) -> u64 {
        u64::from(self.ticks) * (TICK_MS - DRIFT_MS)
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
                if permits && since.is_some_and(|ticks| ticks > 1) {
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
        world.calm();
        for _ in 0..3 {
            world.tick(None);
            world.calm();
            for e in 0..ENVOYS {
                (0..world.wires[e].held.len()).for_each(|_| world.end_wait(e, 0));
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

// === impl Wire ===

impl Wire {
    /// The numbers of all that is under way.
    fn tokens(&self) -> impl Iterator<Item = u32> {
        let asked = self
            .requests
            .iter()
            .chain(&self.held)
            .map(|asked| asked.token);
        asked.chain(self.answers.iter().map(|(token, _)| *token))
    }

    /// The tables of which messages tell.
    fn needs(&self) -> impl Iterator<Item = Generation> {
        let asked = self.requests.iter().chain(&self.held);
        let asked = asked.filter_map(|asked| asked.wanted.needs());
        asked.chain(
            self.answers
                .iter()
                .filter_map(|(_, content)| content.needs()),
        )
    }
}

/// Leaves one of these, or none; gives the others.
fn keep_only<T>(all: &mut Vec<T>, kept: Option<usize>) -> Vec<T> {
    let kept = kept.map(|i| all.remove(i));
    std::mem::replace(all, kept.into_iter().collect())
}
