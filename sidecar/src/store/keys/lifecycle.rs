//! Keys: made, found, edited, deleted.
//!
//! Does not mint values or check texts: it gets parsed ones. Invariant: every change is the row,
//! its audit row, its log entry and the next generation in one transaction, or nothing.

use keytable::{AccountId, KeyHash, KeyId, LimitSubject};
use serde_json::Value;

use crate::domain::act::Act;
use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::key::{Key, KeyEdit, NewKey};
use crate::domain::key_detail;
use crate::domain::limit::CountedLimits;
use crate::domain::rotation;
use crate::domain::secrets::sealed::Sealed;
use crate::store::error::StoreError;
use crate::store::feed::changes::{ChangeEntry, ChangeKind};
use crate::store::idempotency::{Idempotent, IdempotentCall};
use crate::store::keys::{limit, line};
use crate::store::knowledge::catalog;
use crate::store::limits::subjects;
use crate::store::pagination::require_revision;
use crate::store::row::{self, Columns, KEY_COLUMNS, integer};
use crate::store::sql::{Connection, OptionalExtension, params};
use crate::store::{Store, Stored, audit};

const RETIRES: &str = "the key has a successor: it can only be narrowed, disabled or deleted";

/// What the minting of a key adds to what its admin wrote.
#[derive(Debug)]
pub struct Minted {
    /// The new key's id.
    pub id: KeyId,
    /// The hash of its value.
    pub hash: KeyHash,
    /// What may be shown of its value.
    pub masked: String,
    /// The value, sealed for its row; `None`: it cannot be revealed.
    pub sealed: Option<Sealed>,
    /// The key that it is to replace.
    pub predecessor: Option<KeyId>,
    /// Who makes it.
    pub creator: String,
}

/// How a key is made.
#[derive(Clone, Copy, Debug)]
pub struct CreateOptions {
    /// What is written down: that it was created, or imported.
    pub action: AuditAction,
    /// Whether its scope may name what is not in the catalog.
    pub allow_unlisted: bool,
}

/// Which key is meant, and in which state.
#[derive(Clone, Debug)]
pub struct Target {
    /// The key.
    pub id: KeyId,
    /// Only in this account.
    pub account: Option<AccountId>,
    /// Only in one of these revisions.
    pub revisions: Option<Vec<u64>>,
}

impl Store {
    /// Makes a key, or finds the one that the same call made before.
    pub fn insert(
        &self,
        new: NewKey,
        minted: Minted,
        options: &CreateOptions,
        once: Option<&IdempotentCall>,
        act: &Act,
    ) -> Result<Idempotent<Stored<Key>>, StoreError> {
        let limit_default = self.key_limit_default();
        self.change_once(once, act.at, |connection| {
            limit::require_room(connection, &new, limit_default)?;
            if !options.allow_unlisted {
                catalog::require_listed(connection, &new.region, &new.policy.scope)?;
            }
            let key = add(connection, new, minted, act.at)?;
            let detail = key_detail::made(&key);
            note(connection, act, options.action, &key, detail)?;
            let (id, change) = (key.id.clone(), change_of(&key, ChangeKind::Put));
            Ok((key, id, vec![change]))
        })
    }

    /// Finds a key.
    pub fn get(&self, target: &Target) -> Result<Key, StoreError> {
        self.read(|connection| find(connection, target))
    }

    /// Edits a key.
    pub fn edit(
        &self,
        target: &Target,
        edit: KeyEdit,
        allow_unlisted: bool,
        act: &Act,
    ) -> Result<Stored<Key>, StoreError> {
        self.change(|connection| {
            let before = find(connection, target)?;
            check_revision(target, &before)?;
            check_unchanged(&edit, &before)?;
            if let Some(scope) = edit.scope.as_ref().filter(|_| !allow_unlisted) {
                catalog::require_listed(connection, &before.region, scope)?;
            }
            let mut key = before.clone();
            let limits = edit.limits.clone();
            key.apply(edit, act.at);
            let retires = key.successor.is_some();
            if retires && !rotation::is_within(&key.policy, &before.policy) {
                return Err(StoreError::Conflict(RETIRES));
            }
            row::update(connection, &key)?;
            let mut changes = vec![change_of(&key, ChangeKind::Put)];
            if let Some(limits) = limits {
                let subject = LimitSubject::Key(key.subject.clone());
                key.limits = subjects::replace(connection, &subject, &limits, act.at)?;
                changes = line::touch_others(connection, &key)?;
            }
            let detail = key_detail::changed(&before, &key);
            note(connection, act, AuditAction::KeyEdited, &key, detail)?;
            Ok((key, changes))
        })
    }

    /// Deletes a key for good; `confirm` must be its name.
    pub fn delete(
        &self,
        target: &Target,
        confirm: Option<&str>,
        act: &Act,
    ) -> Result<Stored<Key>, StoreError> {
        self.change(|connection| {
            let key = find(connection, target)?;
            check_confirmed(&key, confirm)?;
            check_revision(target, &key)?;
            bury(connection, &key, act.at)?;
            let detail = key_detail::named(&key);
            note(connection, act, AuditAction::KeyDeleted, &key, detail)?;
            let change = change_of(&key, ChangeKind::Remove);
            Ok((key, vec![change]))
        })
    }

