//! What callers are told about a key.
//!
//! Does not decide who may read it. Invariant: the value is in [`Created`] and what holds it only.

use keytable::{AccountId, Status};
use schemars::JsonSchema;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::api::limits::answer::LimitAnswer;
use crate::domain::clock::UnixMillis;
use crate::domain::key::Key;
use crate::domain::name::{Description, KeyName};
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;
use crate::feed::propagation::Propagation;
use crate::http::shape::{Shown, ShownAxis, ShownLabels};

/// What a key may call.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Scope")]
struct ScopeAnswer {
    /// The models
    models: ShownAxis,
    /// The services
    services: ShownAxis,
}

/// A key, masked.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub(crate) struct KeyAnswer {
    /// Its public handle
    id: String,
    /// The value with its middle left out
    masked: String,
    /// What people call it
    name: Shown<KeyName>,
    /// What it is for
    description: Shown<Description>,
    /// Whose it is
    account: Shown<AccountId>,
    /// Which Envoys know it
    region: Shown<RegionId>,
    /// Where it comes from
    origin: Shown<Origin>,
    /// Whether it may be used
    status: Shown<Status>,
    /// What it may call
    scope: ScopeAnswer,
    /// From which addresses and networks it may be used; empty: from anywhere
    ip_allowlist: Vec<String>,
    /// From when on it is refused; null: never
    expires_at: Option<Shown<UnixMillis>>,
    /// Words of the admin's own, to find and sum keys by
    labels: ShownLabels,
    /// How much it may use, together with the keys that it replaced or that replace it
    limits: Vec<LimitAnswer>,
    /// When it was made
    created_at: Shown<UnixMillis>,
    /// When it was last changed
    updated_at: Shown<UnixMillis>,
    /// When it was last used; null: never
    last_used_at: Option<Shown<UnixMillis>>,
    /// Who made it
    creator: String,
    /// Which value it has, from 1
    key_version: u32,
    /// When it got this value
    value_set_at: Shown<UnixMillis>,
    /// Whether the value can be shown again
    recoverable: bool,
    /// The id of the key that it replaces
    predecessor: Option<String>,
    /// The id of the key that replaces it
    successor: Option<String>,
}

/// A key with its value.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreatedKey")]
pub(crate) struct Created<'a> {
    /// The value
    key: &'a str,
    #[serde(flatten)]
    answer: KeyAnswer,
    /// How far the change has come
    propagation: Propagation,
}

/// A new key with its value, and the one that it replaces.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RotatedKey")]
pub(crate) struct RotatedAnswer<'a> {
    #[serde(flatten)]
    created: Created<'a>,
    /// The key that goes on until its grace is over
    replaced: KeyAnswer,
}

/// A key that was changed, without its value.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChangedKey")]
pub(crate) struct Changed {
    #[serde(flatten)]
    answer: KeyAnswer,
    /// How far the change has come
    propagation: Propagation,
}

/// Which key was deleted, and when.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeletedKey")]
pub(crate) struct Deleted {
    /// The id that it had
    pub(crate) id: String,
    /// When it was deleted
    pub(crate) deleted_at: Shown<UnixMillis>,
    /// How far the change has come
    pub(crate) propagation: Propagation,
}

/// A page of keys.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KeyList")]
pub(crate) struct Listed {
    /// The keys
    pub(crate) keys: Vec<KeyAnswer>,
    /// What to ask the next page with; null: this is the last one
    pub(crate) next_cursor: Option<String>,
    /// How many keys all pages have
    pub(crate) total: u64,
}

/// The value of a key.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RevealedKey")]
pub(crate) struct Revealed<'a> {
    /// The key's id
    pub(super) id: &'a str,
    /// The value
    pub(super) key: &'a str,
    /// Which value it is, from 1
    pub(super) key_version: u32,
}

impl KeyAnswer {
    pub(crate) fn new(key: &Key) -> Self {
        let policy = &key.policy;
        let networks = policy.addresses.networks().iter();
        Self {
            id: key.id.to_string(),
            masked: key.masked.clone(),
            name: Shown(key.name.clone()),
            description: Shown(policy.description.clone()),
            account: Shown(key.account.clone()),
            region: Shown(key.region.clone()),
            origin: Shown(key.origin),
            status: Shown(policy.status),
            scope: ScopeAnswer {
                models: ShownAxis(policy.scope.models.clone()),
                services: ShownAxis(policy.scope.services.clone()),
            },
            ip_allowlist: networks.map(ToString::to_string).collect(),
            expires_at: policy.expires_at.map(Shown),
            labels: ShownLabels(policy.labels.clone()),
            limits: LimitAnswer::all(&key.limits),
            created_at: Shown(key.created_at),
            updated_at: Shown(key.updated_at),
            last_used_at: key.last_used_at.map(Shown),
            creator: key.creator.clone(),
            key_version: key.key_version,
            value_set_at: Shown(key.value_set_at),
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
