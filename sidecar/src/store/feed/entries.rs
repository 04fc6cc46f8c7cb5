//! What records of the key table are made of, read from rows.
//!
//! Does not choose which. Invariant: limits are told as the ledger has them in the same transaction.

use keytable::LimitSubject;

use crate::domain::clock::UnixMillis;
use crate::domain::limit::LimitedAccount;
use crate::domain::table_entry::{AccountEntry, KeyEntry, TableEntry};
use crate::store::limits::figures;
use crate::store::row::{Columns, KEY_COLUMNS};
use crate::store::sql::{self, Connection};
use crate::store::tenancy::IS_SWITCHED_OFF;

/// The columns that [`key_of`] reads, in its order, of `keys AS k`.
pub(super) fn columns() -> String {
    let account = "EXISTS (SELECT 1 FROM limits AS a WHERE a.subject = 'account:' || k.account)";
    format!("{KEY_COLUMNS}, {account}, {IS_SWITCHED_OFF}")
}

/// A key of [`columns`], without figures yet.
pub(super) fn key_of(columns: &mut Columns<'_>) -> sql::Result<KeyEntry> {
    Ok(KeyEntry {
        key: Box::new(columns.key()?),
        limits: Vec::new(),
        is_account_limited: columns.take()?,
        is_switched_off: columns.take()?,
    })
}

/// The same with how far its limits are used.
pub(super) fn with_figures(
    connection: &Connection,
    entry: KeyEntry,
    now: UnixMillis,
) -> sql::Result<KeyEntry> {
    let subject = LimitSubject::Key(entry.key.subject.clone());
    let limits = figures::recorded(connection, &subject, &entry.key.limits, now)?;
    Ok(KeyEntry { limits, ..entry })
}

/// What the record of an account is made of.
pub(super) fn of_account(
    connection: &Connection,
    LimitedAccount { account, limits }: LimitedAccount,
    now: UnixMillis,
) -> sql::Result<TableEntry> {
    let subject = LimitSubject::Account(account.clone());
    let limits = figures::recorded(connection, &subject, &limits, now)?;
    Ok(TableEntry::Account(AccountEntry { account, limits }))
}
