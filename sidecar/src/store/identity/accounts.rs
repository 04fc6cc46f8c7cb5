//! Accounts: made, found, listed, changed, deleted.
//!
//! Does not count a new key against a limit: [`crate::store::keys::limit`] does. Invariant: an
//! account's id is never given again.

use keytable::{AccountId, LimitSubject, Limits};

use crate::domain::audit::AuditEntry;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::account::{Account, AccountEdit};
use crate::domain::name::KeyName;
use crate::domain::status::status_word;
use crate::store::error::StoreError;
use crate::store::feed::changes::{ChangeEntry, ChangeKind};
use crate::store::feed::told;
use crate::store::idempotency::{Idempotent, IdempotentCall};
use crate::store::limits::subjects;
use crate::store::pagination::require_revision;
use crate::store::row::{Columns, integer};
use crate::store::sql::{self, Connection, OptionalExtension, Row, params};
use crate::store::{Store, Stored, audit, tenancy};

const COLUMNS: &str = "a.id, a.name, a.status, a.key_limit, (SELECT count(*) FROM keys AS k WHERE \
     k.account = a.id AND k.origin = 'standard' AND k.successor IS NULL), a.created_at, a.updated_at, a.revision, \
     (SELECT l.limits FROM limits AS l WHERE l.subject = 'account:' || a.id)";

/// What can be left in an account, and what to do then.
const INHABITANTS: [(&str, &str); 4] = [
    ("keys", "the account still has keys: delete these first"),
    ("users", "the account still has users: delete these first"),
    (
        "tokens",
        "the account still has API tokens: delete these first",
    ),
    (
        "access_keys",
        "the account still has access keys: delete these first",
    ),
];

impl Store {
    /// Makes an account.
    pub fn insert_account(
        &self,
        id: &AccountId,
        name: &KeyName,
        once: Option<&IdempotentCall>,
        entry: &AuditEntry,
    ) -> Result<Idempotent<Account>, StoreError> {
        self.make_once(once, entry, |transaction| {
            if tenancy::account_existed(transaction, id)? {
                return Err(StoreError::Taken("id"));
            }
            transaction.execute(
                "INSERT INTO accounts (id, name, created_at, updated_at, revision) \
                 VALUES (?1, ?2, ?3, ?3, 1)",
                params![id.as_str(), name.as_str(), integer(entry.at.get())],
            )?;
            find(transaction, id)
        })
    }

    /// Finds an account.
    pub fn account(&self, id: &AccountId) -> Result<Account, StoreError> {
        self.read(|connection| find(connection, id))
    }

    /// At most `limit` accounts whose ids come after `after`, in the order of their ids.
    pub fn accounts(&self, after: &str, limit: usize) -> Result<Vec<Account>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM accounts AS a WHERE a.id > ?1 AND a.deleted_at IS NULL \
                 ORDER BY a.id LIMIT ?2"
            );
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map(params![after, limit], read)?)
        })
    }

    /// Changes an account that has one of these revisions. Its status and the first limits that it gets
    /// change the record of each of its keys, later limits its own alone.
    pub fn edit_account(
        &self,
        id: &AccountId,
        revisions: Option<&[u64]>,
        edit: &AccountEdit,
        entry: &AuditEntry,
    ) -> Result<Stored<Account>, StoreError> {
        self.change(|transaction| {
            let account = find(transaction, id)?;
            require_revision(revisions, account.revision)?;
            let name = edit.name.as_ref().unwrap_or(&account.name);
            let key_limit = edit.key_limit.unwrap_or(account.key_limit);
            update(transaction, id, (name, key_limit), entry.at)?;
            let mut changes = match &edit.limits {
                Some(limits) => set_limits(transaction, id, limits, entry.at)?,
                None => Vec::new(),
            };
            if let Some(status) = edit.status.filter(|status| *status != account.status) {
                let sql = "UPDATE accounts SET status = ?2 WHERE id = ?1";
                transaction.execute(sql, params![id.as_str(), status_word(status)])?;
                changes.extend(told::of_keys(transaction, id)?);
            }
            audit::append(transaction, entry)?;
            Ok((find(transaction, id)?, changes))
        })
    }

    /// Deletes an account that has one of these revisions and in which nothing is left; with its limits, and
    /// with what it asked for and got no answer to.
    pub fn delete_account(
        &self,
        id: &AccountId,
        revisions: Option<&[u64]>,
        entry: &AuditEntry,
    ) -> Result<Stored<()>, StoreError> {
        self.change(|transaction| {
            let account = find(transaction, id)?;
            require_revision(revisions, account.revision)?;
            for (table, what_is_left) in INHABITANTS {
                let sql = format!("SELECT 1 FROM {table} WHERE account = ?1");
                if transaction.prepare_cached(&sql)?.exists([id.as_str()])? {
                    return Err(StoreError::Conflict(what_is_left));
                }
            }
            let changes = end_limits(transaction, id)?;
            transaction.execute(
                "DELETE FROM limit_requests WHERE account = ?1 AND status = 'open'",
                [id.as_str()],
            )?;
            transaction.execute(
                "UPDATE accounts SET deleted_at = ?2 WHERE id = ?1",
                params![id.as_str(), integer(entry.at.get())],
            )?;
            audit::append(transaction, entry)?;
            Ok(((), changes))
        })
    }
}

