//! Gates, agents, a ledger and a network that does what it likes: steps drawn from a seed.
//!
//! Cells, gates and agents are the product's own. Invariant: a step is one that the product can do.

use std::collections::BTreeMap;

use keytable::cell::{Admission, Ask, Cell, Charger, GateHolds, Spent};
use keytable::{
    AccountId, Amount, CounterId, ExpectedTokens, KeyId, Limit, LimitSubject, RecordedLimit, Unit,
    Unmetered, UsageAnswer, UsageBatch, UtcOffset, WhenApart, Window,
};

use crate::ledger::{Ledger, Seen};
use crate::random::Random;

pub(crate) const ENVOYS: usize = 2;
pub(crate) const GATES: usize = 2;
const DAY_MS: u64 = 86_400_000;
/// 2026-01-01.
const BEGIN_MS: u64 = 1_767_225_600_000;

/// What has to hold and does not.
pub(crate) type Fault = String;

pub(crate) struct World {
    random: Random,
    pub(crate) now_ms: u64,
    pub(crate) ledger: Ledger,
    pub(crate) envoys: Vec<Envoy>,
    pub(crate) network: Vec<Message>,
    pub(crate) key: Limited,
    pub(crate) account: Limited,
    sources: u8,
    numbers: u32,
    /// What each Envoy's requests really were charged, settled or given up.
    pub(crate) truth: BTreeMap<(u8, CounterId), u64>,
    pub(crate) dead: Vec<u8>,
    pub(crate) admitted: u64,
    pub(crate) refused: u64,
}

#[derive(Clone)]
pub(crate) struct Limited {
    pub(crate) subject: LimitSubject,
    pub(crate) limits: Vec<RecordedLimit>,
}

pub(crate) struct Envoy {
    pub(crate) source: u8,
    pub(crate) cells: BTreeMap<u16, Cell>,
    charger: Charger,
    pub(crate) gates: Vec<Gate>,
    sequence: u64,
    /// The batch that is not acknowledged.
    open: Option<UsageBatch>,
    /// What the ledger knew of others, as of the last answer heard.
    pub(crate) seen: Seen,
    /// Numbers of gates that died and were not given up yet.
    silent: Vec<u32>,
}

pub(crate) struct Gate {
    holds: GateHolds,
    pub(crate) running: Vec<Vec<Admission>>,
}

pub(crate) enum Message {
    Batch(UsageBatch),
    Answer(u8, UsageAnswer, Seen),
}

