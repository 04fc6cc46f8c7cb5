//! What the outages happen to: Envoy, a wire, the sidecar; keys that live and keys that are dead;
//! and a load that uses them all the time.
//!
//! Does not know which outage. Invariant: whatever happens, no request of a dead key is passed on;
//! [`World::judge`] holds every load to that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use envoy::{MaxStaleness, Stack, StackOptions};
use serde_json::{Value, json};
use tests::admin::assert_applied;
use tests::load::{Load, Told};
use tests::raw::{Answer, post_chat_with};
use tests::verdict::{Span, not_served, passed_when_dead};
use tests::wire::Wire;
use tests::{Admin, Key, chat, stat, wait_for};

pub(super) const GENERATION: &str = "wasmcustom.latchkey.generation";
/// Half of them use the good key.
pub(super) const CLIENTS: usize = 12;
const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct World {
    pub(super) stack: Stack,
    pub(super) admin: Admin,
    pub(super) wire: Wire,
    /// Lives from begin to end.
    pub(super) good: Key,
    /// Since when values are dead.
    dead: HashMap<String, Instant>,
    /// What the other half of the clients use: the two that were added last.
    roster: Arc<Mutex<Vec<String>>>,
}

impl World {
    pub(super) fn start(max_staleness: MaxStaleness) -> Self {
        let mut world = Self::without_envoy(max_staleness);
        world.stack.start_envoy().unwrap();
        world.stack.wait_for_table().unwrap();
        world
    }

    /// Envoy has not been started yet.
    pub(super) fn without_envoy(max_staleness: MaxStaleness) -> Self {
        let mut stack = Stack::prepare(StackOptions {
            max_staleness,
            sidecar_args: vec!["--key-limit-default".to_owned(), "1000000".to_owned()],
            ..StackOptions::default()
        })
        .unwrap();
        let wire = Wire::in_front_of(&mut stack);
        stack.start_sidecar().unwrap();
        let admin = Admin::of(&stack);
        let good = admin.create("good", json!({}));
        let mut world = Self {
            stack,
            admin,
            wire,
            good,
            dead: HashMap::new(),
            roster: Arc::default(),
        };
        let first = world.doomed("dead-from-the-start");
        world.delete(&first);
        world
    }

    /// A key that clients use from the next load on, and that dies one day.
    pub(super) fn doomed(&mut self, name: &str) -> Key {
        self.doomed_with(name, json!({}))
    }

    /// The same with further members.
    pub(super) fn doomed_with(&mut self, name: &str, members: Value) -> Key {
        let key = self.admin.create(name, members);
        self.roster.lock().unwrap().push(key.value.clone());
        key
    }

    /// Deletes a key. Whoever may serve must have it in force; the key is dead from then on.
    pub(super) fn delete(&mut self, key: &Key) {
        assert_settled(&self.remove(key, "wait=applied&timeout_s=60"));
        self.bury(key, Instant::now());
    }

    /// Deletes a key, with a query; gives the answer.
    pub(super) fn remove(&self, key: &Key, query: &str) -> Value {
        let path = format!("/v1/keys/{}?confirm={}&{query}", key.id, key.name);
        let (status, answer) = self.admin.call("DELETE", &path, None);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Requests of this key that begin later are not to pass any more, if it is not dead yet.
    pub(super) fn bury(&mut self, key: &Key, at: Instant) {
        self.dead.entry(key.value.clone()).or_insert(at);
    }

    pub(super) fn load(&self) -> Load {
        let (good, roster) = (self.good.value.clone(), Arc::clone(&self.roster));
        self.stack.upstream().unwrap().clear();
        let load = Load::paced(&self.stack.envoy_url(), CLIENTS, PAUSE, move |client| {
            let roster = roster.lock().unwrap();
            let back = 1 + client / 2 % roster.len().min(2);
            match client % 2 {
                0 => good.clone(),
                _ => roster[roster.len() - back].clone(),
            }
        });
        load.settle();
        load
    }

    /// Ends a load. Nothing may have passed with a dead key, and in each of these times every
    /// request of the good key must have been served.
    pub(super) fn judge(&self, what: &str, load: Load, served: &[Span]) -> Vec<Told> {
        let told = load.stop();
        let recorded = self.stack.upstream().unwrap().requests();
        let late = passed_when_dead(&self.dead, &told, &recorded);
        let is_dead = |told: &&Told| self.dead.get(&told.key).is_some_and(|at| told.begun > *at);
        let tried = told.iter().filter(is_dead).count();
        let refused: Vec<_> = served
            .iter()
            .flat_map(|span| not_served(&self.good.value, &told, *span))
            .collect();
        let good = served.iter().flat_map(|span| span.of(&told));
        let good = good.filter(|told| told.key == self.good.value).count();
        println!(
            "{what}: {} requests; {tried} with a dead key, {} passed; {good} to be served, {} not",
            told.len(),
            late.len(),
            refused.len(),
        );
        assert!(late.is_empty(), "{what}: passed with a dead key: {late:?}");
        assert!(refused.is_empty(), "{what}: not served: {refused:?}");
        assert!(tried > 0 && (good > 0 || served.is_empty()), "{what}");
        told
    }

    pub(super) fn ask(&self, key: &Key) -> Answer {
        post_chat_with(&self.stack.envoy_url(), &key.value, &chat("glm-5.1"))
    }

    /// Waits until the good key is served, by an Envoy that has everything up to now in force.
    pub(super) fn converge(&self) {
        wait_for("traffic is served", || self.ask(&self.good).status == 200);
        self.change(
            &self.good,
            &json!({"description": format!("{:?}", Instant::now())}),
        );
    }

    /// Changes a key and waits, also for an agent that has just backed off, until it is in force.
    pub(super) fn change(&self, key: &Key, members: &Value) {
        let path = format!("/v1/keys/{}?wait=applied&timeout_s=60", key.id);
        let (status, answer) = self.admin.call("PATCH", &path, Some(members));
        assert_eq!(status, 200, "{answer}");
        assert_applied(&answer);
    }

    pub(super) fn generation(&self) -> u64 {
        stat(&self.stack, GENERATION)
    }
}

/// Everybody who may serve has a change in force, be it nobody.
pub(super) fn assert_settled(answer: &Value) {
    let propagation = &answer["propagation"];
    assert_eq!(propagation["applied"], propagation["envoys"], "{answer}");
}
