//! Rotation: a successor beside its predecessor, the end of a grace, the reset of a plan key.
//!
//! Does not mint values. Invariants: of one key and its successors, at most two can be used at a
//! time, and one of them counts against the limit; the one that is replaced has an expiry. When a
//! successor is deleted, the schema makes the key that it replaced an ordinary one again.

use keytable::Limits;
use serde_json::json;

use crate::domain::act::Act;
use crate::domain::audit::AuditAction;
use crate::domain::key::{Key, NewKey};
use crate::domain::key_detail;
use crate::domain::origin::Origin;
use crate::domain::rotation::Grace;
use crate::store::error::StoreError;
use crate::store::feed::changes;
use crate::store::feed::changes::{ChangeEntry, ChangeKind};
use crate::store::idempotency::{Idempotent, IdempotentCall};
use crate::store::keys::lifecycle::{self, Minted, Target, change_of, note};
use crate::store::sql::Connection;
use crate::store::{Store, Stored, row};

const HAS_SUCCESSOR: &str = "the key has a successor already: rotate that one";
const HAS_EXPIRED: &str = "the key has expired: set a later expires_at first, or make a new key";
const GRACE_RUNS: &str =
    "the key's predecessor can still be used: end its grace first, or wait until it is over";
const IS_PLAN: &str = "a plan key keeps its id: reset it instead";
const IS_STANDARD: &str = "only plan keys are reset: rotate the key instead";
const NO_GRACE: &str = "the key has no successor: no grace runs that could be ended";

/// A key and what replaces it.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// The new key.
    pub successor: Key,
    /// The old one, with the end of its grace as its expiry.
    pub predecessor: Key,
}

impl Store {
    /// Gives a key a successor under the same policy, or finds the one that the same call made
    /// before; the key itself works until `grace` is over.
    pub fn rotate(
        &self,
        target: &Target,
        minted: Minted,
        grace: Grace,
        once: Option<&IdempotentCall>,
        act: &Act,
    ) -> Result<Idempotent<Stored<Rotated>>, StoreError> {
        self.change_once(once, act.at, |connection| {
            let mut predecessor = lifecycle::find(connection, target)?;
            lifecycle::check_revision(target, &predecessor)?;
            check_rotatable(&predecessor, act)?;
            let mut changes = Vec::new();
            changes.extend(bury_expired_predecessor(connection, &predecessor, act)?);
            let successor = lifecycle::add(connection, twin(&predecessor), minted, act.at)?;
            let expiry = predecessor.policy.expires_at;
            predecessor.policy.expires_at = Some(grace.end(act.at, expiry));
            predecessor.successor = Some(successor.id.clone());
            predecessor.touch(act.at);
            row::update(connection, &predecessor)?;
            let detail = json!({
                "name": predecessor.name.as_str(),
                "successor": successor.id.as_str(),
                "expires_at": predecessor.policy.expires_at.map(|at| at.to_string()),
            });
            note(
                connection,
                act,
                AuditAction::KeyRotated,
                &predecessor,
                detail,
            )?;
            let detail = key_detail::made(&successor);
            note(connection, act, AuditAction::KeyCreated, &successor, detail)?;
            changes.extend([&successor, &predecessor].map(|key| change_of(key, ChangeKind::Put)));
            let id = successor.id.clone();
            let rotated = Rotated {
                successor,
                predecessor,
            };
            Ok((rotated, id, changes))
        })
    }

    /// A successor that was made before, and the key that it replaces.
    pub fn rotated(&self, successor: &Target) -> Result<Stored<Rotated>, StoreError> {
        self.read(|connection| {
            let successor = lifecycle::find(connection, successor)?;
            let replaced = Target {
                id: successor.predecessor.clone().ok_or(StoreError::NotFound)?,
                account: Some(successor.account.clone()),
                revisions: None,
            };
            let predecessor = lifecycle::find(connection, &replaced)?;
            let value = Rotated {
                successor,
                predecessor,
            };
            let generation = changes::newest(connection)?;
            Ok(Stored { value, generation })
        })
    }

