//! What callers are told about a key.
//!
//! Does not decide who may read it. Invariant: the value is in [`Created`] and what holds it only.

use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::domain::key::Key;
use crate::domain::key_detail::{axis, status_word};
use crate::feed::propagation::Propagation;

/// A key, masked.
#[derive(Debug, Serialize)]
pub(crate) struct KeyAnswer {
    id: String,
    masked: String,
    name: String,
    description: String,
    account: String,
    region: String,
    origin: &'static str,
    status: &'static str,
    scope: Value,
    ip_allowlist: Vec<String>,
    expires_at: Option<String>,
    created_at: String,
    updated_at: String,
    last_used_at: Option<String>,
    creator: String,
    key_version: u32,
    value_set_at: String,
    recoverable: bool,
    predecessor: Option<String>,
    successor: Option<String>,
}

/// The answer to a call that sets a value.
#[derive(Serialize)]
pub(crate) struct Created<'a> {
    key: &'a str,
    #[serde(flatten)]
    answer: KeyAnswer,
    propagation: Propagation,
}

/// The answer to a rotate call.
#[derive(Serialize)]
pub(crate) struct RotatedAnswer<'a> {
    #[serde(flatten)]
    created: Created<'a>,
    replaced: KeyAnswer,
}

/// The answer to a call that changes a key and shows no value.
#[derive(Debug, Serialize)]
pub(crate) struct Changed {
    #[serde(flatten)]
    answer: KeyAnswer,
    propagation: Propagation,
}

/// The answer to a delete call.
#[derive(Debug, Serialize)]
pub(crate) struct Deleted {
    pub(crate) id: String,
    pub(crate) deleted_at: String,
    pub(crate) propagation: Propagation,
}

/// The answer to a list call.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    pub(crate) keys: Vec<KeyAnswer>,
    pub(crate) next_cursor: Option<String>,
    pub(crate) total: u64,
}

impl KeyAnswer {
    pub(crate) fn new(key: &Key) -> Self {
        let policy = &key.policy;
        let networks = policy.addresses.networks().iter();
        Self {
            id: key.id.to_string(),
            masked: key.masked.clone(),
            name: key.name.as_str().into(),
            description: policy.description.as_str().into(),
            account: key.account.to_string(),
            region: key.region.to_string(),
            origin: key.origin.as_str(),
            status: status_word(policy.status),
            scope: json!({
                "models": axis(&policy.scope.models),
                "services": axis(&policy.scope.services),
            }),
            ip_allowlist: networks.map(ToString::to_string).collect(),
            expires_at: policy.expires_at.map(|at| at.to_string()),
            created_at: key.created_at.to_string(),
            updated_at: key.updated_at.to_string(),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
            creator: key.creator.clone(),
            key_version: key.key_version,
            value_set_at: key.value_set_at.to_string(),
            recoverable: key.recoverable,
            predecessor: key.predecessor.as_ref().map(ToString::to_string),
            successor: key.successor.as_ref().map(ToString::to_string),
        }
    }
}

impl<'a> Created<'a> {
    pub(crate) fn new(key: &Key, value: &'a Zeroizing<String>, propagation: Propagation) -> Self {
        Self {
            key: value.as_str(),
            answer: KeyAnswer::new(key),
            propagation,
        }
    }
}

impl<'a> RotatedAnswer<'a> {
    pub(crate) fn new(
        successor: &Key,
        value: &'a Zeroizing<String>,
        predecessor: &Key,
        propagation: Propagation,
    ) -> Self {
        Self {
            created: Created::new(successor, value, propagation),
            replaced: KeyAnswer::new(predecessor),
        }
    }
}

impl Changed {
    pub(crate) fn new(key: &Key, propagation: Propagation) -> Self {
        Self {
            answer: KeyAnswer::new(key),
            propagation,
        }
    }
}
