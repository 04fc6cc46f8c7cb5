//! Envoys, a sidecar and a network that does what it likes: steps drawn from a seed.
//!
//! Invariant: a step is one that the product can do.

use std::collections::BTreeSet;

use keytable::{
    Amount, CounterId, ExpectedTokens, Limit, LimitSubject, Unit, Unmetered, UsageAnswer,
    UsageBatch, UtcOffset, WhenApart, Window,
};
use sidecar::store::Store;

use super::envoy::{Asked, End, Envoy, Fault};
use super::side::{Report, Side, Source};
use crate::support::Random;

const ENVOYS: u8 = 2;
const WORKERS: u8 = 2;
/// The agent's tick.
pub(crate) const TICK_MS: u64 = 50;
pub(crate) const HOUR_MS: u64 = 3_600_000;
/// 2026-01-01.
pub(crate) const BEGIN_MS: u64 = 1_767_225_600_000;
/// Key 1 has limits and its account has, too; of key 2 its account alone has.
pub(crate) const KEYS: [usize; 2] = [1, 2];

pub(crate) struct World {
    random: Random,
    pub(crate) now_ms: u64,
    pub(crate) side: Side,
    pub(crate) envoys: Vec<Envoy>,
    network: Vec<Message>,
    /// Batches that the sidecar has had, and those that it cannot read.
    arrived: BTreeSet<Vec<u8>>,
    unreadable: BTreeSet<Vec<u8>>,
    /// The next batch is one of them.
    pub(crate) refuses_next: bool,
    drawn: u8,
    pub(crate) admitted: u64,
    pub(crate) refused: u64,
    key_limits: Vec<Limit>,
    account_limits: Vec<Limit>,
}

#[derive(Clone)]
enum Message {
    Batch(Source, u32, Vec<u8>),
    Answer(Source, u32, UsageAnswer, Report),
}

pub(crate) fn limit(unit: Unit, window: Window, amount: u64) -> Limit {
    Limit {
        unit,
        window,
        amount: Amount::new(amount).unwrap(),
        expected: ExpectedTokens::new(50).unwrap(),
        when_apart: WhenApart::Serve,
        unmetered: Unmetered::Refuse,
    }
}

impl World {
    pub(crate) fn new(store: &Store, run: usize, seed: u64) -> Self {
        let day = Window::Day(UtcOffset::UTC);
        let key_limits = vec![
            limit(Unit::Tokens, day, 1_000),
            limit(Unit::Requests, Window::Lifetime, 60),
        ];
        let account_limits = vec![limit(Unit::Tokens, Window::Lifetime, 3_000)];
        Self::with(store, run, seed, key_limits, account_limits)
    }

    pub(crate) fn with(
        store: &Store,
        run: usize,
        seed: u64,
        key_limits: Vec<Limit>,
        account_limits: Vec<Limit>,
    ) -> Self {
        let mut world = Self {
            random: Random::new(seed),
            now_ms: BEGIN_MS + 7 * HOUR_MS,
            side: Side::new(store, run, BEGIN_MS),
            envoys: Vec::new(),
            network: Vec::new(),
            arrived: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            refuses_next: false,
            drawn: 0,
            admitted: 0,
            refused: 0,
            key_limits,
            account_limits,
        };
        world.side.add_key(1, &world.key_limits, BEGIN_MS);
        world.side.add_key(2, &[], BEGIN_MS);
        world.side.limit_account(&world.account_limits, BEGIN_MS);
        for _ in 0..ENVOYS {
            let envoy = world.new_envoy();
            world.envoys.push(envoy);
        }
        world
    }

    pub(crate) fn new_envoy(&mut self) -> Envoy {
        self.drawn += 1;
        let mut envoy = Envoy::new((self.side.run, self.drawn), WORKERS, self.now_ms);
        for _ in 0..40 {
            envoy.tick();
            envoy.follow(&mut self.side);
        }
        envoy
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.below(end)
    }

