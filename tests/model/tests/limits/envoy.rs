//! One Envoy of a simulation: the product's gates and agent on shared data in memory, and what its requests
//! really used.
//!
//! Invariant: what a request took is read from the cells, what it used is what its answer said.

use std::collections::BTreeMap;
use std::rc::Rc;

use filter::agent::Agent;
use filter::config::{AgentConfig, Config, MaxStaleness};
use filter::follower::Answer;
use filter::gate::{Gate, GateShared};
use filter::host::Gauge;
use keytable::cell::{Cell, CellCounter};
use keytable::{CounterId, LimitSubject, Unit};

use super::side::{InForce, Report, Side, Source, Sums};
use crate::support::rig::agent_config;
use crate::support::{Exchange, FakeHost};

/// What has to hold and does not.
pub(crate) type Fault = String;

const JSON: &[(&str, &str)] = &[(":status", "200"), ("content-type", "application/json")];
const ERROR: &[(&str, &str)] = &[(":status", "500"), ("content-type", "application/json")];

pub(crate) struct Envoy {
    pub(crate) source: Source,
    pub(crate) host: FakeHost,
    pub(crate) agent: Agent,
    pub(crate) workers: Vec<Worker>,
    /// How many posts of the agent were put on the wire.
    pub(crate) posted: usize,
    /// What others used, as far as it was heard.
    pub(crate) others: Sums,
    /// What was used here or is held.
    pub(crate) own: Sums,
    /// The ledger's time as it was heard, and when that was.
    pub(crate) heard: Option<(u64, u64)>,
    streams: u32,
    drawn: u8,
}

/// A gate and its requests.
pub(crate) struct Worker {
    pub(crate) shared: Rc<GateShared>,
    pub(crate) running: Vec<Running>,
    /// It says nothing to the agent.
    pub(crate) is_silent: bool,
}

pub(crate) struct Running {
    exchange: Exchange,
    body_bytes: u64,
    taken: Vec<Taken>,
}

/// What a request took of a counter.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) counter: CounterId,
    /// The gate's number; `None`: it was charged at once.
    gate: Option<u32>,
    held: u64,
}

/// How a request ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// Its answer states so many tokens.
    Stated(u64),
    /// Its client leaves before an answer.
    Left,
    /// With an error.
    Failed,
}

/// What became of a request.
pub(crate) enum Asked {
    Admitted(Vec<Taken>),
    Refused(u16, String),
}

fn gate(seed: u8) -> Rc<GateShared> {
    let text = br#"{"role":"gate","limits":"keep","hold_bytes_max":4096}"#;
    match Config::parse(text) {
        Ok(Config::Gate(config)) => Rc::new(GateShared::new(config, [seed; 16]).unwrap()),
        other => panic!("{other:?}"),
    }
}

impl Worker {
    fn new(seed: u8) -> Self {
        Self {
            shared: gate(seed),
            running: Vec::new(),
            is_silent: false,
        }
    }
}

impl Envoy {
    pub(crate) fn new((run, number): (usize, u8), workers: u8, now_ms: u64) -> Self {
        let agent = ((run as u128) << 64) | u128::from(number);
        let host = FakeHost::default();
        host.advance_ms(1_000_000);
        host.shared.unix_ms.set(now_ms);
        let config = AgentConfig {
            max_staleness: MaxStaleness::Never,
            ..agent_config(60)
        };
        Self {
            source: agent.to_be_bytes(),
            host,
            agent: Agent::new(&config, format!("node-{number}"), format!("{agent:032x}")),
            workers: (0..workers).map(Worker::new).collect(),
            posted: 0,
            others: Sums::new(),
            own: Sums::new(),
            heard: None,
            streams: 0,
            drawn: workers,
        }
    }

