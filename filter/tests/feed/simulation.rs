//! A random sidecar, a random network, a random Envoy: whatever happens, what is acknowledged is
//! what the slots hold, and when the faults stop, the table is the sidecar's.
//!
//! Invariants, after every step: at each position that the agent acknowledges, the slots hold
//! exactly the table that the sidecar had there, so that no key whose removal was acknowledged is
//! found; the lease ends no later than its length after the newest request. And a worker that looks
//! at keys between any two writes of the agent has forgotten by then what it saw before.

use std::collections::HashMap;

use filter::follower::Answer;
use filter::host::Gauge;
use keytable::{Epoch, KeyHash, Record, Status, TableHead};

use crate::support::host::Callout;
use crate::support::{Call, FakeSidecar, Random, Rig, Table, hash, held, list, parameter, record};

const STEPS: usize = 120;
const KEYS: usize = 24;
/// Keys that a worker looks at all the time.
const LOOKED_AT: [usize; 4] = [1, 2, 4, 5];

struct World {
    rig: Rig,
    random: Random,
    epochs: u8,
    /// Every table that any sidecar ever had, by its position.
    history: HashMap<([u8; 16], u64), Table>,
    /// Earlier states of the sidecar, to be restored.
    backups: Vec<FakeSidecar>,
    /// Bodies that were answered before, to be delivered again.
    replays: Vec<Vec<u8>>,
    acknowledged: usize,
    /// The newest position that this agent has acknowledged.
    newest: Option<(Epoch, u64)>,
}

