//! API tokens: made, found by hash or id, listed, revoked.
//!
//! Does not mint or compare values. Invariant: a revoked token's row is gone, so that its value
//! is as unknown as one that never was.

use keytable::{AccountId, KeyHash};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::domain::audit::AuditEntry;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::role::Capabilities;
use crate::domain::identity::token::ApiToken;
use crate::domain::name::KeyName;
use crate::store::error::StoreError;
use crate::store::idempotency::{self, Idempotent, IdempotentCall};
use crate::store::pagination::{ListPage, Order, PageRequest, PagedTable};
use crate::store::row::{Columns, integer, maybe_millis, millis};
use crate::store::{Store, audit, tenancy};

/// How many tokens an account, or the operators together, may have.
const TOKENS_MAX: u64 = 200;

const COLUMNS: &str =
    "id, hash, account, name, capabilities, creator, user, created_at, expires_at";

pub(crate) const PAGED: PagedTable = PagedTable {
    table: "tokens",
    columns: COLUMNS,
    order: Order::Newest,
    row: "token",
};

impl Store {
    /// Makes a token.
    pub fn insert_token(
        &self,
        token: &ApiToken,
        once: Option<&IdempotentCall>,
        entry: &AuditEntry,
    ) -> Result<Idempotent<()>, StoreError> {
        self.write(|transaction| {
            if let Some(earlier) = idempotency::earlier(transaction, once, entry.at)? {
                return Ok(Idempotent::Repeated(earlier));
            }
            require_room(transaction, token.account.as_ref())?;
            insert(transaction, token)?;
            idempotency::remember(transaction, once, &token.id, entry.at)?;
            audit::append(transaction, entry)?;
            Ok(Idempotent::Done(()))
        })
    }

    /// The live token with this hash.
    pub fn token_by_hash(
        &self,
        hash: &KeyHash,
        now: UnixMillis,
    ) -> Result<Option<ApiToken>, StoreError> {
        self.read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM tokens WHERE hash = ?1");
            let token = connection
                .prepare_cached(&sql)?
                .query_row([hash.as_bytes()], read)
                .optional()?;
            Ok(token.filter(|token| token.is_live(now)))
        })
    }

    /// Finds a token, in one account unless `None`.
    pub fn token(&self, id: &str, account: Option<&AccountId>) -> Result<ApiToken, StoreError> {
        self.read(|connection| find(connection, id, account))
    }

    /// A part of the tokens of one account, or with `None` of all, newest first.
    pub fn tokens(
        &self,
        account: Option<&AccountId>,
        page: PageRequest,
    ) -> Result<ListPage<ApiToken>, StoreError> {
        self.read(|connection| PAGED.page(connection, account, page, read))
    }

    /// Ends a token.
    pub fn revoke_token(
        &self,
        id: &str,
        account: Option<&AccountId>,
        note: impl FnOnce(&ApiToken) -> AuditEntry,
    ) -> Result<ApiToken, StoreError> {
        self.write(|transaction| {
            let token = find(transaction, id, account)?;
            transaction.execute("DELETE FROM tokens WHERE id = ?1", [id])?;
            audit::append(transaction, &note(&token))?;
            Ok(token)
        })
    }
}

fn require_room(transaction: &Connection, account: Option<&AccountId>) -> Result<(), StoreError> {
    if let Some(account) = account {
        tenancy::require_account(transaction, account)?;
    }
    let count: i64 = transaction
        .prepare_cached("SELECT count(*) FROM tokens WHERE account IS ?1")?
        .query_row([account.map(AccountId::as_str)], |row| row.get(0))?;
    match u64::try_from(count) {
        Ok(count) if count < TOKENS_MAX => Ok(()),
        _ => Err(StoreError::Conflict(
            "the account has as many tokens as it may have: revoke one that is not used",
        )),
    }
}

pub(crate) fn insert(transaction: &Connection, token: &ApiToken) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO tokens ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    transaction.prepare_cached(&sql)?.execute(params![
        token.id,
        token.hash.as_bytes(),
        token.account.as_ref().map(AccountId::as_str),
        token.name.as_str(),
        token.capabilities.to_string(),
        token.creator,
        token.user,
        integer(token.created_at.get()),
        token.expires_at.map(|at| integer(at.get())),
    ])?;
    Ok(())
}

fn find(
    connection: &Connection,
    id: &str,
    account: Option<&AccountId>,
) -> Result<ApiToken, StoreError> {
    PAGED.find(connection, id, account, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<ApiToken> {
    let mut columns = Columns::new(row, 0);
    Ok(ApiToken {
        id: columns.take()?,
        hash: columns.hash()?,
        account: columns.maybe_account()?,
        name: columns.read(|text: String| KeyName::stored(&text).ok())?,
        capabilities: columns.read(|text: String| Capabilities::parse(&text).ok())?,
        creator: columns.take()?,
        user: columns.take()?,
        created_at: columns.read(millis)?,
        expires_at: columns.read(maybe_millis)?,
    })
}