    /// Ends the grace of a key that has a successor: from now on it is refused.
    pub fn end_grace(&self, target: &Target, act: &Act) -> Result<Stored<Key>, StoreError> {
        self.change(|connection| {
            let mut key = lifecycle::find(connection, target)?;
            lifecycle::check_revision(target, &key)?;
            if key.successor.is_none() {
                return Err(StoreError::Conflict(NO_GRACE));
            }
            if key.has_expired(act.at) {
                return Ok((key, Vec::new()));
            }
            key.policy.expires_at = Some(act.at);
            key.touch(act.at);
            row::update(connection, &key)?;
            let detail = key_detail::named(&key);
            note(connection, act, AuditAction::GraceEnded, &key, detail)?;
            let change = change_of(&key, ChangeKind::Put);
            Ok((key, vec![change]))
        })
    }

    /// Gives a plan key a new value, unless the same call has done so before; the old one is dead
    /// at once. Of `minted`, the id and the creator are not used.
    pub fn reset(
        &self,
        target: &Target,
        minted: &Minted,
        once: Option<&IdempotentCall>,
        act: &Act,
    ) -> Result<Idempotent<Stored<Key>>, StoreError> {
        self.change_once(once, act.at, |connection| {
            let (key, changes) = set_anew(connection, target, minted, act)?;
            let id = key.id.clone();
            Ok((key, id, changes))
        })
    }
}

fn set_anew(
    connection: &Connection,
    target: &Target,
    minted: &Minted,
    act: &Act,
) -> Result<(Key, Vec<ChangeEntry>), StoreError> {
    let mut key = lifecycle::find(connection, target)?;
    lifecycle::check_revision(target, &key)?;
    if key.origin == Origin::Standard {
        return Err(StoreError::Conflict(IS_STANDARD));
    }
    lifecycle::require_new_value(connection, &minted.hash)?;
    lifecycle::end_value(connection, &key.hash, act.at)?;
    let removed = change_of(&key, ChangeKind::Remove);
    key.hash = minted.hash;
    key.masked.clone_from(&minted.masked);
    key.key_version = key.key_version.saturating_add(1);
    key.value_set_at = act.at;
    key.recoverable = minted.sealed.is_some();
    key.touch(act.at);
    row::set_value(connection, &key, minted.sealed.as_ref())?;
    let detail = json!({
        "name": key.name.as_str(),
        "masked": key.masked,
        "key_version": key.key_version,
    });
    note(connection, act, AuditAction::KeyReset, &key, detail)?;
    let put = change_of(&key, ChangeKind::Put);
    Ok((key, vec![removed, put]))
}

fn check_rotatable(key: &Key, act: &Act) -> Result<(), StoreError> {
    if key.origin != Origin::Standard {
        return Err(StoreError::Conflict(IS_PLAN));
    }
    if key.successor.is_some() {
        return Err(StoreError::Conflict(HAS_SUCCESSOR));
    }
    if key.has_expired(act.at) {
        return Err(StoreError::Conflict(HAS_EXPIRED));
    }
    Ok(())
}

/// A predecessor whose grace is over has nothing left to do; one that still works is in the way.
fn bury_expired_predecessor(
    connection: &Connection,
    key: &Key,
    act: &Act,
) -> Result<Option<ChangeEntry>, StoreError> {
    let Some(id) = key.predecessor.clone() else {
        return Ok(None);
    };
    let target = Target {
        id,
        account: Some(key.account.clone()),
        revisions: None,
    };
    let predecessor = match lifecycle::find(connection, &target) {
        Err(StoreError::NotFound) => return Ok(None),
        found => found?,
    };
    if !predecessor.has_expired(act.at) {
        return Err(StoreError::Conflict(GRACE_RUNS));
    }
    lifecycle::bury(connection, &predecessor, act.at)?;
    let detail = key_detail::named(&predecessor);
    note(
        connection,
        act,
        AuditAction::KeyDeleted,
        &predecessor,
        detail,
    )?;
    Ok(Some(change_of(&predecessor, ChangeKind::Remove)))
}

/// A new key like this one.
fn twin(key: &Key) -> NewKey {
    NewKey {
        account: key.account.clone(),
        region: key.region.clone(),
        origin: key.origin,
        name: key.name.clone(),
        team: key.team.clone(),
        policy: key.policy.clone(),
        // They are the line's.
        limits: Limits::default(),
    }
}

#[cfg(test)]
mod tests;