/// Key `n`; some share a bucket.
fn key_record(n: usize) -> Record {
    let mut bytes = *record(n).key_hash.as_bytes();
    if n.is_multiple_of(3) {
        (bytes[0], bytes[1]) = (0x10, 0x97);
    }
    Record {
        key_hash: KeyHash::from_bytes(bytes),
        ..record(n)
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            rig: Rig::cold(FakeSidecar::new(0)),
            random: Random::new(seed),
            epochs: 0,
            history: HashMap::new(),
            backups: Vec::new(),
            replays: Vec::new(),
            acknowledged: 0,
            newest: None,
        };
        world.remember();
        world.rig.look_on(LOOKED_AT);
        for _ in 0..world.random.below(20) {
            world.change();
        }
        world
    }

    fn remember(&mut self) {
        let sidecar = &self.rig.sidecar;
        let position = (*sidecar.epoch.as_bytes(), sidecar.generation);
        self.history.insert(position, sidecar.table.clone());
    }

    fn change(&mut self) {
        let mut new = key_record(self.random.below(KEYS));
        match self.random.below(4) {
            0 | 1 => {
                if self.random.chance(30) {
                    new.status = Status::Disabled;
                }
                if self.random.chance(50) {
                    let names: Vec<String> =
                        (0..self.random.below(5)).map(|n| format!("m{n}")).collect();
                    new.scope = list(&names.iter().map(String::as_str).collect::<Vec<_>>());
                }
                self.rig.sidecar.put(&new);
            }
            _ => self.rig.sidecar.remove(&new.key_hash),
        }
        self.remember();
        if self.random.chance(20) {
            self.backups.push(self.rig.sidecar.clone());
        }
    }

    /// The sidecar comes back from an older copy: another history.
    fn restore(&mut self) {
        self.backups.push(self.rig.sidecar.clone());
        self.rig.sidecar = self.backup();
        self.epochs += 1;
        self.rig.sidecar.epoch = Epoch::from_bytes([self.epochs; 16]);
        self.rig.sidecar.forget_snapshot();
        self.remember();
    }

    fn backup(&mut self) -> FakeSidecar {
        let at = self.random.below(self.backups.len());
        self.backups[at].clone()
    }

    /// An older copy of the sidecar answers for a while.
    fn lapse(&mut self) {
        self.backups.push(self.rig.sidecar.clone());
        let older = self.backup();
        let sidecar = std::mem::replace(&mut self.rig.sidecar, older);
        for _ in 0..20 {
            self.rig.rest();
            if let Some(request) = self.rig.request() {
                let body = self.rig.sidecar.answer(&request.path);
                self.rig.deliver(&request, &body);
            }
            self.check();
        }
        self.rig.sidecar = sidecar;
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..30 => self.change(),
            30..32 => self.restore(),
            32..33 => {
                self.rig.restart_agent();
                self.newest = None;
            }
            33..34 => self.lapse(),
            34..37 => self.break_envoy(),
            37..50 => {
                let ms = self.random.below(8_000);
                self.rig.host.advance_ms(u64::try_from(ms).unwrap());
            }
            50..52 => self.rig.host.advance_ms(60_000),
            _ => self.exchange(),
        }
        self.check();
    }

    fn break_envoy(&mut self) {
        let calls = [
            Call::SetSlot,
            Call::SetGauge,
            Call::Slot,
            Call::Gauge,
            Call::Get,
            Call::Monotonic,
        ];
        let call = calls[self.random.below(calls.len())];
        self.rig.host.fail_after(call, self.random.below(12));
    }

    fn exchange(&mut self) {
        if self.random.chance(40) {
            self.rig.host.heal();
        }
        let Some(request) = self.rig.request() else {
            return;
        };
        let body = self.rig.sidecar.answer(&request.path);
        match self.random.below(100) {
            0..5 => self.rig.answer(&request, Answer::Failed),
            5..8 => {}
            8..12 => self
                .rig
                .deliver(&request, &body[..self.random.below(body.len())]),
            12..15 => self.deliver_twice(&request, &body),
            15..20 => self.replay(&request),
            25..32 => self.mislead(&request),
            20..23 => self.rig.answer(
                &request,
                Answer::Http {
                    status: 503,
                    body: &body,
                },
            ),
            23..25 => self.damage(&request, body.clone()),
            _ => self.rig.deliver(&request, &body),
        }
        self.replays.push(body);
    }

    fn deliver_twice(&mut self, request: &Callout, body: &[u8]) {
        self.rig.deliver(request, body);
        self.rig.deliver(request, body);
    }

    /// Delivers what was answered to an earlier request.
    fn replay(&mut self, request: &Callout) {
        let count = self.replays.len();
        if count > 0 {
            let body = self.replays[self.random.below(count)].clone();
            self.rig.deliver(request, &body);
        }
    }

    /// Delivers a delta of this or an earlier sidecar that was not asked for.
    fn mislead(&mut self, request: &Callout) {
        let other = match self.backups.is_empty() || self.random.chance(50) {
            true => self.rig.sidecar.clone(),
            false => self.backup(),
        };
        let from = match self.newest.filter(|_| self.random.chance(50)) {
            Some((_, generation)) => generation.min(other.generation),
            None => self.random.next() % (other.generation + 1),
        };
        self.rig.deliver(request, &other.delta(from));
    }

    fn damage(&mut self, request: &Callout, mut body: Vec<u8>) {
        let at = self.random.below(body.len());
        body[at] ^= 1 << self.random.below(8);
        self.rig.deliver(request, &body);
    }

    /// Checks the position that the open request acknowledges.
    fn check(&mut self) {
        let host = &self.rig.host;
        let latest = host.shared.callouts.borrow().last().cloned();
        let Some(path) = latest.map(|callout| callout.path) else {
            return;
        };
        let now_ms = self.rig.now_ms();
        assert!(
            self.rig.lease_until_ms() <= now_ms + 60_000,
            "a lease from the future"
        );
        let (Some(epoch), Some(generation)) =
            (parameter(&path, "epoch"), parameter(&path, "generation"))
        else {
            return;
        };
        let epoch = Epoch::parse(epoch).unwrap();
        let generation: u64 = generation.parse().unwrap();
        let table = &self.history[&(*epoch.as_bytes(), generation)];
        assert_eq!(
            &held(host),
            table,
            "what was acknowledged is not what is held"
        );
        let head = TableHead::decode(&host.shared.slots.borrow()["latchkey.head"]).unwrap();
        assert_eq!((head.epoch, head.generation.get()), (epoch, generation));
        assert_eq!(head.edition, host.read_gauge(Gauge::Edition));
        assert_eq!(
            host.read_gauge(Gauge::Records),
            u64::try_from(table.len()).unwrap()
        );
        let older = self.newest.filter(|(known, _)| *known == epoch);
        assert!(
            older.is_none_or(|(_, older)| older <= generation),
            "it went back"
        );
        self.newest = Some((epoch, generation));
        self.check_worker(epoch, generation);
        self.acknowledged += 1;
    }

    /// A worker has nothing older than what was acknowledged.
    fn check_worker(&self, epoch: Epoch, generation: u64) {
        let table = &self.history[&(*epoch.as_bytes(), generation)];
        for n in LOOKED_AT {
            let Ok(found) = self.rig.seen(n) else {
                return;
            };
            let found = found.map(|record| record.view().unwrap().as_bytes().to_vec());
            let expected = table.get(hash(n).as_bytes()).cloned();
            assert_eq!(found, expected, "a worker goes by an older table");
        }
    }

    /// The faults stop.
    fn converge(&mut self) {
        self.rig.host.heal();
        self.rig.host.shared.callouts.borrow_mut().clear();
        self.rig.host.advance_ms(100_000);
        for _ in 0..100 {
            let request = (0..100).find_map(|_| {
                let request = self.rig.request();
                if request.is_none() {
                    self.rig.host.advance_ms(100);
                }
                request
            });
            let request = request.expect("the agent goes on asking");
            let body = self.rig.sidecar.answer(&request.path);
            self.rig.deliver(&request, &body);
            self.check();
        }
        assert_eq!(held(&self.rig.host), self.rig.sidecar.table);
        assert!(self.rig.find(1).is_ok(), "the table is in force");
        assert!(self.acknowledged > 0);
    }
}

/// One run; panics where an invariant is broken.
pub(crate) fn run(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.step();
    }
    world.converge();
}
