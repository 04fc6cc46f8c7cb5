//! The ledger: what was acknowledged, and what was asked for when no answer came.
//!
//! Invariant: a fact is written here only after its acknowledgement.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::process::Process;

/// How many requests each batch of usage tells of.
pub(crate) const COUNT: u64 = 7;

/// What is known of the keys, by name, and of usage. Of keys with one name the newest is meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    known: BTreeMap<String, State>,
    /// The one call that was under way when the end came, or that failed with its outcome open.
    open: Option<(String, State)>,
    /// The batches of usage of one key.
    pub(crate) usage: Option<Usage>,
    /// The call that is made once.
    pub(crate) once: Once,
}

/// A create call with an `Idempotency-Key`.
#[derive(Clone, Debug, Default)]
pub(crate) enum Once {
    /// It was not sent.
    #[default]
    Unsent,
    /// It was sent, and no answer came, or a refusal.
    Sent,
    /// It was answered: the id and the value of the key.
    Answered(Value, Value),
}

/// What is known of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is there, with these members.
    There(BTreeMap<String, Value>),
    /// It is not.
    Gone,
}

/// Batches of usage, numbered from 1.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    /// Of this key.
    pub(crate) id: String,
    /// So many were sent.
    pub(crate) sent: u64,
    /// So many were acknowledged.
    pub(crate) acknowledged: u64,
}

impl State {
    pub(crate) fn there(members: &[(&str, Value)]) -> Self {
        let members = members
            .iter()
            .map(|(name, value)| ((*name).into(), value.clone()));
        Self::There(members.collect())
    }
}

impl Ledger {
    /// Notes that `state` of the key `name` was acknowledged.
    pub(crate) fn acknowledge(&mut self, name: &str, state: State) {
        self.known.insert(name.into(), state);
    }

    /// Notes that `state` of the key `name` was asked for and may or may not have come about.
    pub(crate) fn leave_open(&mut self, name: &str, state: State) {
        self.open = Some((name.into(), state));
    }

    /// Compares with what a sidecar says.
    pub(crate) fn check(&self, process: &Process, context: &str) {
        let mut keys = list(process, "standard", context);
        keys.extend(list(process, "token_plan", context));
        for key in &keys {
            let name = key["name"].as_str().unwrap();
            let is_open = self.open.as_ref().is_some_and(|(open, _)| open == name);
            let is_known = matches!(self.known.get(name), Some(State::There(_)));
            assert!(
                is_known || is_open,
                "{context}: {name} was never acknowledged"
            );
            let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
            let whole = process.call("GET", &path, None).expect(context);
            assert_eq!(&whole.json, key, "{context}: {name}");
        }
        for (name, state) in &self.known {
            let found = keys.iter().find(|key| key["name"] == name.as_str());
            let wanted = [Some(state), self.open_state(name)];
            let fits = wanted.into_iter().flatten().any(|state| fits(state, found));
            assert!(
                fits,
                "{context}: {name} must be {state:?} and is {found:?} ({self:?})"
            );
        }
        if let Some(usage) = &self.usage {
            let counted = usage.counted(process, context);
            let charged = usage.charged(process, context);
            let possible = usage.acknowledged * COUNT..=usage.sent * COUNT;
            assert!(
                possible.contains(&counted) && possible.contains(&charged),
                "{context}: {counted} {charged} {usage:?}"
            );
        }
    }

    fn open_state(&self, name: &str) -> Option<&State> {
        let (open, state) = self.open.as_ref()?;
        (open == name).then_some(state)
    }
}

impl Usage {
    /// How many requests a sidecar has counted.
    pub(crate) fn counted(&self, process: &Process, context: &str) -> u64 {
        let path = format!("/v1/keys/{}/usage?period=day", self.id);
        let answer = process.call("GET", &path, None).expect(context);
        assert_eq!(answer.status, 200, "{context}: {answer:?}");
        answer.json["total"]["permitted"].as_u64().unwrap()
    }

    /// How many requests a sidecar has charged.
    pub(crate) fn charged(&self, process: &Process, context: &str) -> u64 {
        let path = format!("/v1/keys/{}/limits", self.id);
        let answer = process.call("GET", &path, None).expect(context);
        assert_eq!(answer.status, 200, "{context}: {answer:?}");
        answer.json["limits"][0]["used"].as_u64().unwrap()
    }
}

/// The keys of an origin, the newest first.
pub(crate) fn list(process: &Process, origin: &str, context: &str) -> Vec<Value> {
    let path = format!("/v1/keys?account=demo&limit=200&origin={origin}");
    let answer = process.call("GET", &path, None).expect(context);
    assert_eq!(answer.status, 200, "{context}: {answer:?}");
    answer.json["keys"].as_array().unwrap().clone()
}

fn fits(state: &State, found: Option<&Value>) -> bool {
    match (state, found) {
        (State::Gone, None) => true,
        (State::There(members), Some(key)) => members
            .iter()
            .all(|(member, value)| key[member.as_str()] == *value),
        _ => false,
    }
}