    /// Looks whether a key could be deleted, so that nothing is spent on a call that cannot be
    /// carried out.
    pub fn check_delete(&self, target: &Target, confirm: Option<&str>) -> Result<(), StoreError> {
        let key = self.get(target)?;
        check_confirmed(&key, confirm)?;
        check_revision(target, &key)
    }
}

/// Writes the row of a new key, unless its value has been one already.
pub(crate) fn add(
    connection: &Connection,
    new: NewKey,
    minted: Minted,
    now: UnixMillis,
) -> Result<Key, StoreError> {
    require_new_value(connection, &minted.hash)?;
    let (sealed, limits) = (minted.sealed.clone(), new.limits.clone());
    let mut key = born(new, minted, now);
    if let Some(predecessor) = &key.predecessor {
        key.subject = line::subject_of(connection, predecessor)?;
    }
    row::insert(connection, &key, sealed.as_ref())?;
    let subject = LimitSubject::Key(key.subject.clone());
    key.limits = match limits.is_empty() {
        true => subjects::read(connection, &subject)?,
        false => subjects::replace(connection, &subject, &limits, now)?,
    };
    Ok(key)
}

fn born(new: NewKey, minted: Minted, now: UnixMillis) -> Key {
    Key {
        subject: minted.id.clone(),
        limits: CountedLimits::default(),
        id: minted.id,
        account: new.account,
        region: new.region,
        origin: new.origin,
        name: new.name,
        team: new.team,
        policy: new.policy,
        hash: minted.hash,
        masked: minted.masked,
        key_version: 1,
        creator: minted.creator,
        created_at: now,
        updated_at: now,
        value_set_at: now,
        last_used_at: None,
        predecessor: minted.predecessor,
        successor: None,
        recoverable: minted.sealed.is_some(),
        revision: 1,
    }
}

pub(crate) fn change_of(key: &Key, kind: ChangeKind) -> ChangeEntry {
    ChangeEntry {
        region: key.region.clone(),
        hash: key.hash,
        kind,
    }
}

pub(crate) fn find(connection: &Connection, target: &Target) -> Result<Key, StoreError> {
    let sql = format!("SELECT {KEY_COLUMNS} FROM keys AS k WHERE k.id = ?1");
    connection
        .prepare_cached(&sql)?
        .query_row([target.id.as_str()], |row| Columns::new(row, 0).key())
        .optional()?
        .filter(|key| {
            target
                .account
                .as_ref()
                .is_none_or(|account| *account == key.account)
        })
        .ok_or(StoreError::NotFound)
}

pub(crate) fn check_revision(target: &Target, key: &Key) -> Result<(), StoreError> {
    require_revision(target.revisions.as_deref(), key.revision)
}

/// Refuses an edit that would have what never changes otherwise.
fn check_unchanged(edit: &KeyEdit, key: &Key) -> Result<(), StoreError> {
    let differing = edit.unchanged.differing(key);
    match differing.is_empty() {
        true => Ok(()),
        false => Err(StoreError::Immutable(differing)),
    }
}

pub(crate) fn check_confirmed(key: &Key, confirm: Option<&str>) -> Result<(), StoreError> {
    match confirm {
        Some(name) if name == key.name.as_str() => Ok(()),
        _ => Err(StoreError::NotConfirmed),
    }
}

/// Writes down what was done to a key.
pub(crate) fn note(
    connection: &Connection,
    act: &Act,
    action: AuditAction,
    key: &Key,
    detail: Value,
) -> Result<(), StoreError> {
    let entry = act.entry(action, Some(&key.account), key.id.as_str(), detail);
    audit::append(connection, &entry)
}

/// Removes the row; remembers whose it was, and that its value is dead.
pub(crate) fn bury(connection: &Connection, key: &Key, now: UnixMillis) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM keys WHERE id = ?1")?
        .execute([key.id.as_str()])?;
    connection
        .prepare_cached(
            "INSERT INTO dead_keys (id, account, region, name, died_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            key.id.as_str(),
            key.account.as_str(),
            key.region.as_str(),
            key.name.as_str(),
            integer(now.get()),
        ])?;
    end_value(connection, &key.hash, now)
}

/// Remembers that a value is dead: it never works again.
pub(crate) fn end_value(
    connection: &Connection,
    hash: &KeyHash,
    now: UnixMillis,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO dead_hashes (key_hash, died_at) VALUES (?1, ?2)")?
        .execute(params![hash.as_bytes(), integer(now.get())])?;
    Ok(())
}

/// Refuses a value that some key has, or had: of which account is not told.
pub(crate) fn require_new_value(connection: &Connection, hash: &KeyHash) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM keys WHERE key_hash = ?1 UNION ALL \
         SELECT 1 FROM dead_hashes WHERE key_hash = ?1",
    )?;
    if statement.exists([hash.as_bytes()])? {
        return Err(StoreError::Taken("value"));
    }
    Ok(())
}
