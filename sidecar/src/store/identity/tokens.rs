//! API tokens: made, found by hash.
//!
//! Does not mint or compare values. Invariant: a revoked token's row is gone, so that its value
//! is as unknown as one that never was.

use keytable::{AccountId, KeyHash};

use crate::domain::audit::AuditEntry;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::token::ApiToken;
use crate::store::error::StoreError;
use crate::store::idempotency::{Idempotent, IdempotentCall};
use crate::store::pagination::{self, Order, PagedRow, PagedTable};
use crate::store::row::{Columns, integer};
use crate::store::sql::{self, Connection, OptionalExtension, Row, params};
use crate::store::{Store, tenancy};

/// How many tokens an account, or the operators together, may have, and what to say to one more.
const TOKENS_MAX: (i64, &str) = (
    200,
    "the account has as many tokens as it may have: revoke one that is not used",
);

const COUNT: &str = "SELECT count(*) FROM tokens WHERE account = ?1";
const COUNT_OF_OPERATORS: &str = "SELECT count(*) FROM tokens WHERE account IS NULL";

const COLUMNS: &str =
    "id, hash, account, name, capabilities, creator, user_id, created_at, expires_at";

impl Store {
    /// Makes a token.
    pub fn insert_token(
        &self,
        token: &ApiToken,
        once: Option<&IdempotentCall>,
        entry: &AuditEntry,
    ) -> Result<Idempotent<()>, StoreError> {
        self.make_once(once, entry, |transaction| {
            let account = token.account.as_ref();
            account.map_or(Ok(()), |id| tenancy::require_account(transaction, id))?;
            let count = account.map_or(COUNT_OF_OPERATORS, |_| COUNT);
            pagination::require_room(transaction, count, account, TOKENS_MAX)?;
            insert(transaction, token)
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
                .query_row([hash.as_bytes()], ApiToken::read)
                .optional()?;
            Ok(token.filter(|token| token.is_live(now)))
        })
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

// === impl ApiToken ===

impl PagedRow for ApiToken {
    const TABLE: PagedTable = PagedTable {
        table: "tokens",
        columns: COLUMNS,
        order: Order::Newest,
        row: "token",
    };

    fn read(row: &Row<'_>) -> sql::Result<Self> {
        let mut columns = Columns::new(row, 0);
        Ok(Self {
            id: columns.take()?,
            hash: columns.hash()?,
            account: columns.maybe_account()?,
            name: columns.name()?,
            capabilities: columns.capabilities()?,
            creator: columns.take()?,
            user: columns.take()?,
            created_at: columns.time()?,
            expires_at: columns.maybe_time()?,
        })
    }

    /// A token is never changed.
    fn revision(&self) -> u64 {
        1
    }
}
