//! What the audit is told about a key: what it was made with, and what a change has changed.
//!
//! Does not write rows. Invariant: of the value there is the mask at most.

use keytable::Axis;
use serde_json::{Map, Value, json};

use crate::domain::key::Key;
use crate::domain::status::status_word;

/// The whole key, as it was made.
pub fn made(key: &Key) -> Value {
    let mut detail = json!({
        "name": key.name.as_str(),
        "region": key.region.as_str(),
        "origin": key.origin.as_str(),
        "masked": key.masked,
    });
    if let Value::Object(members) = &mut detail {
        members.extend(policy(key));
    }
    detail
}

/// The parts in which two states of a key differ, each before and after.
pub fn changed(before: &Key, after: &Key) -> Value {
    let (old, new) = (policy(before), policy(after));
    let differ = old
        .iter()
        .filter(|(name, value)| new.get(*name) != Some(*value));
    let was: Map<String, Value> = differ.map(|(n, v)| (n.clone(), v.clone())).collect();
    let is = new.into_iter().filter(|(name, _)| was.contains_key(name));
    let is: Map<String, Value> = is.collect();
    json!({"name": before.name.as_str(), "before": was, "after": is})
}

/// Which key it was, where no more is to be said.
pub fn named(key: &Key) -> Value {
    json!({"name": key.name.as_str(), "region": key.region.as_str(), "masked": key.masked})
}

/// An axis, as the REST API writes it.
pub fn axis(axis: &Axis) -> Value {
    match axis {
        Axis::All => "all".into(),
        Axis::Listed(entries) => entries.iter().map(ToString::to_string).collect(),
    }
}

fn policy(key: &Key) -> Map<String, Value> {
    let policy = &key.policy;
    let networks = policy.addresses.networks().iter();
    let parts = [
        ("description", policy.description.as_str().into()),
        ("status", status_word(policy.status).into()),
        (
            "scope",
            json!({
                "models": axis(&policy.scope.models),
                "services": axis(&policy.scope.services),
            }),
        ),
        ("ip_allowlist", networks.map(ToString::to_string).collect()),
        (
            "expires_at",
            policy.expires_at.map(|at| at.to_string()).into(),
        ),
        ("labels", policy.labels.to_json()),
        ("limits", key.limits.shown()),
    ];
    parts
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}
