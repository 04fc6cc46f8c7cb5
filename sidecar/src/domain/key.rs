//! A key: what the sidecar knows of it, and the two ways in which an admin writes it.
//!
//! Does not hold the value, only its hash. Invariant: id, name, account, region, origin and team
//! never change, the hash only when a plan key is reset; an edit leaves out what it does not touch.

use keytable::{AccountId, AddressList, KeyHash, KeyId, Limits, Scope, Status};

use crate::domain::clock::UnixMillis;
use crate::domain::label::Labels;
use crate::domain::limit::CountedLimits;
use crate::domain::name::{Description, KeyName};
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;

/// A stored key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its public handle.
    pub id: KeyId,
    /// Whose it is.
    pub account: AccountId,
    /// Which Envoys know it.
    pub region: RegionId,
    /// Where it comes from.
    pub origin: Origin,
    /// What its admin calls it.
    pub name: KeyName,
    /// The team of the plan that it belongs to, if that was said.
    pub team: Option<KeyName>,
    /// The part that can be edited.
    pub policy: Policy,
    /// The identity of its value.
    pub hash: KeyHash,
    /// What may be shown of its value.
    pub masked: String,
    /// How often its value was set, from 1.
    pub key_version: u32,
    /// Who made it.
    pub creator: String,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last edited.
    pub updated_at: UnixMillis,
    /// When its value was last set.
    pub value_set_at: UnixMillis,
    /// When a request last used it, as far as Envoys have said.
    pub last_used_at: Option<UnixMillis>,
    /// The key that it was made to replace.
    pub predecessor: Option<KeyId>,
    /// The key that was made to replace it: it only narrows, and does not count any more.
    pub successor: Option<KeyId>,
    /// Whether its value can be revealed.
    pub recoverable: bool,
    /// Rises with every edit, from 1.
    pub revision: u64,
    /// Whose limits it has: the first of the keys that replaced each other.
    pub subject: KeyId,
    /// The limits of all of them together.
    pub limits: CountedLimits,
}

/// What an admin decides about a key and may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What the key is for, in words.
    pub description: Description,
    /// Whether it may be used at all.
    pub status: Status,
    /// What it may call.
    pub scope: Scope,
    /// Where it may be used from.
    pub addresses: AddressList,
    /// From when on it is refused; `None` = never.
    pub expires_at: Option<UnixMillis>,
    /// What it is found and summed by.
    pub labels: Labels,
}

/// A key that is to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Whose it will be.
    pub account: AccountId,
    /// Which Envoys will know it.
    pub region: RegionId,
    /// Where it comes from.
    pub origin: Origin,
    /// What its admin calls it.
    pub name: KeyName,
    /// The team of the plan that it belongs to, if that was said.
    pub team: Option<KeyName>,
    /// The part that can be edited later.
    pub policy: Policy,
    /// Its limits.
    pub limits: Limits,
}

/// A change of a key's policy; `None` leaves a part as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyEdit {
    /// The new description.
    pub description: Option<Description>,
    /// The new status.
    pub status: Option<Status>,
    /// The new scope, whole.
    pub scope: Option<Scope>,
    /// The new address list, whole.
    pub addresses: Option<AddressList>,
    /// The new expiry; `Some(None)` takes it away.
    pub expires_at: Option<Option<UnixMillis>>,
    /// The new labels, whole.
    pub labels: Option<Labels>,
    /// The new limits, whole: also those of the keys that it replaced, or that replace it.
    pub limits: Option<Limits>,
    /// What was written once and is repeated by whoever sends a key back as a whole.
    pub unchanged: Unchanged,
}

/// Parts that never change, as a caller believes them to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unchanged {
    /// The name.
    pub name: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The origin.
    pub origin: Option<String>,
}

impl Unchanged {
    /// The parts that the key has otherwise.
    pub fn differing(&self, key: &Key) -> Vec<&'static str> {
        let parts = [
            ("name", &self.name, key.name.as_str()),
            ("account", &self.account, key.account.as_str()),
            ("region", &self.region, key.region.as_str()),
            ("origin", &self.origin, key.origin.as_str()),
        ];
        let differs = |believed: &Option<String>, is: &str| {
            believed.as_ref().is_some_and(|believed| believed != is)
        };
        parts
            .iter()
            .filter(|(_, believed, is)| differs(believed, is))
            .map(|(part, ..)| *part)
            .collect()
    }
}

impl Key {
    /// Applies an edit that is stored at `now`.
    pub fn apply(&mut self, edit: KeyEdit, now: UnixMillis) {
        let policy = &mut self.policy;
        replace(&mut policy.description, edit.description);
        replace(&mut policy.status, edit.status);
        replace(&mut policy.scope, edit.scope);
        replace(&mut policy.addresses, edit.addresses);
        replace(&mut policy.expires_at, edit.expires_at);
        replace(&mut policy.labels, edit.labels);
        self.touch(now);
    }

    /// Notes that the key was changed at `now`.
    pub fn touch(&mut self, now: UnixMillis) {
        // The clock may have been set back; a key is never older than its making.
        self.updated_at = now.max(self.updated_at);
        self.revision = self.revision.saturating_add(1);
    }

    /// Whether it is refused at `now` because of its expiry.
    pub fn has_expired(&self, now: UnixMillis) -> bool {
        self.policy.expires_at.is_some_and(|at| at <= now)
    }
}

fn replace<T>(part: &mut T, new: Option<T>) {
    if let Some(value) = new {
        *part = value;
    }
}
