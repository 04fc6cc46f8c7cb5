//! Rows that are listed part by part, in the order in which they were made, and found by id.
//!
//! Does not know what a row is. Invariants: a part is read off an index, from where the part before
//! it ended, so that rows that are made or deleted in between shift nothing; to whoever is bound to
//! an account, a row of another one looks like one that does not exist.

use keytable::AccountId;

use crate::domain::audit::AuditEntry;
use crate::store::error::StoreError;
use crate::store::row::integer;
use crate::store::sql::{self, Connection, OptionalExtension, Row, ToValue, Value};
use crate::store::{Store, audit};

/// Which part of a list.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    /// Behind the row with this number; `None`: from the beginning.
    pub behind: Option<u64>,
    /// So many rows at most.
    pub limit: usize,
}

/// One part of a list.
#[derive(Debug)]
pub struct ListPage<T> {
    /// What it has.
    pub items: Vec<T>,
    /// The number of its last row, if there are further ones.
    pub next: Option<u64>,
}

/// In which order a list goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Oldest,
    Newest,
}

/// Where the rows of a list are. Its table has the columns `id`, `seq` and `account`.
pub(crate) struct PagedTable {
    pub(super) table: &'static str,
    pub(super) columns: &'static str,
    pub(super) order: Order,
    /// What a row is, for people.
    pub(super) row: &'static str,
}

/// Something that is a row of such a table.
pub(crate) trait PagedRow: Sized {
    /// Which table.
    const TABLE: PagedTable;

    /// Reads the table's columns.
    fn read(row: &Row<'_>) -> sql::Result<Self>;

    /// Its state: rises with every change, from 1.
    fn revision(&self) -> u64;
}

/// Which row is meant, and in which state.
#[derive(Clone, Debug)]
pub struct RowTarget {
    /// Its id.
    pub id: String,
    /// Only in this account.
    pub account: Option<AccountId>,
    /// Only in one of these revisions.
    pub revisions: Option<Vec<u64>>,
}

impl RowTarget {
    /// This row, wherever and in whichever state.
    pub fn of(id: &str) -> Self {
        Self {
            id: id.into(),
            account: None,
            revisions: None,
        }
    }
}

impl Store {
    /// A part of the rows of one account, or with `None` of all.
    pub(crate) fn page<T: PagedRow>(
        &self,
        account: Option<&AccountId>,
        page: PageRequest,
    ) -> Result<ListPage<T>, StoreError> {
        self.read(|connection| T::TABLE.page(connection, account, page, T::read))
    }

    /// Finds a row.
    pub(crate) fn find<T: PagedRow>(&self, target: &RowTarget) -> Result<T, StoreError> {
        self.read(|connection| find(connection, target))
    }

    /// Deletes a row that nothing else hangs on; gives what it was.
    pub(crate) fn delete_row<T: PagedRow>(
        &self,
        target: &RowTarget,
        note: impl FnOnce(&T) -> AuditEntry,
    ) -> Result<T, StoreError> {
        self.write(|transaction| {
            let row = delete(transaction, target)?;
            audit::append(transaction, &note(&row))?;
            Ok(row)
        })
    }
}

/// Finds a row; refuses one that is in another state than is meant.
pub(super) fn find<T: PagedRow>(
    connection: &Connection,
    target: &RowTarget,
) -> Result<T, StoreError> {
    let row: T = T::TABLE.find(connection, target, T::read)?;
    require_revision(target.revisions.as_deref(), row.revision())?;
    Ok(row)
}

/// Refuses what is in another state than the caller expects, if it expects any.
pub(super) fn require_revision(expected: Option<&[u64]>, revision: u64) -> Result<(), StoreError> {
    match expected.is_none_or(|expected| expected.contains(&revision)) {
        true => Ok(()),
        false => Err(StoreError::Stale),
    }
}

/// Deletes a row; gives what it was.
pub(super) fn delete<T: PagedRow>(
    transaction: &Connection,
    target: &RowTarget,
) -> Result<T, StoreError> {
    let row = find(transaction, target)?;
    let sql = format!("DELETE FROM {} WHERE id = ?1", T::TABLE.table);
    transaction.prepare_cached(&sql)?.execute([&target.id])?;
    Ok(row)
}

/// Refuses one more row where `count`, a query, finds `max` of them in an account; `None`: in none.
pub(super) fn require_room(
    transaction: &Connection,
    count: &str,
    account: Option<&AccountId>,
    (max, refusal): (i64, &'static str),
) -> Result<(), StoreError> {
    let values: Vec<_> = account
        .map(|account| account.as_str().value())
        .into_iter()
        .collect();
    let found: i64 = transaction
        .prepare_cached(count)?
        .query_row(values.as_slice(), |row| row.get(0))?;
    match found < max {
        true => Ok(()),
        false => Err(StoreError::Conflict(refusal)),
    }
}

impl PagedTable {
    /// A part of the list of one account, or with `None` of all.
    fn page<T>(
        &self,
        connection: &Connection,
        account: Option<&AccountId>,
        page: PageRequest,
        read: impl Fn(&Row<'_>) -> sql::Result<T>,
    ) -> Result<ListPage<T>, StoreError> {
        let mut statement = connection.prepare_cached(&self.sql(account.is_some(), page))?;
        let limit = i64::try_from(page.limit.saturating_add(1)).unwrap_or(i64::MAX);
        let mut values: Vec<Value<'_>> = Vec::new();
        values.extend(account.map(|account| account.as_str().value()));
        values.extend(page.behind.map(|behind| Value::from(integer(behind))));
        values.push(limit.into());
        let numbered = |row: &Row<'_>| Ok((row.last::<i64>()?, read(row)?));
        let mut rows = statement.query_map(values, numbered)?;
        let more = rows.len() > page.limit;
        rows.truncate(page.limit);
        let last = rows.last().filter(|_| more);
        let next = last.and_then(|(seq, _)| u64::try_from(*seq).ok());
        let items = rows.into_iter().map(|(_, item)| item).collect();
        Ok(ListPage { items, next })
    }

    /// Finds a row by its id, in one account unless `None`.
    fn find<T>(
        &self,
        connection: &Connection,
        target: &RowTarget,
        read: impl FnOnce(&Row<'_>) -> sql::Result<T>,
    ) -> Result<T, StoreError> {
        let Self { table, columns, .. } = self;
        let account = target.account.as_ref();
        let of_account = account.map_or("", |_| " AND account = ?");
        let sql = format!("SELECT {columns} FROM {table} WHERE id = ?{of_account}");
        let mut values = vec![target.id.value()];
        values.extend(account.map(|account| account.as_str().value()));
        let mut statement = connection.prepare_cached(&sql)?;
        let found = statement.query_row(values.as_slice(), read).optional()?;
        found.ok_or(StoreError::Unknown(self.row))
    }

    /// Only conditions that are asked for are written, so that an index can serve each.
    fn sql(&self, of_account: bool, page: PageRequest) -> String {
        let Self { table, columns, .. } = self;
        let (sign, direction) = match self.order {
            Order::Oldest => (">", "ASC"),
            Order::Newest => ("<", "DESC"),
        };
        let account = if of_account { "account = ?" } else { "TRUE" };
        let behind = match page.behind {
            Some(_) => format!("seq {sign} ?"),
            None => "TRUE".to_owned(),
        };
        format!(
            "SELECT {columns}, seq FROM {table} WHERE {account} AND {behind} \
             ORDER BY seq {direction} LIMIT ?"
        )
    }
}

#[cfg(test)]
mod tests;
