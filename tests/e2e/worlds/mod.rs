//! Envoy's own life around the gate: listeners that are replaced, processes that take over, machines
//! that crash, memory that ends, neighbours in the shared data, clocks that jump; all under load.
//!
//! The numbers are those of the list of hostile cases. Invariant: whatever happens, nothing is passed
//! on without a live key, as the upstream has it; and what a good key is refused is said and counted.

mod clocks;
mod neighbours;
mod pushes;
mod sizes;
mod takeover;
mod traps;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};

use envoy::{Stack, StackOptions};
use serde_json::json;
use tests::load::{Load, Told};
use tests::{Admin, Key, wait_for};

/// Clients with the good key, and as many with keys that are dead.
const CLIENTS: usize = 4;
/// A key that nobody has ever had: its form and its checksum are right.
const NOBODYS: usize = 1 << 40;

/// A sidecar, an upstream, and keys; each test starts an Envoy of its own.
struct Home {
    stack: Stack,
    admin: Admin,
    good: Key,
    dead: Vec<String>,
}

/// Clients that call an Envoy all the time.
struct Traffic {
    load: Load,
    good: String,
}

/// What came of it.
#[derive(Debug)]
struct Outcome {
    /// Requests with the good key by what they were told; 0 = the connection ended.
    good: BTreeMap<u16, usize>,
    /// Requests with a dead key.
    dead: BTreeMap<u16, usize>,
    /// Those with a dead key that were permitted, or that the upstream has got. (One with the good key
    /// may be there already when its worker crashes.)
    passed: Vec<String>,
    /// The clients, by number, that were told at least once that there is no table or no gate.
    turned_away: BTreeSet<String>,
    /// From the first to the last request with the good key that was told so.
    gap: Duration,
}

impl Home {
    fn start() -> Self {
        Self::start_with(StackOptions::default())
    }

    fn start_with(options: StackOptions) -> Self {
        let mut stack = Stack::prepare(options).unwrap_or_else(|error| panic!("{error}"));
        stack.start_sidecar().unwrap();
        let admin = Admin::of(&stack);
        let good = admin.create_waiting("good", json!({}), "?wait=none");
        let disabled = admin.create_waiting("disabled", json!({}), "?wait=none");
        admin.patch(&disabled, &json!({"status": "disabled"}));
        let deleted = admin.create_waiting("deleted", json!({}), "?wait=none");
        admin.delete(&deleted);
        let nobodys = tests::made_keys::MadeKey::of(NOBODYS).value;
        Self {
            stack,
            admin,
            good,
            dead: vec![disabled.value, deleted.value, nobodys],
        }
    }

    /// Clients call; waits until each of them was answered.
    fn traffic(&self, url: &str) -> Traffic {
        let (good, dead) = (self.good.value.clone(), self.dead.clone());
        let given = good.clone();
        let load = Load::start(url, 2 * CLIENTS, move |client| match client % 2 {
            0 => given.clone(),
            _ => dead[client / 2 % dead.len()].clone(),
        });
        let traffic = Traffic { load, good };
        traffic.go_on();
        traffic
    }

    /// Ends it; what came of it.
    fn end(&self, traffic: Traffic) -> Outcome {
        let told = traffic.load.stop();
        let arrived = self.stack.upstream().unwrap().requests();
        let arrived: HashSet<&str> = arrived.iter().filter_map(|r| r.header("x-load")).collect();
        let is_good = |told: &&Told| told.key == traffic.good;
        let passed = |told: &&Told| {
            !is_good(told) && (told.status == 200 || arrived.contains(told.name.as_str()))
        };
        let away = told.iter().filter(|told| told.status == 503);
        let client = |told: &Told| told.name.split('-').next().unwrap_or_default().to_owned();
        let outcome = Outcome {
            good: statuses(told.iter().filter(is_good)),
            dead: statuses(told.iter().filter(|told| !is_good(told))),
            passed: told.iter().filter(passed).map(|t| t.name.clone()).collect(),
            turned_away: away.clone().map(client).collect(),
            gap: span(away.filter(is_good)),
        };
        let Outcome {
            good, dead, gap, ..
        } = &outcome;
        println!("good {good:?} (503 over {gap:?}), dead {dead:?}");
        outcome
    }
}

impl Traffic {
    /// Waits until every client has been answered many times more.
    fn go_on(&self) {
        let count = self.load.count();
        wait_for("clients are answered", || {
            self.load.count() >= count + 40 * CLIENTS
        });
    }
}

impl Outcome {
    /// Nothing passed without a live key, and dead keys were tried.
    fn assert_closed(&self) {
        assert!(self.passed.is_empty(), "passed: {:?}", self.passed);
        assert!(self.dead.contains_key(&401), "{self:?}");
    }

    /// Moreover every good request was permitted, and every other one refused in words.
    fn assert_clean(&self) {
        self.assert_told(&[]);
    }

    /// The same, or these were told: never to a good key that it is none, nor to a dead one that it
    /// may pass.
    fn assert_told(&self, others: &[u16]) {
        self.assert_closed();
        let is_told = |right: u16| move |status: &u16| *status == right || others.contains(status);
        assert!(self.good.keys().all(is_told(200)), "{self:?}");
        assert!(self.dead.keys().all(is_told(401)), "{self:?}");
    }
}

fn span<'t>(told: impl Iterator<Item = &'t Told>) -> Duration {
    let begun: Vec<Instant> = told.map(|told| told.begun).collect();
    let ends = begun.iter().min().zip(begun.iter().max());
    ends.map_or(Duration::ZERO, |(first, last)| *last - *first)
}

fn statuses<'t>(told: impl Iterator<Item = &'t Told>) -> BTreeMap<u16, usize> {
    told.fold(BTreeMap::new(), |mut counts, told| {
        *counts.entry(told.status).or_default() += 1;
        counts
    })
}