    /// The limits that are in force here.
    pub(crate) fn in_force<'a>(&self, side: &'a Side) -> &'a InForce {
        let generation = self.host.read_gauge(Gauge::Generation);
        &side.in_force[usize::try_from(generation).unwrap()]
    }

    /// The ledger's time, as this Envoy has to know it.
    pub(crate) fn now_ms(&self, now_ms: u64) -> u64 {
        let own_ms = self.host.shared.unix_ms.get();
        self.heard.map_or(own_ms, |(ledger_ms, heard_ms)| {
            ledger_ms + (now_ms - heard_ms)
        })
    }

    /// Gates tell, the agent ticks.
    pub(crate) fn tick(&mut self) {
        let now_ns = self.host.shared.monotonic_ns.get();
        for worker in self.workers.iter().filter(|worker| !worker.is_silent) {
            worker.shared.limits.tell(&self.host, now_ns);
        }
        let told = self.host.shared.queue.take();
        told.iter()
            .for_each(|message| self.agent.gather(&self.host, message));
        self.agent.tick(&self.host);
    }

    /// The feed answers what the agent has asked. Gives whether there was something new.
    pub(crate) fn follow(&mut self, side: &mut Side) {
        let newest = self.host.shared.callouts.borrow_mut().pop();
        self.host.shared.callouts.borrow_mut().clear();
        if let Some(asked) = newest {
            let body = side.feed.answer(&asked.path);
            let answer = Answer::Http {
                status: 200,
                body: &body,
            };
            self.agent.answer(&self.host, asked.token, answer);
        }
    }

    /// What the agent has posted since the last time, with the numbers by which it knows the answers.
    pub(crate) fn take_posts(&mut self) -> Vec<(u32, Vec<u8>)> {
        let posts = self.host.shared.posts.borrow();
        let new = posts.iter().enumerate().skip(self.posted);
        let new = new.map(|(at, (_, body))| (1_000_001 + u32::try_from(at).unwrap(), body.clone()));
        let new: Vec<_> = new.collect();
        self.posted = posts.len();
        new
    }

    pub(crate) fn hear(&mut self, token: u32, status: u16, body: &[u8]) {
        let answer = match status {
            0 => Answer::Failed,
            _ => Answer::Http { status, body },
        };
        self.agent.answer(&self.host, token, answer);
    }

    /// Its agent has taken an answer that told this.
    pub(crate) fn learn(&mut self, report: &Report, now_ms: u64) {
        self.heard = Some((report.ledger_unix_ms, now_ms));
        for (counter, others) in &report.others {
            let known = self.others.entry(counter.clone()).or_default();
            *known = match report.only_raises {
                true => *others.max(known),
                false => *others,
            };
        }
    }

    /// The counters of some subjects as the cells have them.
    pub(crate) fn counters(&self, subjects: &[LimitSubject]) -> BTreeMap<CounterId, CellCounter> {
        let cells = self.host.shared.cells.borrow();
        let mut all = BTreeMap::new();
        for subject in subjects {
            let bytes = cells.get(&Cell::index_of(subject));
            let cell = bytes.map(|(bytes, _)| Cell::decode(bytes).unwrap());
            for entry in cell.iter().flat_map(Cell::entries) {
                let counters = entry.counters.iter();
                all.extend(counters.map(|one| (one.id(&entry.subject), one.clone())));
            }
        }
        all.retain(|counter, _| subjects.contains(&counter.subject));
        all
    }

    /// A request of a key, whose limits are those of these subjects.
    pub(crate) fn ask(
        &mut self,
        worker: usize,
        key: usize,
        body: &[u8],
        subjects: &[LimitSubject],
    ) -> Result<Asked, Fault> {
        self.streams += 1;
        let before = self.counters(subjects);
        let gate = Gate::new(Rc::clone(&self.workers[worker].shared), self.streams);
        let exchange = Exchange::new(self.host.sibling(), gate, self.streams);
        let length = body.len().to_string();
        let exchange = exchange
            .header("content-length", &length)
            .bearer(key)
            .send(&[body]);
        let after = self.counters(subjects);
        let (status, code) = exchange.outcome();
        if status != 200 {
            let held = |all: &BTreeMap<CounterId, CellCounter>| -> u64 {
                all.values().map(|one| one.held() + one.unsent()).sum()
            };
            return match held(&before) == held(&after) {
                true => Ok(Asked::Refused(status, code)),
                false => Err(format!("a refusal took something: {before:?} {after:?}")),
            };
        }
        let taken: Vec<Taken> = after
            .iter()
            .filter_map(|(counter, after)| taken_of(counter, before.get(counter), after))
            .collect();
        for one in &taken {
            *self.own.entry(one.counter.clone()).or_default() += one.held;
        }
        self.workers[worker].running.push(Running {
            exchange,
            body_bytes: body.len() as u64,
            taken: taken.clone(),
        });
        Ok(Asked::Admitted(taken))
    }

    /// A request ends.
    pub(crate) fn end(&mut self, worker: usize, at: usize, end: End) {
        let mut running = self.workers[worker].running.swap_remove(at);
        let tokens = match end {
            End::Stated(tokens) => tokens,
            End::Left => running.body_bytes / 4,
            End::Failed => 0,
        };
        let subjects: Vec<_> = running
            .taken
            .iter()
            .map(|one| one.counter.subject.clone())
            .collect();
        let known = self.counters(&subjects);
        for taken in &running.taken {
            let Some(gate) = taken.gate else {
                continue;
            };
            let used = match taken.counter.unit {
                Unit::Tokens => tokens,
                Unit::Requests => 1,
            };
            let is_held = known
                .get(&taken.counter)
                .is_some_and(|one| one.held_by(gate) >= taken.held);
            // What was given up was charged then.
            let charged = match is_held {
                true => used,
                false => used.max(taken.held),
            };
            let own = self.own.get_mut(&taken.counter).unwrap();
            *own = *own - taken.held + charged;
        }
        match end {
            End::Stated(tokens) => {
                let body = format!(
                    r#"{{"usage":{{"prompt_tokens":1,"completion_tokens":{}}}}}"#,
                    tokens - 1
                );
                running.exchange.answer(JSON, &[body.as_bytes()]);
            }
            End::Failed => drop(running.exchange.answer(ERROR, &[b"{}"])),
            End::Left => {}
        }
        running.exchange.end();
    }

    /// The VM of a worker dies, and another takes its place.
    pub(crate) fn kill_worker(&mut self, worker: usize) {
        self.drawn += 1;
        self.workers[worker] = Worker::new(self.drawn);
    }

    /// What cells hold and the ledger does not have.
    pub(crate) fn open(&self) -> u64 {
        let cells = self.host.shared.cells.borrow();
        let cells = cells
            .values()
            .map(|(bytes, _)| Cell::decode(bytes).unwrap());
        let of = |cell: Cell| -> u64 {
            let counters = cell.entries().iter().flat_map(|entry| &entry.counters);
            counters.map(|one| one.held() + one.unsent()).sum()
        };
        cells.map(of).sum()
    }
}

/// What a request took of a counter that was like this before and is like that now.
fn taken_of(
    counter: &CounterId,
    before: Option<&CellCounter>,
    after: &CellCounter,
) -> Option<Taken> {
    let held_before = |gate: u32| before.map_or(0, |before| before.held_by(gate));
    let raised = after
        .holds
        .iter()
        .find(|hold| hold.amount > held_before(hold.gate));
    let (gate, held) = match raised {
        Some(hold) => (Some(hold.gate), hold.amount - held_before(hold.gate)),
        None => {
            let unsent = after.unsent() - before.map_or(0, CellCounter::unsent);
            (None, unsent)
        }
    };
    (held > 0).then(|| Taken {
        counter: counter.clone(),
        gate,
        held,
    })
}
