//! Lists that are read part by part, in the order in which their rows were made.
//!
//! Does not know what a row is. Invariant: a part is read off an index, from where the part before
//! it ended; rows that are made or deleted in between shift nothing.

use keytable::AccountId;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::store::error::StoreError;
use crate::store::row::integer;

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
pub(super) enum Order {
    Oldest,
    Newest,
}

/// Where the rows of a list are. Its table has the columns `seq` and `account`.
pub(super) struct PagedTable {
    pub(super) table: &'static str,
    pub(super) columns: &'static str,
    pub(super) order: Order,
    /// What a row is, for people.
    pub(super) row: &'static str,
}

impl PagedTable {
    /// A part of the list of one account, or with `None` of all.
    pub(super) fn page<T>(
        &self,
        connection: &Connection,
        account: Option<&AccountId>,
        page: PageRequest,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<ListPage<T>, StoreError> {
        let mut statement = connection.prepare_cached(&self.sql(account.is_some(), page))?;
        let parameters = named_params! {
            ":account": account.map(AccountId::as_str),
            ":behind": page.behind.map(integer),
            ":limit": i64::try_from(page.limit.saturating_add(1)).unwrap_or(i64::MAX),
        };
        let numbered = |row: &Row<'_>| Ok((row.get::<_, i64>("seq")?, read(row)?));
        let rows = statement.query_map(parameters, numbered)?;
        let mut rows: Vec<(i64, T)> = rows.collect::<rusqlite::Result<_>>()?;
        let more = rows.len() > page.limit;
        rows.truncate(page.limit);
        let last = rows.last().filter(|_| more);
        let next = last.and_then(|(seq, _)| u64::try_from(*seq).ok());
        let items = rows.into_iter().map(|(_, item)| item).collect();
        Ok(ListPage { items, next })
    }

    /// Finds a row by its id, in one account unless `None`.
    pub(super) fn find<T>(
        &self,
        connection: &Connection,
        id: &str,
        account: Option<&AccountId>,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Self { table, columns, .. } = self;
        let sql = format!(
            "SELECT {columns} FROM {table} WHERE id = :id AND (:account IS NULL OR account = :account)"
        );
        let parameters = named_params! {":id": id, ":account": account.map(AccountId::as_str)};
        let mut statement = connection.prepare_cached(&sql)?;
        let found = statement.query_row(parameters, read).optional()?;
        found.ok_or(StoreError::Unknown(self.row))
    }

    /// Only conditions that are asked for are written, so that an index can serve each.
    fn sql(&self, of_account: bool, page: PageRequest) -> String {
        let Self { table, columns, .. } = self;
        let (sign, direction) = match self.order {
            Order::Oldest => (">", "ASC"),
            Order::Newest => ("<", "DESC"),
        };
        let account = match of_account {
            true => "account = :account".to_owned(),
            false => ":account IS NULL".to_owned(),
        };
        let behind = match page.behind {
            Some(_) => format!("seq {sign} :behind"),
            None => ":behind IS NULL".to_owned(),
        };
        format!(
            "SELECT {columns}, seq FROM {table} WHERE {account} AND {behind} \
             ORDER BY seq {direction} LIMIT :limit"
        )
    }
}

#[cfg(test)]
mod tests;