/// Takes away the limits of an account without keys; gives the changes of the key table.
fn end_limits(transaction: &Connection, id: &AccountId) -> Result<Vec<ChangeEntry>, StoreError> {
    if !subjects::is_account_limited(transaction, id)? {
        return Ok(Vec::new());
    }
    let subject = LimitSubject::Account(id.clone());
    subjects::forget(transaction, &subject)?;
    let mut changes = told::of_subject(transaction, &subject)?;
    for change in &mut changes {
        change.kind = ChangeKind::Remove;
    }
    Ok(changes)
}

/// Puts limits in the place of those that an account has; gives the changes of the key table.
fn set_limits(
    transaction: &Connection,
    id: &AccountId,
    limits: &Limits,
    now: UnixMillis,
) -> Result<Vec<ChangeEntry>, StoreError> {
    let had_some = subjects::is_account_limited(transaction, id)?;
    let subject = LimitSubject::Account(id.clone());
    subjects::replace(transaction, &subject, limits, now)?;
    let has_some = subjects::is_account_limited(transaction, id)?;
    let mut changes = match has_some {
        true => told::of_subject(transaction, &subject)?,
        false => Vec::new(),
    };
    if has_some && !had_some {
        changes.extend(told::of_keys(transaction, id)?);
    }
    Ok(changes)
}

pub(super) fn find(connection: &Connection, id: &AccountId) -> Result<Account, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM accounts AS a WHERE a.id = ?1 AND a.deleted_at IS NULL");
    let mut statement = connection.prepare_cached(&sql)?;
    let account = statement.query_row([id.as_str()], read).optional()?;
    account.ok_or(StoreError::Unknown("account"))
}

/// Writes what an edit or a granted request changes.
pub(super) fn update(
    transaction: &Connection,
    id: &AccountId,
    (name, key_limit): (&KeyName, Option<u64>),
    now: UnixMillis,
) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE accounts SET name = ?2, key_limit = ?3, updated_at = CASE WHEN updated_at < ?4 \
         THEN ?4 ELSE updated_at END, revision = revision + 1 WHERE id = ?1",
        params![
            id.as_str(),
            name.as_str(),
            key_limit.map(integer),
            integer(now.get())
        ],
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> sql::Result<Account> {
    let mut columns = Columns::new(row, 0);
    Ok(Account {
        id: columns.account()?,
        name: columns.name()?,
        status: columns.status()?,
        key_limit: columns.read(|number: Option<i64>| match number {
            None => Some(None),
            Some(number) => u64::try_from(number).ok().map(Some),
        })?,
        standard_keys: columns.unsigned()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        revision: columns.unsigned()?,
        limits: columns.maybe_limits()?,
    })
}
