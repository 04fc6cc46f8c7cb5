//! Users: made, found, changed, deleted.
//!
//! Does not check passwords. Invariant: whoever's password, role or status changes loses every
//! session in the same transaction, and the last operator who can log in stays one.

use keytable::{AccountId, KeyHash, Status};

use crate::domain::audit::{Actor, AuditEntry};
use crate::domain::clock::UnixMillis;
use crate::domain::identity::role::Role;
use crate::domain::identity::user::{Setup, TotpFactor, User, UserName};
use crate::domain::secrets::sealed::Sealed;
use crate::domain::status::{status_of, status_word};
use crate::store::error::StoreError;
use crate::store::idempotency::{self, Idempotent, IdempotentCall};
use crate::store::pagination::{self, Order, PagedRow, PagedTable, RowTarget};
use crate::store::row::{Columns, integer};
use crate::store::sql::{self, Connection, OptionalExtension, Row, named_params, params};
use crate::store::{Store, audit, tenancy};

const COLUMNS: &str = "id, name, account, role, status, password, setup_hash, setup_expires_at, \
     totp_seed, totp_confirmed, totp_step, created_at, updated_at, last_login_at, revision";

const INSERT: &str = "INSERT INTO users (id, name, account, role, status, password, setup_hash, \
     setup_expires_at, totp_seed, totp_confirmed, totp_step, created_at, updated_at, \
     last_login_at, revision) VALUES (:id, :name, :account, :role, :status, :password, \
     :setup_hash, :setup_expires_at, :totp_seed, :totp_confirmed, :totp_step, :created_at, \
     :updated_at, :last_login_at, :revision) ON CONFLICT (id) DO UPDATE SET role = :role, \
     status = :status, password = :password, setup_hash = :setup_hash, \
     setup_expires_at = :setup_expires_at, totp_seed = :totp_seed, \
     totp_confirmed = :totp_confirmed, totp_step = :totp_step, updated_at = :updated_at, \
     last_login_at = :last_login_at, revision = :revision";

/// What a change of a user ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Nothing.
    Nothing,
    /// Every session of the user.
    Sessions,
    /// Every session of the user and every token that the user made.
    SessionsAndTokens,
    /// Every session and token of the user, and every access key that is the user's or that the user
    /// made.
    Everything,
}

impl Store {
    /// Makes a user.
    pub fn insert_user(
        &self,
        user: &User,
        once: Option<&IdempotentCall>,
        entry: &AuditEntry,
    ) -> Result<Idempotent<()>, StoreError> {
        self.make_once(once, entry, |transaction| {
            if let Some(account) = &user.account {
                tenancy::require_account(transaction, account)?;
            }
            match find_by_name(transaction, &user.name)? {
                Some(_) => Err(StoreError::Taken("name")),
                None => put(transaction, user),
            }
        })
    }

    /// Finds a user by name.
    pub fn user_by_name(&self, name: &UserName) -> Result<Option<User>, StoreError> {
        self.read(|connection| find_by_name(connection, name))
    }

    /// Finds the user whose password this one-time secret sets.
    pub fn user_by_setup(
        &self,
        hash: &KeyHash,
        now: UnixMillis,
    ) -> Result<Option<User>, StoreError> {
        self.read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM users WHERE setup_hash = ?1");
            let user = connection
                .prepare_cached(&sql)?
                .query_row([hash.as_bytes()], User::read)
                .optional()?;
            let is_live = |user: &User| user.setup.as_ref().is_some_and(|s| now < s.expires_at);
            Ok(user.filter(is_live))
        })
    }

    /// Changes a user by `change`, which also tells what to write down and what it ends.
    pub fn edit_user(
        &self,
        target: &RowTarget,
        now: UnixMillis,
        change: impl FnOnce(&mut User) -> Result<(AuditEntry, Ends), StoreError>,
    ) -> Result<User, StoreError> {
        self.write(|transaction| {
            let mut user: User = pagination::find(transaction, target)?;
            let (entry, ends) = change(&mut user)?;
            user.updated_at = now.max(user.updated_at);
            user.revision = user.revision.saturating_add(1);
            put(transaction, &user)?;
            require_operator(transaction)?;
            end(transaction, &user.id, ends)?;
            audit::append(transaction, &entry)?;
            Ok(user)
        })
    }

    /// Deletes a user, with every session, token and access key of theirs.
    pub fn delete_user(
        &self,
        target: &RowTarget,
        note: impl FnOnce(&User) -> AuditEntry,
    ) -> Result<User, StoreError> {
        self.write(|transaction| {
            let user: User = pagination::delete(transaction, target)?;
            idempotency::forget_caller(transaction, &Actor::User(user.name.to_string()))?;
            require_operator(transaction)?;
            audit::append(transaction, &note(&user))?;
            Ok(user)
        })
    }
}