    fn up_to(&mut self, most: u64) -> u64 {
        self.random.next() % (most + 1)
    }

    /// One step, whichever.
    pub(crate) fn step(&mut self) -> Result<(), Fault> {
        let envoy = self.below(self.envoys.len());
        let worker = self.below(usize::from(WORKERS));
        match self.below(100) {
            0..30 => drop(self.ask(envoy, worker)?),
            30..55 => self.end_any(envoy, worker),
            55..85 => self.ticks(1 + worker, true),
            85..90 => self.ticks(20, true),
            90 => self.jump(),
            91 => self.envoys[envoy].kill_worker(worker),
            92 => {
                let worker = &mut self.envoys[envoy].workers[worker];
                worker.is_silent = !worker.is_silent;
            }
            93 => self.ticks(520, true),
            94 => self.kill_envoy(envoy),
            95 => self.side.restart(self.now_ms),
            96 => self.change(),
            97 => self.lapse(envoy),
            98 => self.set_clock(envoy),
            _ => self.follow(envoy),
        }
        Ok(())
    }

    /// Time passes, everywhere.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.envoys
            .iter()
            .for_each(|envoy| envoy.host.advance_ms(ms));
    }

    fn jump(&mut self) {
        let ms = self.up_to(6 * HOUR_MS);
        self.pass(ms);
    }

    /// Agents and gates tick, and what is on its way arrives, if it does.
    pub(crate) fn ticks(&mut self, count: usize, is_faulty: bool) {
        for _ in 0..count {
            self.pass(TICK_MS);
            for at in 0..self.envoys.len() {
                self.tick(at);
            }
            self.side.look(self.now_ms);
            self.side.mark(self.now_ms);
            if is_faulty {
                self.deliver_some();
            } else {
                self.deliver_all();
                (0..self.envoys.len()).for_each(|at| self.follow(at));
            }
        }
    }

    /// One Envoy alone ticks, and what it says arrives; the sidecar looks at nothing and marks nothing.
    pub(crate) fn ticks_of(&mut self, envoy: usize, count: usize) {
        for _ in 0..count {
            self.pass(TICK_MS);
            self.tick(envoy);
            self.deliver_all();
        }
    }

    fn tick(&mut self, at: usize) {
        let envoy = &mut self.envoys[at];
        envoy.tick();
        let source = envoy.source;
        let posts = envoy.take_posts().into_iter();
        self.network
            .extend(posts.map(|(token, body)| Message::Batch(source, token, body)));
    }

    fn follow(&mut self, envoy: usize) {
        self.envoys[envoy].follow(&mut self.side);
    }

    /// Everything arrives, what comes at one time together.
    fn deliver_all(&mut self) {
        while !self.network.is_empty() {
            let messages = std::mem::take(&mut self.network);
            self.arrive(messages);
        }
    }

    /// Some message arrives, is lost, arrives and comes again, or is answered in other words.
    fn deliver_some(&mut self) {
        if self.network.is_empty() || self.random.chance(50) {
            return;
        }
        let at = self.below(self.network.len());
        let message = self.network.swap_remove(at);
        match (self.below(12), &message) {
            (0, Message::Batch(source, token, _) | Message::Answer(source, token, ..)) => {
                self.hear(*source, *token, 0, &[]);
            }
            (1, _) => {}
            (2, Message::Batch(_, _, body)) => {
                // What was taken once is never refused, and what was refused is never taken.
                if !self.arrived.contains(body) {
                    self.unreadable.insert(body.clone());
                }
                self.arrive(vec![message]);
            }
            (3, _) => {
                self.network.push(message.clone());
                self.arrive(vec![message]);
            }
            (4, _) => self.deliver_all(),
            _ => self.arrive(vec![message]),
        }
    }

    fn hear(&mut self, source: Source, token: u32, status: u16, body: &[u8]) {
        let mut envoys = self.envoys.iter_mut();
        if let Some(envoy) = envoys.find(|envoy| envoy.source == source) {
            envoy.hear(token, status, body);
        }
    }

    fn arrive(&mut self, messages: Vec<Message>) {
        let (mut senders, mut batches) = (Vec::new(), Vec::new());
        for message in messages {
            if let Message::Batch(_, _, body) = &message
                && std::mem::take(&mut self.refuses_next)
            {
                self.unreadable.insert(body.clone());
            }
            match message {
                Message::Batch(source, token, body) if self.unreadable.contains(&body) => {
                    self.hear(source, token, 422, b"{}");
                }
                Message::Batch(source, token, body) => {
                    senders.push((source, token));
                    batches.push(UsageBatch::decode(&body).unwrap());
                    self.arrived.insert(body);
                }
                Message::Answer(source, token, answer, report) => {
                    self.answer(source, token, &answer, &report);
                }
            }
        }
        if batches.is_empty() {
            return;
        }
        let answers = self.side.take(&batches, self.now_ms);
        for ((source, token), (answer, report)) in senders.into_iter().zip(answers) {
            self.network
                .push(Message::Answer(source, token, answer, report));
        }
    }

    fn answer(&mut self, source: Source, token: u32, answer: &UsageAnswer, report: &Report) {
        let now_ms = self.now_ms;
        let mut envoys = self.envoys.iter_mut();
        let Some(envoy) = envoys.find(|envoy| envoy.source == source) else {
            return;
        };
        let clock = |envoy: &Envoy| {
            let slots = envoy.host.shared.slots.borrow();
            slots.get("latchkey.ledger").cloned()
        };
        let before = clock(envoy);
        envoy.hear(token, 200, &answer.encode());
        // An answer that nobody waits for any more sets no clock.
        if clock(envoy) != before {
            envoy.learn(report, now_ms);
        }
    }

    pub(crate) fn kill_envoy(&mut self, at: usize) {
        let new = self.new_envoy();
        let old = std::mem::replace(&mut self.envoys[at], new);
        self.side.gone.insert(old.source);
    }

    /// An Envoy that lives is taken for gone, and comes back.
    pub(crate) fn lapse(&mut self, at: usize) {
        let source = self.envoys[at].source;
        self.side.gone.insert(source);
        self.side.look(self.now_ms);
        self.side.gone.remove(&source);
    }

    /// The wall clock of an Envoy is set, by days.
    fn set_clock(&mut self, at: usize) {
        let off_ms = self.up_to(72 * HOUR_MS);
        let host = &self.envoys[at].host;
        if self.envoys[at].heard.is_some() {
            host.shared.unix_ms.set(self.now_ms - 36 * HOUR_MS + off_ms);
        }
    }

    /// An admin changes an amount, or begins counters anew.
    fn change(&mut self) {
        let amount = Amount::new(500 + self.up_to(2_000)).unwrap();
        let now_ms = self.now_ms;
        match self.below(4) {
            0 => self.side.reset(Some(1), now_ms),
            1 => self.side.reset(None, now_ms),
            2 => {
                self.key_limits[0].amount = amount;
                self.side.limit_key(1, &self.key_limits, now_ms);
            }
            _ => {
                self.account_limits[0].amount = amount;
                self.side.limit_account(&self.account_limits, now_ms);
            }
        }
    }

    pub(crate) fn subjects(&self, key: usize) -> Vec<LimitSubject> {
        match key {
            1 => vec![self.side.of_key(1), self.side.of_account()],
            _ => vec![self.side.of_account()],
        }
    }

    /// A request of any key; whether it was admitted.
    fn ask(&mut self, envoy: usize, worker: usize) -> Result<bool, Fault> {
        let key = KEYS[self.below(KEYS.len())];
        self.ask_with(envoy, worker, key)
    }

    pub(crate) fn ask_with(
        &mut self,
        envoy: usize,
        worker: usize,
        key: usize,
    ) -> Result<bool, Fault> {
        let subjects = self.subjects(key);
        let padding = usize::try_from(self.up_to(400)).unwrap();
        let body = format!(r#"{{"model":"m","x":"{}"}}"#, "x".repeat(padding));
        let number = self.side.number(key);
        self.meet(envoy, &subjects);
        let asked = self.envoys[envoy].ask(worker, number, body.as_bytes(), &subjects)?;
        match asked {
            Asked::Admitted(taken) => {
                self.admitted += 1;
                self.check_admitted(envoy, &subjects, &taken)?;
                Ok(true)
            }
            Asked::Refused(status, code) => {
                self.refused += 1;
                self.check_refused(envoy, &subjects, status, &code)?;
                Ok(false)
            }
        }
    }

    /// The counters that a request of these subjects is about, each with its amount and whether it is marked.
    pub(crate) fn counters(
        &self,
        envoy: usize,
        subjects: &[LimitSubject],
    ) -> Vec<(CounterId, u64, bool)> {
        let envoy = &self.envoys[envoy];
        let (in_force, now_ms) = (envoy.in_force(&self.side), envoy.now_ms(self.now_ms));
        let of = |subject: &LimitSubject| {
            let limits = in_force.get(subject).into_iter().flatten();
            let counter = limits.map(|one| {
                let counter = one.counter_at(subject.clone(), now_ms);
                (counter, one.limit.amount.get(), one.is_full_at(now_ms))
            });
            counter.collect::<Vec<_>>()
        };
        subjects.iter().flat_map(of).collect()
    }

    /// An Envoy begins a counter, when it first admits a request, with what was used when its record was made.
    fn meet(&mut self, at: usize, subjects: &[LimitSubject]) {
        let envoy = &self.envoys[at];
        let now_ms = envoy.now_ms(self.now_ms);
        let begun = envoy.counters(subjects);
        let in_force = envoy.in_force(&self.side).clone();
        for subject in subjects {
            for one in in_force.get(subject).into_iter().flatten() {
                let counter = one.counter_at(subject.clone(), now_ms);
                let used = one.used_from(counter.start_unix_ms);
                if !begun.contains_key(&counter) {
                    self.envoys[at].others.insert(counter, used);
                }
            }
        }
    }

    /// What this Envoy has admitted of a counter, and what it has heard of others.
    pub(crate) fn known(&self, envoy: usize, counter: &CounterId) -> u64 {
        let Envoy { own, others, .. } = &self.envoys[envoy];
        [own, others]
            .iter()
            .filter_map(|sums| sums.get(counter))
            .sum()
    }

    /// Some request of a worker ends, if any runs.
    fn end_any(&mut self, envoy: usize, worker: usize) {
        let count = self.envoys[envoy].workers[worker].running.len();
        if count > 0 {
            let at = self.below(count);
            let end = match self.below(10) {
                0 => End::Left,
                1 => End::Failed,
                _ => End::Stated(1 + self.up_to(199)),
            };
            self.envoys[envoy].end(worker, at, end);
        }
    }

    /// Lets everything end: requests, messages, faults.
    pub(crate) fn calm(&mut self) -> Result<(), Fault> {
        for envoy in 0..self.envoys.len() {
            for worker in 0..usize::from(WORKERS) {
                self.envoys[envoy].workers[worker].is_silent = false;
                while !self.envoys[envoy].workers[worker].running.is_empty() {
                    self.end_any(envoy, worker);
                }
            }
        }
        for _ in 0..1_500 {
            self.ticks(1, false);
            let open: u64 = self.envoys.iter().map(Envoy::open).sum();
            if open == 0 && self.side.held() == 0 && self.is_level() {
                return Ok(());
            }
        }
        Err(format!(
            "not calm: {:?}, the ledger takes {} to be held",
            self.envoys.iter().map(Envoy::open).collect::<Vec<_>>(),
            self.side.held()
        ))
    }
}
