//! Access keys: made, found, listed, switched, deleted.
//!
//! Does not open their secrets. Invariant: a deleted access key's row is gone.

use keytable::AccountId;
use rusqlite::{Connection, Row, params};

use crate::domain::audit::AuditEntry;
use crate::domain::identity::access_key::{AccessKey, Signer};
use crate::domain::identity::role::Capabilities;
use crate::domain::identity::user::User;
use crate::domain::name::KeyName;
use crate::domain::secrets::sealed::Sealed;
use crate::store::error::StoreError;
use crate::store::idempotency::{self, Idempotent, IdempotentCall};
use crate::store::identity::users;
use crate::store::pagination::{ListPage, Order, PageRequest, PagedTable};
use crate::store::row::{Columns, integer, millis};
use crate::store::{Store, UserTarget, audit, tenancy};

/// How many access keys an account may have.
const ACCESS_KEYS_MAX: i64 = 50;

const COLUMNS: &str = "id, account, name, status, secret, user, maker, capabilities, creator, created_at, \
     updated_at, revision";

pub(crate) const PAGED: PagedTable = PagedTable {
    table: "access_keys",
    columns: COLUMNS,
    order: Order::Newest,
    row: "access key",
};

impl Store {
    /// Makes an access key.
    pub fn insert_access_key(
        &self,
        key: &AccessKey,
        once: Option<&IdempotentCall>,
        entry: &AuditEntry,
    ) -> Result<Idempotent<()>, StoreError> {
        self.write(|transaction| {
            if let Some(earlier) = idempotency::earlier(transaction, once, entry.at)? {
                return Ok(Idempotent::Repeated(earlier));
            }
            tenancy::require_account(transaction, &key.account)?;
            require_user(transaction, key)?;
            require_room(transaction, &key.account)?;
            insert(transaction, key)?;
            idempotency::remember(transaction, once, &key.id, entry.at)?;
            audit::append(transaction, entry)?;
            Ok(Idempotent::Done(()))
        })
    }

    /// Finds an access key, in one account unless `None`.
    pub fn access_key(
        &self,
        id: &str,
        account: Option<&AccountId>,
    ) -> Result<AccessKey, StoreError> {
        self.read(|connection| find(connection, id, account))
    }

    /// The access key that may sign, with what it may do; `None`: there is none, or it, its user or
    /// its maker is disabled.
    pub fn signer(&self, id: &str) -> Result<Option<Signer>, StoreError> {
        self.read(|connection| {
            let key = match find(connection, id, None) {
                Err(StoreError::Unknown(_)) => return Ok(None),
                found => found?,
            };
            let mut capabilities = key.capabilities;
            for whose in [&key.user, &key.maker] {
                match user_of(connection, whose.as_ref())? {
                    None => {}
                    Some(user) if user.enabled => {
                        capabilities = capabilities.and(user.role.capabilities());
                    }
                    Some(_) => return Ok(None),
                }
            }
            Ok(key.enabled.then_some(Signer { key, capabilities }))
        })
    }

    /// A part of the access keys of one account, or with `None` of all, newest first.
    pub fn access_keys(
        &self,
        account: Option<&AccountId>,
        page: PageRequest,
    ) -> Result<ListPage<AccessKey>, StoreError> {
        self.read(|connection| PAGED.page(connection, account, page, read))
    }

    /// Enables or disables an access key that has one of these revisions.
    pub fn switch_access_key(
        &self,
        (id, account): (&str, Option<&AccountId>),
        revisions: Option<&[u64]>,
        enabled: bool,
        note: impl FnOnce(&AccessKey) -> Result<AuditEntry, StoreError>,
    ) -> Result<AccessKey, StoreError> {
        self.write(|transaction| {
            let mut key = find(transaction, id, account)?;
            if revisions.is_some_and(|revisions| !revisions.contains(&key.revision)) {
                return Err(StoreError::Stale);
            }
            let entry = note(&key)?;
            key.enabled = enabled;
            key.updated_at = entry.at.max(key.updated_at);
            key.revision = key.revision.saturating_add(1);
            transaction.execute(
                "UPDATE access_keys SET status = ?2, updated_at = ?3, revision = ?4 WHERE id = ?1",
                params![
                    key.id,
                    status_text(key.enabled),
                    integer(key.updated_at.get()),
                    integer(key.revision)
                ],
            )?;
            audit::append(transaction, &entry)?;
            Ok(key)
        })
    }