fn limit(unit: Unit, window: Window, amount: u64) -> RecordedLimit {
    RecordedLimit {
        limit: Limit {
            unit,
            window,
            amount: Amount::new(amount).unwrap(),
            expected: ExpectedTokens::new(50).unwrap(),
            when_apart: WhenApart::Serve,
            unmetered: Unmetered::Refuse,
        },
        resets: 0,
        start_unix_ms: window.span_at(BEGIN_MS).start_unix_ms,
        used: 0,
        full_until_unix_ms: None,
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let day = Window::Day(UtcOffset::UTC);
        let mut world = Self {
            random: Random::from_seed(seed),
            now_ms: BEGIN_MS,
            ledger: Ledger::default(),
            envoys: Vec::new(),
            network: Vec::new(),
            key: Limited {
                subject: LimitSubject::Key(KeyId::parse("ak-1").unwrap()),
                limits: vec![
                    limit(Unit::Tokens, day, 1_000),
                    limit(Unit::Requests, Window::Lifetime, 60),
                ],
            },
            account: Limited {
                subject: LimitSubject::Account(AccountId::parse("demo").unwrap()),
                limits: vec![limit(Unit::Tokens, Window::Lifetime, 3_000)],
            },
            sources: 0,
            numbers: 0,
            truth: BTreeMap::new(),
            dead: Vec::new(),
            admitted: 0,
            refused: 0,
        };
        for _ in 0..ENVOYS {
            let envoy = world.new_envoy();
            world.envoys.push(envoy);
        }
        world
    }

    fn new_envoy(&mut self) -> Envoy {
        self.sources += 1;
        let gates = (0..GATES).map(|_| self.new_gate()).collect();
        Envoy {
            source: self.sources,
            cells: BTreeMap::new(),
            charger: Charger::default(),
            gates,
            sequence: 0,
            open: None,
            seen: Seen::new(),
            silent: Vec::new(),
        }
    }

    fn new_gate(&mut self) -> Gate {
        self.numbers += 1;
        Gate {
            holds: GateHolds::new(self.numbers),
            running: Vec::new(),
        }
    }

    /// One step, whichever.
    pub(crate) fn step(&mut self) -> Result<(), Fault> {
        let envoy = self.below(ENVOYS);
        let gate = self.below(GATES);
        match self.random.below(100) {
            0..=29 => self.admit(envoy, gate)?,
            30..=54 => self.settle(envoy, gate),
            55..=64 => self.post(envoy),
            65..=84 => self.deliver(),
            85..=91 => self.now_ms += self.random.below(2_000),
            92 => self.now_ms += self.random.below(DAY_MS / 4),
            93 => self.kill_gate(envoy, gate),
            94 => self.give_up(envoy),
            95 => self.give_up_the_living(envoy, gate),
            96 => self.kill_envoy(envoy),
            97 => self.ledger.restart(self.now_ms),
            98 => self.change(),
            _ => self.tidy(envoy),
        }
        Ok(())
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.random.below(end as u64)).unwrap()
    }

    pub(crate) fn admit(&mut self, envoy: usize, gate: usize) -> Result<(), Fault> {
        let body_bytes = self.random.below(400);
        let both = self.random.below(2) == 0;
        let mut admissions = Vec::new();
        for (limited, is_provisional) in [(self.key.clone(), both), (self.account.clone(), false)] {
            if limited.subject == self.account.subject && !both {
                continue;
            }
            let Envoy {
                cells,
                gates,
                charger,
                seen,
                ..
            } = &mut self.envoys[envoy];
            let index = Cell::index_of(&limited.subject);
            let cell = cells.entry(index).or_default();
            let holds = &mut gates[gate].holds;
            if !holds.is_known_in(cell, &limited.subject) {
                self.numbers += 1;
                *holds = GateHolds::new(self.numbers);
            }
            let ask = Ask {
                gate: holds.number(),
                now_unix_ms: self.now_ms,
                is_apart: false,
                body_bytes,
                is_provisional,
            };
            charger.touch(index);
            for one in &limited.limits {
                let counter = one.counter_at(limited.subject.clone(), self.now_ms);
                let used = one.used_from(counter.start_unix_ms);
                seen.entry(counter).or_insert(used);
            }
            match cell.admit(&limited.subject, &limited.limits, &ask) {
                Ok(admission) => {
                    holds.took(&admission);
                    admissions.push(admission);
                }
                Err(_) => {
                    self.refused += 1;
                    self.undo(envoy, gate, &admissions);
                    return Ok(());
                }
            }
        }
        self.admitted += 1;
        if !both {
            // Requests are charged at once.
            let requests = self.key.limits[1].counter_at(self.key.subject.clone(), self.now_ms);
            self.charge(envoy, requests, 1);
        }
        self.envoys[envoy].gates[gate].running.push(admissions);
        self.check_bound(envoy, both)
    }

    fn undo(&mut self, envoy: usize, gate: usize, taken: &[Admission]) {
        for one in taken {
            self.settle_one(envoy, gate, one, Spent::Nothing);
        }
    }

    fn charge(&mut self, envoy: usize, counter: CounterId, amount: u64) {
        let source = self.envoys[envoy].source;
        *self.truth.entry((source, counter)).or_default() += amount;
    }

    pub(crate) fn settle(&mut self, envoy: usize, gate: usize) {
        let count = self.envoys[envoy].gates[gate].running.len();
        if count == 0 {
            return;
        }
        let at = self.below(count);
        let admissions = self.envoys[envoy].gates[gate].running.swap_remove(at);
        let spent = match self.random.below(10) {
            0 => Spent::Held,
            _ => Spent::Tokens(self.random.below(200)),
        };
        for admission in &admissions {
            self.settle_one(envoy, gate, admission, spent);
        }
    }

    fn settle_one(&mut self, envoy: usize, gate: usize, admission: &Admission, spent: Spent) {
        let index = Cell::index_of(&admission.subject);
        for taken in &admission.taken {
            let counter = taken.counter(&admission.subject);
            let used = match (spent, taken.unit) {
                (Spent::Nothing, _) => 0,
                (Spent::Held, _) => taken.held,
                (Spent::Tokens(tokens), Unit::Tokens) => tokens,
                (Spent::Tokens(_), Unit::Requests) => 1,
            };
            // What was given up was charged then.
            let known = self.envoys[envoy].cells[&index].entries().iter();
            let mut counters = known.flat_map(|entry| {
                let counters = entry.counters.iter();
                counters.filter(|one| one.id(&entry.subject) == counter)
            });
            let is_held = counters
                .next()
                .is_some_and(|one| one.held_by(admission.gate) >= taken.held);
            let charged = if is_held {
                used
            } else {
                used.saturating_sub(taken.held)
            };
            drop(counters);
            self.charge(envoy, counter, charged);
        }
        let now_ms = self.now_ms;
        let Envoy {
            cells,
            gates,
            charger,
            ..
        } = &mut self.envoys[envoy];
        cells
            .get_mut(&index)
            .unwrap()
            .settle(admission, spent, now_ms);
        gates[gate].holds.gave_back(admission);
        charger.touch(index);
    }

    /// A batch whose rows nobody takes is written again.
    pub(crate) fn drop_batch(&mut self, envoy: usize) {
        let Envoy {
            cells,
            charger,
            open,
            ..
        } = &mut self.envoys[envoy];
        if open.is_none() && charger.has_news() {
            charger.begin(|index| cells.get(&index).cloned());
            charger.dropped();
        }
    }

    /// The agent posts: its open batch again, or a new one.
    pub(crate) fn post(&mut self, envoy: usize) {
        if self.random.below(20) == 0 {
            self.drop_batch(envoy);
        }
        let Envoy {
            cells,
            charger,
            open,
            source,
            sequence,
            ..
        } = &mut self.envoys[envoy];
        if open.is_none() && charger.has_news() {
            *sequence += 1;
            *open = Some(UsageBatch {
                source: [*source; 16],
                sequence: *sequence,
                rows: Vec::new(),
                charges: charger.begin(|index| cells.get(&index).cloned()),
            });
        }
        if let Some(batch) = open {
            let bytes = batch.encode();
            let batch = UsageBatch::decode(&bytes).unwrap();
            self.network.push(Message::Batch(batch));
        }
    }

    /// Some message arrives, is lost, or arrives and comes again.
    fn deliver(&mut self) {
        if self.network.is_empty() {
            return;
        }
        let at = self.below(self.network.len());
        let message = self.network.swap_remove(at);
        let fate = self.random.below(10);
        if fate == 0 {
            return;
        }
        self.arrive(&message);
        if fate == 1 {
            self.network.push(message);
        }
    }

    pub(crate) fn arrive(&mut self, message: &Message) {
        match message {
            Message::Batch(batch) => {
                let (answer, seen) = self.ledger.take(batch, self.now_ms);
                let source = batch.source[0];
                self.network.push(Message::Answer(source, answer, seen));
            }
            Message::Answer(source, answer, seen) => {
                let mut envoys = self.envoys.iter_mut();
                let Some(envoy) = envoys.find(|envoy| envoy.source == *source) else {
                    return;
                };
                let answers = |open: &mut UsageBatch| open.sequence == answer.sequence;
                if envoy.open.take_if(answers).is_none() {
                    return;
                }
                for (index, set) in envoy.charger.acknowledged(answer) {
                    let cell = envoy.cells.get_mut(&index).unwrap();
                    for (charge, figure) in set {
                        cell.acknowledge(&charge, figure);
                    }
                }
                envoy.seen.extend(seen.clone());
            }
        }
    }

    fn kill_gate(&mut self, envoy: usize, gate: usize) {
        let new = self.new_gate();
        let old = std::mem::replace(&mut self.envoys[envoy].gates[gate], new);
        self.envoys[envoy].silent.push(old.holds.number());
        let numbers = old.running.iter().flatten().map(|one| one.gate);
        self.envoys[envoy].silent.extend(numbers);
    }

    pub(crate) fn give_up(&mut self, envoy: usize) {
        let silent = std::mem::take(&mut self.envoys[envoy].silent);
        self.give_up_all(envoy, &silent);
    }

    /// An agent that was not told of a gate for long gives it up, though it lives.
    fn give_up_the_living(&mut self, envoy: usize, gate: usize) {
        let number = self.envoys[envoy].gates[gate].holds.number();
        self.give_up_all(envoy, &[number]);
    }

    fn give_up_all(&mut self, envoy: usize, silent: &[u32]) {
        let mut given = Vec::new();
        for cell in self.envoys[envoy].cells.values() {
            for entry in cell.entries() {
                for counter in &entry.counters {
                    let held = silent.iter().map(|gate| counter.held_by(*gate)).max();
                    let all: u64 = counter
                        .holds
                        .iter()
                        .filter(|hold| silent.contains(&hold.gate))
                        .map(|hold| hold.amount)
                        .sum();
                    if held.is_some() {
                        given.push((counter.id(&entry.subject), all));
                    }
                }
            }
        }
        given
            .into_iter()
            .for_each(|(counter, held)| self.charge(envoy, counter, held));
        let Envoy { cells, charger, .. } = &mut self.envoys[envoy];
        for (index, cell) in cells {
            if cell.give_up(|gate| silent.contains(&gate)) {
                charger.touch(*index);
            }
        }
    }

    fn kill_envoy(&mut self, envoy: usize) {
        let new = self.new_envoy();
        let old = std::mem::replace(&mut self.envoys[envoy], new);
        self.ledger.lease_over([old.source; 16]);
        self.dead.push(old.source);
        self.compile();
    }

    /// Records are made anew: they say what the ledger has.
    fn compile(&mut self) {
        let now_ms = self.now_ms;
        for limited in [&mut self.key, &mut self.account] {
            for one in &mut limited.limits {
                let counter = one.counter_at(limited.subject.clone(), now_ms);
                one.start_unix_ms = counter.start_unix_ms;
                one.used = self.ledger.sum(&counter);
            }
        }
    }

    /// An admin changes an amount, or begins a counter anew.
    fn change(&mut self) {
        let amount = 500 + self.random.below(2_000);
        match self.random.below(3) {
            0 => self.key.limits[0].resets += 1,
            1 => self.key.limits[0].limit.amount = Amount::new(amount).unwrap(),
            _ => self.account.limits[0].resets += 1,
        }
        self.key.limits[1].resets += 1;
        self.compile();
    }

    fn tidy(&mut self, envoy: usize) {
        let now_ms = self.now_ms;
        let Envoy {
            cells,
            charger,
            open,
            ..
        } = &mut self.envoys[envoy];
        if open.is_none() {
            cells.values_mut().for_each(|cell| {
                cell.tidy(now_ms, |counter| charger.is_told(counter));
            });
        }
    }
}
