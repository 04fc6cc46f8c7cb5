//! Accounts and their requests for more keys: made, found, listed, changed, decided.
//!
//! Does not count a new key against a limit: [`crate::store::homes`] does. Invariant: a limit that
//! is granted is in force in the same transaction.

use keytable::AccountId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::domain::audit::AuditEntry;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::account::{
    Account, AccountEdit, LimitDecision, LimitRequest, LimitStatus,
};
use crate::domain::name::{Description, KeyName};
use crate::store::error::StoreError;
use crate::store::idempotency::{self, Idempotent, IdempotentCall};
use crate::store::pagination::{ListPage, Order, PageRequest, PagedTable};
use crate::store::row::{Columns, integer, maybe_millis, millis};
use crate::store::{Store, audit, tenancy};

const COLUMNS: &str = "a.id, a.name, a.key_limit, (SELECT count(*) FROM keys AS k WHERE \
     k.account = a.id AND k.origin = 'standard' AND k.successor IS NULL), a.created_at, a.updated_at, a.revision";

const REQUEST_COLUMNS: &str = "id, account, key_limit, reason, status, note, requested_by, \
     decided_by, created_at, decided_at, revision";

pub(crate) const REQUESTS: PagedTable = PagedTable {
    table: "limit_requests",
    columns: REQUEST_COLUMNS,
    order: Order::Newest,
    row: "limit request",
};

/// Requests that an account may have open at a time.
const OPEN_REQUESTS_MAX: i64 = 10;

impl Store {
    /// Makes an account.
    pub fn insert_account(
        &self,
        id: &AccountId,
        name: &KeyName,
        once: Option<&IdempotentCall>,
        entry: &AuditEntry,
    ) -> Result<Idempotent<Account>, StoreError> {
        self.write(|transaction| {
            if let Some(earlier) = idempotency::earlier(transaction, once, entry.at)? {
                return Ok(Idempotent::Repeated(earlier));
            }
            if tenancy::account_exists(transaction, id)? {
                return Err(StoreError::Taken("id"));
            }
            transaction.execute(
                "INSERT INTO accounts (id, name, created_at, updated_at, revision) \
                 VALUES (?1, ?2, ?3, ?3, 1)",
                params![id.as_str(), name.as_str(), integer(entry.at.get())],
            )?;
            idempotency::remember(transaction, once, id.as_str(), entry.at)?;
            audit::append(transaction, entry)?;
            find(transaction, id).map(Idempotent::Done)
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
                "SELECT {COLUMNS} FROM accounts AS a WHERE a.id > ?1 ORDER BY a.id LIMIT ?2"
            );
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![after, limit], read)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Changes an account that has one of these revisions.
    pub fn edit_account(
        &self,
        id: &AccountId,
        revisions: Option<&[u64]>,
        edit: &AccountEdit,
        entry: &AuditEntry,
    ) -> Result<Account, StoreError> {
        self.write(|transaction| {
            let account = find(transaction, id)?;
            if revisions.is_some_and(|revisions| !revisions.contains(&account.revision)) {
                return Err(StoreError::Stale);
            }
            let name = edit.name.as_ref().unwrap_or(&account.name);
            let key_limit = edit.key_limit.unwrap_or(account.key_limit);
            update(transaction, id, (name, key_limit), entry.at)?;
            audit::append(transaction, entry)?;
            find(transaction, id)
        })
    }

    /// Stores a limit request.
    pub fn insert_limit_request(
        &self,
        request: &LimitRequest,
        once: Option<&IdempotentCall>,
        entry: &AuditEntry,
    ) -> Result<Idempotent<()>, StoreError> {
        self.write(|transaction| {
            if let Some(earlier) = idempotency::earlier(transaction, once, entry.at)? {
                return Ok(Idempotent::Repeated(earlier));
            }
            tenancy::require_account(transaction, &request.account)?;
            require_room_for_request(transaction, &request.account)?;
            insert_request(transaction, request)?;
            idempotency::remember(transaction, once, &request.id, entry.at)?;
            audit::append(transaction, entry)?;
            Ok(Idempotent::Done(()))
        })
    }

    /// Finds a limit request, in one account unless `None`.
    pub fn limit_request(
        &self,
        id: &str,
        account: Option<&AccountId>,
    ) -> Result<LimitRequest, StoreError> {
        self.read(|connection| find_request(connection, id, account))
    }

    /// A part of the limit requests of one account, or with `None` of all, newest first.
    pub fn limit_requests(
        &self,
        account: Option<&AccountId>,
        page: PageRequest,
    ) -> Result<ListPage<LimitRequest>, StoreError> {
        self.read(|connection| REQUESTS.page(connection, account, page, read_request))
    }

    /// Decides an open limit request; a limit that is granted is in force at once.
    pub fn decide_limit_request(
        &self,
        id: &str,
        revisions: Option<&[u64]>,
        decision: &LimitDecision,
        note: impl FnOnce(&LimitRequest) -> AuditEntry,
    ) -> Result<LimitRequest, StoreError> {
        self.write(|transaction| {
            let mut request = find_request(transaction, id, None)?;
            if revisions.is_some_and(|revisions| !revisions.contains(&request.revision)) {
                return Err(StoreError::Stale);
            }
            if request.status != LimitStatus::Open {
                return Err(StoreError::Conflict(
                    "the request was decided: the account can write a new one",
                ));
            }
            apply(&mut request, decision);
            let entry = note(&request);
            request.decided_by = Some(entry.actor.to_string());
            request.decided_at = Some(entry.at);
            update_request(transaction, &request)?;
            if decision.granted {
                let account = find(transaction, &request.account)?;
                let granted = (&account.name, Some(request.key_limit));
                update(transaction, &request.account, granted, entry.at)?;
            }
            audit::append(transaction, &entry)?;
            Ok(request)
        })
    }
}

fn apply(request: &mut LimitRequest, decision: &LimitDecision) {
    request.status = match decision.granted {
        true => LimitStatus::Granted,
        false => LimitStatus::Denied,
    };
    request.key_limit = decision.key_limit.unwrap_or(request.key_limit);
    request.note = decision.note.clone();
    request.revision = request.revision.saturating_add(1);
}

fn find(connection: &Connection, id: &AccountId) -> Result<Account, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM accounts AS a WHERE a.id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let account = statement.query_row([id.as_str()], read).optional()?;
    account.ok_or(StoreError::Unknown("account"))
}