    /// Deletes an access key that has one of these revisions.
    pub fn delete_access_key(
        &self,
        (id, account): (&str, Option<&AccountId>),
        revisions: Option<&[u64]>,
        note: impl FnOnce(&AccessKey) -> AuditEntry,
    ) -> Result<AccessKey, StoreError> {
        self.write(|transaction| {
            let key = find(transaction, id, account)?;
            if revisions.is_some_and(|revisions| !revisions.contains(&key.revision)) {
                return Err(StoreError::Stale);
            }
            transaction.execute("DELETE FROM access_keys WHERE id = ?1", [id])?;
            audit::append(transaction, &note(&key))?;
            Ok(key)
        })
    }
}

fn user_of(connection: &Connection, id: Option<&String>) -> Result<Option<User>, StoreError> {
    let target = |id: &String| UserTarget {
        id: id.clone(),
        account: None,
        revisions: None,
    };
    id.map(|id| users::find(connection, &target(id)))
        .transpose()
}

/// Refuses a key for a user of another account, and for an operator other than the caller.
fn require_user(connection: &Connection, key: &AccessKey) -> Result<(), StoreError> {
    let is_own = key.user == key.maker;
    match user_of(connection, key.user.as_ref())? {
        Some(user) if !is_own && user.account.as_ref() != Some(&key.account) => {
            Err(StoreError::Unknown("user"))
        }
        _ => Ok(()),
    }
}

fn require_room(transaction: &Connection, account: &AccountId) -> Result<(), StoreError> {
    let sql = "SELECT count(*) FROM access_keys WHERE account = ?1";
    let count: i64 = transaction
        .prepare_cached(sql)?
        .query_row([account.as_str()], |row| row.get(0))?;
    if count < ACCESS_KEYS_MAX {
        Ok(())
    } else {
        Err(StoreError::Conflict(
            "the account has as many access keys as it may have: delete one that is not used",
        ))
    }
}

fn insert(transaction: &Connection, key: &AccessKey) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO access_keys ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    transaction.prepare_cached(&sql)?.execute(params![
        key.id,
        key.account.as_str(),
        key.name.as_str(),
        status_text(key.enabled),
        key.secret.as_bytes(),
        key.user,
        key.maker,
        key.capabilities.to_string(),
        key.creator,
        integer(key.created_at.get()),
        integer(key.updated_at.get()),
        integer(key.revision),
    ])?;
    Ok(())
}

fn find(
    connection: &Connection,
    id: &str,
    account: Option<&AccountId>,
) -> Result<AccessKey, StoreError> {
    PAGED.find(connection, id, account, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<AccessKey> {
    let mut columns = Columns::new(row, 0);
    Ok(AccessKey {
        id: columns.take()?,
        account: columns.account()?,
        name: columns.read(|text: String| KeyName::stored(&text).ok())?,
        enabled: columns.read(|text: String| Some(text == status_text(true)))?,
        secret: columns.take().map(Sealed::from_bytes)?,
        user: columns.take()?,
        maker: columns.take()?,
        capabilities: columns.read(|text: String| Capabilities::parse(&text).ok())?,
        creator: columns.take()?,
        created_at: columns.read(millis)?,
        updated_at: columns.read(millis)?,
        revision: columns.unsigned()?,
    })
}

const fn status_text(enabled: bool) -> &'static str {
    match enabled {
        true => "enabled",
        false => "disabled",
    }
}
