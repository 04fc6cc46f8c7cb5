//! Keys: made, found, listed, edited, deleted.
//!
//! Does not mint values or check texts: it gets parsed ones. Invariant: every change is the row,
//! its log entry and the next generation in one transaction, or nothing.

use keytable::{AccountId, KeyHash, KeyId, Status};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use crate::domain::clock::UnixMillis;
use crate::domain::key::{Key, KeyEdit, NewKey};
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;
use crate::store::changes::{Change, ChangeKind};
use crate::store::error::StoreError;
use crate::store::row::{self, Columns, KEY_COLUMNS, integer, status_text};
use crate::store::{Store, Stored, homes};

/// The conditions of a list, in the terms of `named_filter`.
const FILTER: &str = "k.account = :account AND k.origin = :origin \
     AND (:region IS NULL OR k.region = :region) AND (:status IS NULL OR k.status = :status) \
     AND (:name IS NULL OR instr(lower(k.name), lower(:name)) > 0)";

/// What the minting of a key adds to what its admin wrote.
#[derive(Debug)]
pub struct Minted {
    /// The new key's id.
    pub id: KeyId,
    /// The hash of its value.
    pub hash: KeyHash,
    /// What may be shown of its value.
    pub masked: String,
    /// Who makes it.
    pub creator: String,
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

/// Which keys a list shows.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Of this account.
    pub account: AccountId,
    /// Of this origin.
    pub origin: Origin,
    /// Of this region only.
    pub region: Option<RegionId>,
    /// Of this status only.
    pub status: Option<Status>,
    /// With this in the name, whatever the case of ASCII letters.
    pub name_contains: Option<String>,
}

/// A part of a list, newest keys first.
#[derive(Debug)]
pub struct Listing {
    /// The keys.
    pub keys: Vec<Key>,
    /// Where the next part begins, if there is one.
    pub next: Option<Cursor>,
    /// How many keys the whole list has.
    pub total: u64,
}

/// A place in a list: only keys made before it follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub u64);

impl Store {
    /// Makes a key.
    pub fn insert(
        &self,
        new: NewKey,
        minted: Minted,
        now: UnixMillis,
    ) -> Result<Stored<Key>, StoreError> {
        let limit_default = self.key_limit_default();
        self.change(|connection| {
            homes::admit(connection, &new, limit_default)?;
            if is_dead(connection, &minted.hash)? {
                return Err(StoreError::DeadValue);
            }
            let key = born(new, minted, now);
            row::insert(connection, &key)?;
            let change = change_of(&key, ChangeKind::Put);
            Ok((key, change))
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
        now: UnixMillis,
    ) -> Result<Stored<Key>, StoreError> {
        self.change(|connection| {
            let mut key = find(connection, target)?;
            check_revision(target, &key)?;
            key.apply(edit, now);
            row::update(connection, &key)?;
            let change = change_of(&key, ChangeKind::Put);
            Ok((key, change))
        })
    }

    /// Deletes a key for good; `confirm` must be its name.
    pub fn delete(
        &self,
        target: &Target,
        confirm: Option<&str>,
        now: UnixMillis,
    ) -> Result<Stored<Key>, StoreError> {
        self.change(|connection| {
            let key = find(connection, target)?;
            if confirm != Some(key.name.as_str()) {
                return Err(StoreError::NotConfirmed);
            }
            check_revision(target, &key)?;
            bury(connection, &key, now)?;
            let change = change_of(&key, ChangeKind::Remove);
            Ok((key, change))
        })
    }

    /// At most `limit` keys of a list, from `cursor` on.
    pub fn list(
        &self,
        filter: &Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        self.read(|connection| {
            let total = count(connection, filter)?;
            let mut found = page(connection, filter, cursor, limit.saturating_add(1))?;
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().filter(|_| more).map(|(seq, _)| Cursor(*seq));
            let keys = found.into_iter().map(|(_, key)| key).collect();
            Ok(Listing { keys, next, total })
        })
    }
}

pub(super) fn born(new: NewKey, minted: Minted, now: UnixMillis) -> Key {
    Key {
        id: minted.id,
        account: new.account,
        region: new.region,
        origin: new.origin,
        name: new.name,
        policy: new.policy,
        hash: minted.hash,
        masked: minted.masked,
        key_version: 1,
        creator: minted.creator,
        created_at: now,
        updated_at: now,
        last_used_at: None,
        revision: 1,
    }
}

pub(super) fn change_of(key: &Key, kind: ChangeKind) -> Change {
    Change {
        region: key.region.clone(),
        hash: key.hash,
        kind,
    }
}

fn find(connection: &Connection, target: &Target) -> Result<Key, StoreError> {
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

fn check_revision(target: &Target, key: &Key) -> Result<(), StoreError> {
    match &target.revisions {
        Some(expected) if !expected.contains(&key.revision) => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

/// Removes the row and remembers that its value is dead.
fn bury(connection: &Connection, key: &Key, now: UnixMillis) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM keys WHERE id = ?1")?
        .execute([key.id.as_str()])?;
    connection
        .prepare_cached("INSERT INTO dead_hashes (key_hash, died_at) VALUES (?1, ?2)")?
        .execute(params![key.hash.as_bytes(), integer(now.get())])?;
    Ok(())
}

fn is_dead(connection: &Connection, hash: &KeyHash) -> Result<bool, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM dead_hashes WHERE key_hash = ?1")?;
    Ok(statement.exists([hash.as_bytes()])?)
}

fn count(connection: &Connection, filter: &Filter) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM keys AS k WHERE {FILTER}");
    let count: i64 = connection.prepare_cached(&sql)?.query_row(
        named_params! {
            ":account": filter.account.as_str(),
            ":origin": filter.origin.as_str(),
            ":region": filter.region.as_ref().map(RegionId::as_str),
            ":status": filter.status.map(status_text),
            ":name": filter.name_contains,
        },
        |row| row.get(0),
    )?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn page(
    connection: &Connection,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Vec<(u64, Key)>, StoreError> {
    let sql = format!(
        "SELECT k.seq, {KEY_COLUMNS} FROM keys AS k WHERE {FILTER} \
         AND (:before IS NULL OR k.seq < :before) ORDER BY k.seq DESC LIMIT :limit"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(
        named_params! {
            ":account": filter.account.as_str(),
            ":origin": filter.origin.as_str(),
            ":region": filter.region.as_ref().map(RegionId::as_str),
            ":status": filter.status.map(status_text),
            ":name": filter.name_contains,
            ":before": cursor.map(|cursor| integer(cursor.0)),
            ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
        },
        |row| {
            let mut columns = Columns::new(row, 0);
            let seq: i64 = columns.take()?;
            Ok((u64::try_from(seq).unwrap_or(0), columns.key()?))
        },
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
