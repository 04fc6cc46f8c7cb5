//! Access keys: made, found, switched.
//!
//! Does not open their secrets. Invariant: a deleted access key's row is gone.

use keytable::Status;

use crate::domain::audit::AuditEntry;
use crate::domain::identity::access_key::{AccessKey, Signer};
use crate::domain::identity::user::User;
use crate::domain::secrets::sealed::Sealed;
use crate::domain::status::{status_of, status_word};
use crate::store::error::StoreError;
use crate::store::idempotency::{Idempotent, IdempotentCall};
use crate::store::pagination::{self, Order, PagedRow, PagedTable, RowTarget};
use crate::store::row::{Columns, integer};
use crate::store::sql::{self, Connection, Row, params};
use crate::store::{Store, audit, tenancy};

/// How many access keys an account may have, and what to say to one more.
const ACCESS_KEYS_MAX: (i64, &str) = (
    50,
    "the account has as many access keys as it may have: delete one that is not used",
);

const COUNT: &str = "SELECT count(*) FROM access_keys WHERE account = ?1";

const COLUMNS: &str = "id, account, name, status, secret, user_id, maker, capabilities, creator, created_at, \
     updated_at, revision";

impl Store {
    /// Makes an access key.
    pub fn insert_access_key(
        &self,
        key: &AccessKey,
        once: Option<&IdempotentCall>,
        entry: &AuditEntry,
    ) -> Result<Idempotent<()>, StoreError> {
        self.make_once(once, entry, |transaction| {
            tenancy::require_account(transaction, &key.account)?;
            require_user(transaction, key)?;
            let account = Some(&key.account);
            pagination::require_room(transaction, COUNT, account, ACCESS_KEYS_MAX)?;
            insert(transaction, key)
        })
    }

    /// The access key that may sign, with what it may do; `None`: there is none, or it, its user or
    /// its maker is disabled.
    pub fn signer(&self, id: &str) -> Result<Option<Signer>, StoreError> {
        self.read(|connection| {
            let key = match pagination::find::<AccessKey>(connection, &RowTarget::of(id)) {
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

    /// Enables or disables an access key.
    pub fn switch_access_key(
        &self,
        target: &RowTarget,
        enabled: bool,
        note: impl FnOnce(&AccessKey) -> Result<AuditEntry, StoreError>,
    ) -> Result<AccessKey, StoreError> {
        self.write(|transaction| {
            let mut key: AccessKey = pagination::find(transaction, target)?;
            let entry = note(&key)?;
            key.enabled = enabled;
            key.updated_at = entry.at.max(key.updated_at);
            key.revision = key.revision.saturating_add(1);
            transaction.execute(
                "UPDATE access_keys SET status = ?2, updated_at = ?3, revision = ?4 WHERE id = ?1",
                params![
                    key.id,
                    status_word(status_of(key.enabled)),
                    integer(key.updated_at.get()),
                    integer(key.revision)
                ],
            )?;
            audit::append(transaction, &entry)?;
            Ok(key)
        })
    }
}

fn user_of(connection: &Connection, id: Option<&String>) -> Result<Option<User>, StoreError> {
    id.map(|id| pagination::find(connection, &RowTarget::of(id)))
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

fn insert(transaction: &Connection, key: &AccessKey) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO access_keys ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    transaction.prepare_cached(&sql)?.execute(params![
        key.id,
        key.account.as_str(),
        key.name.as_str(),
        status_word(status_of(key.enabled)),
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

// === impl AccessKey ===

impl PagedRow for AccessKey {
    const TABLE: PagedTable = PagedTable {
        table: "access_keys",
        columns: COLUMNS,
        order: Order::Newest,
        row: "access key",
    };

    fn read(row: &Row<'_>) -> sql::Result<Self> {
        let mut columns = Columns::new(row, 0);
        Ok(Self {
            id: columns.take()?,
            account: columns.account()?,
            name: columns.name()?,
            enabled: columns.status()? == Status::Enabled,
            secret: columns.take().map(Sealed::from_bytes)?,
            user: columns.take()?,
            maker: columns.take()?,
            capabilities: columns.capabilities()?,
            creator: columns.take()?,
            created_at: columns.time()?,
            updated_at: columns.time()?,
            revision: columns.unsigned()?,
        })
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}