fn update(
    transaction: &Connection,
    id: &AccountId,
    (name, key_limit): (&KeyName, Option<u64>),
    now: UnixMillis,
) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE accounts SET name = ?2, key_limit = ?3, updated_at = max(updated_at, ?4), \
         revision = revision + 1 WHERE id = ?1",
        params![
            id.as_str(),
            name.as_str(),
            key_limit.map(integer),
            integer(now.get())
        ],
    )?;
    Ok(())
}

fn require_room_for_request(
    transaction: &Connection,
    account: &AccountId,
) -> Result<(), StoreError> {
    let sql = "SELECT count(*) FROM limit_requests WHERE account = ?1 AND status = 'open'";
    let open: i64 = transaction
        .prepare_cached(sql)?
        .query_row([account.as_str()], |row| row.get(0))?;
    if open < OPEN_REQUESTS_MAX {
        Ok(())
    } else {
        Err(StoreError::Conflict(
            "the account has open limit requests enough: wait until the operator has decided",
        ))
    }
}

fn insert_request(transaction: &Connection, request: &LimitRequest) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO limit_requests ({REQUEST_COLUMNS}) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    );
    transaction.prepare_cached(&sql)?.execute(params![
        request.id,
        request.account.as_str(),
        integer(request.key_limit),
        request.reason.as_str(),
        request.status.as_str(),
        request.note.as_str(),
        request.requested_by,
        request.decided_by,
        integer(request.created_at.get()),
        request.decided_at.map(|at| integer(at.get())),
        integer(request.revision),
    ])?;
    Ok(())
}

fn update_request(transaction: &Connection, request: &LimitRequest) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE limit_requests SET key_limit = ?2, status = ?3, note = ?4, decided_by = ?5, \
         decided_at = ?6, revision = ?7 WHERE id = ?1",
        params![
            request.id,
            integer(request.key_limit),
            request.status.as_str(),
            request.note.as_str(),
            request.decided_by,
            request.decided_at.map(|at| integer(at.get())),
            integer(request.revision),
        ],
    )?;
    Ok(())
}

fn find_request(
    connection: &Connection,
    id: &str,
    account: Option<&AccountId>,
) -> Result<LimitRequest, StoreError> {
    REQUESTS.find(connection, id, account, read_request)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Account> {
    let mut columns = Columns::new(row, 0);
    Ok(Account {
        id: columns.account()?,
        name: columns.read(|text: String| KeyName::stored(&text).ok())?,
        key_limit: columns.read(|number: Option<i64>| match number {
            None => Some(None),
            Some(number) => u64::try_from(number).ok().map(Some),
        })?,
        standard_keys: columns.unsigned()?,
        created_at: columns.read(millis)?,
        updated_at: columns.read(millis)?,
        revision: columns.unsigned()?,
    })
}

fn read_request(row: &Row<'_>) -> rusqlite::Result<LimitRequest> {
    let mut columns = Columns::new(row, 0);
    Ok(LimitRequest {
        id: columns.take()?,
        account: columns.account()?,
        key_limit: columns.unsigned()?,
        reason: columns.read(|text: String| Description::stored(&text).ok())?,
        status: columns.read(|text: String| LimitStatus::parse(&text).ok())?,
        note: columns.read(|text: String| Description::stored(&text).ok())?,
        requested_by: columns.take()?,
        decided_by: columns.take()?,
        created_at: columns.read(millis)?,
        decided_at: columns.read(maybe_millis)?,
        revision: columns.unsigned()?,
    })
}