/// Writes a user, new or changed.
pub(crate) fn put(transaction: &Connection, user: &User) -> Result<(), StoreError> {
    let (setup, totp) = (user.setup.as_ref(), user.totp.as_ref());
    transaction.prepare_cached(INSERT)?.execute(named_params! {
        ":id": user.id,
        ":name": user.name.as_str(),
        ":account": user.account.as_ref().map(AccountId::as_str),
        ":role": user.role.as_str(),
        ":status": status_word(status_of(user.enabled)),
        ":password": user.password,
        ":setup_hash": setup.map(|setup| *setup.hash.as_bytes()),
        ":setup_expires_at": setup.map(|setup| integer(setup.expires_at.get())),
        ":totp_seed": totp.map(|totp| totp.seed.as_bytes()),
        ":totp_confirmed": totp.is_some_and(|totp| totp.confirmed),
        ":totp_step": totp.map_or(0, |totp| integer(totp.step)),
        ":created_at": integer(user.created_at.get()),
        ":updated_at": integer(user.updated_at.get()),
        ":last_login_at": user.last_login_at.map(|at| integer(at.get())),
        ":revision": integer(user.revision),
    })?;
    Ok(())
}

/// Ends what a change of a user ends.
pub(crate) fn end(transaction: &Connection, user: &str, ends: Ends) -> Result<(), StoreError> {
    if ends != Ends::Nothing {
        transaction.execute("DELETE FROM sessions WHERE user_id = ?1", [user])?;
    }
    if matches!(ends, Ends::SessionsAndTokens | Ends::Everything) {
        transaction.execute("DELETE FROM tokens WHERE user_id = ?1", [user])?;
    }
    if ends == Ends::Everything {
        let sql = "DELETE FROM access_keys WHERE user_id = ?1 OR maker = ?1";
        transaction.execute(sql, [user])?;
    }
    Ok(())
}

/// Refuses a state in which nobody could run the installation any more.
fn require_operator(transaction: &Connection) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM users WHERE role = 'operator' AND status = 'enabled'";
    if transaction.prepare_cached(sql)?.exists(params![])? {
        Ok(())
    } else {
        Err(StoreError::Conflict(
            "this is the last operator who can log in: make another one first",
        ))
    }
}

pub(crate) fn find_by_name(
    connection: &Connection,
    name: &UserName,
) -> Result<Option<User>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE name = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement
        .query_row(params![name.as_str()], User::read)
        .optional()?)
}

fn setup(columns: &mut Columns<'_>) -> sql::Result<Option<Setup>> {
    let hash: Option<[u8; KeyHash::BYTES]> = columns.take()?;
    let expires_at = columns.maybe_time()?;
    Ok(hash.zip(expires_at).map(|(hash, expires_at)| Setup {
        hash: KeyHash::from_bytes(hash),
        expires_at,
    }))
}

fn totp(columns: &mut Columns<'_>) -> sql::Result<Option<TotpFactor>> {
    let seed: Option<Vec<u8>> = columns.take()?;
    let (confirmed, step) = (columns.take()?, columns.unsigned()?);
    Ok(seed.map(|seed| TotpFactor {
        seed: Sealed::from_bytes(seed),
        confirmed,
        step,
    }))
}

// === impl User ===

impl PagedRow for User {
    const TABLE: PagedTable = PagedTable {
        table: "users",
        columns: COLUMNS,
        order: Order::Oldest,
        row: "user",
    };

    fn read(row: &Row<'_>) -> sql::Result<Self> {
        let mut columns = Columns::new(row, 0);
        Ok(Self {
            id: columns.take()?,
            name: columns.read(|text: String| UserName::parse(&text).ok())?,
            account: columns.maybe_account()?,
            role: columns.read(|text: String| Role::parse(&text).ok())?,
            enabled: columns.status()? == Status::Enabled,
            password: columns.take()?,
            setup: setup(&mut columns)?,
            totp: totp(&mut columns)?,
            created_at: columns.time()?,
            updated_at: columns.time()?,
            last_login_at: columns.maybe_time()?,
            revision: columns.unsigned()?,
        })
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}
