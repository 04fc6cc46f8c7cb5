//! Requests of accounts for more keys: made, decided.
//!
//! Does not count keys. Invariant: a request is decided once, and a limit that is granted is in force
//! in the same transaction.

use crate::domain::audit::AuditEntry;
use crate::domain::identity::account::{LimitDecision, LimitRequest, LimitStatus};
use crate::domain::name::Description;
use crate::store::error::StoreError;
use crate::store::idempotency::{Idempotent, IdempotentCall};
use crate::store::identity::accounts;
use crate::store::pagination::{self, Order, PagedRow, PagedTable, RowTarget};
use crate::store::row::{Columns, integer};
use crate::store::sql::{self, Connection, Row, params};
use crate::store::{Store, audit, tenancy};

const COLUMNS: &str = "id, account, key_limit, reason, status, note, requested_by, \
     decided_by, created_at, decided_at, revision";

/// Requests that an account may have open at a time, and what to say to one more.
const OPEN_REQUESTS_MAX: (i64, &str) = (
    10,
    "the account has open limit requests enough: wait until the operator has decided",
);

const COUNT_OPEN: &str =
    "SELECT count(*) FROM limit_requests WHERE account = ?1 AND status = 'open'";

impl Store {
    /// Stores a limit request.
    pub fn insert_limit_request(
        &self,
        request: &LimitRequest,
        once: Option<&IdempotentCall>,
        entry: &AuditEntry,
    ) -> Result<Idempotent<()>, StoreError> {
        self.make_once(once, entry, |transaction| {
            tenancy::require_account(transaction, &request.account)?;
            let account = Some(&request.account);
            pagination::require_room(transaction, COUNT_OPEN, account, OPEN_REQUESTS_MAX)?;
            insert(transaction, request)
        })
    }

    /// Decides an open limit request; a limit that is granted is in force at once.
    pub fn decide_limit_request(
        &self,
        target: &RowTarget,
        decision: &LimitDecision,
        note: impl FnOnce(&LimitRequest) -> AuditEntry,
    ) -> Result<LimitRequest, StoreError> {
        self.write(|transaction| {
            let mut request: LimitRequest = pagination::find(transaction, target)?;
            if request.status != LimitStatus::Open {
                return Err(StoreError::Conflict(
                    "the request was decided: the account can write a new one",
                ));
            }
            apply(&mut request, decision);
            let entry = note(&request);
            request.decided_by = Some(entry.actor.to_string());
            request.decided_at = Some(entry.at);
            update(transaction, &request)?;
            if decision.granted {
                let account = accounts::find(transaction, &request.account)?;
                let granted = (&account.name, Some(request.key_limit));
                accounts::update(transaction, &request.account, granted, entry.at)?;
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

fn insert(transaction: &Connection, request: &LimitRequest) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO limit_requests ({COLUMNS}) \
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

fn update(transaction: &Connection, request: &LimitRequest) -> Result<(), StoreError> {
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

// === impl LimitRequest ===

impl PagedRow for LimitRequest {
    const TABLE: PagedTable = PagedTable {
        table: "limit_requests",
        columns: COLUMNS,
        order: Order::Newest,
        row: "limit request",
    };

    fn read(row: &Row<'_>) -> sql::Result<Self> {
        let mut columns = Columns::new(row, 0);
        Ok(Self {
            id: columns.take()?,
            account: columns.account()?,
            key_limit: columns.unsigned()?,
            reason: columns.read(|text: String| Description::stored(&text).ok())?,
            status: columns.read(|text: String| LimitStatus::parse(&text).ok())?,
            note: columns.read(|text: String| Description::stored(&text).ok())?,
            requested_by: columns.take()?,
            decided_by: columns.take()?,
            created_at: columns.time()?,
            decided_at: columns.maybe_time()?,
            revision: columns.unsigned()?,
        })
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}
