//! Lists of keys: a page of one account's keys, filtered and sorted.
//!
//! Does not find single keys. Invariant: every page is read off an index of the account's keys;
//! no list looks at another account's rows.

use keytable::{AccountId, Status};

use crate::domain::clock::UnixMillis;
use crate::domain::key::Key;
use crate::domain::label::Labels;
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;
use crate::domain::status::status_word;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::row::{Columns, KEY_COLUMNS, contains, has_label, integer, part_of};
use crate::store::sql::{Connection, Value};

/// Which keys a list shows.
#[derive(Clone, Debug)]
pub struct KeyFilter {
    /// Of this account.
    pub account: AccountId,
    /// Of this origin.
    pub origin: Origin,
    /// Of this region only.
    pub region: Option<RegionId>,
    /// Of this status only.
    pub status: Option<Status>,
    /// Of this name, byte by byte.
    pub name: Option<String>,
    /// With this in the name, whatever the case of ASCII letters.
    pub name_contains: Option<String>,
    /// With this in name, description, id or masked value, whatever the case of ASCII letters.
    pub search: Option<String>,
    /// With this id.
    pub id: Option<String>,
    /// Made by this actor.
    pub creator: Option<String>,
    /// With all of these labels.
    pub labels: Labels,
    /// Last used before this time only; a key that was never used counts from its making.
    pub unused_since: Option<UnixMillis>,
}

impl KeyFilter {
    /// Every standard key of an account.
    pub const fn of(account: AccountId) -> Self {
        Self {
            account,
            origin: Origin::Standard,
            region: None,
            status: None,
            name: None,
            name_contains: None,
            search: None,
            id: None,
            creator: None,
            labels: Labels::NONE,
            unused_since: None,
        }
    }
}

/// In which order a list shows its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
    /// By name, ignoring the case of ASCII letters.
    Name,
    /// By name, backwards.
    NameBackwards,
    /// The longest unused first; those that were never used before all others.
    LeastRecentlyUsed,
    /// The last used first.
    MostRecentlyUsed,
}

/// A part of a list.
#[derive(Debug)]
pub struct KeyList {
    /// The keys.
    pub keys: Vec<Key>,
    /// Where the next part begins, if there is one.
    pub next: Option<Cursor>,
    /// How many keys the whole list has.
    pub total: u64,
}

/// A place in a list: only keys behind it follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// What the list is sorted by, of the key at this place; `None` where that is its number.
    pub by: Option<CursorValue>,
    /// The number of the key at this place.
    pub seq: u64,
}

/// What a list is sorted by besides the number of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorValue {
    /// A name.
    Name(String),
    /// A time in milliseconds since 1970; 0: never.
    Time(u64),
}

/// A query that grows.
struct Sql {
    text: String,
    values: Vec<Value<'static>>,
}

impl Store {
    /// At most `limit` keys of a list, from `cursor` on.
    pub fn list(
        &self,
        filter: &KeyFilter,
        sort: Sort,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<KeyList, StoreError> {
        self.read(|connection| {
            let total = count(connection, filter)?;
            let mut found = page(connection, filter, sort, cursor, limit.saturating_add(1))?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more);
            let next = last.map(|(seq, key)| Cursor {
                by: sort.value_of(key),
                seq: *seq,
            });
            let keys = found.into_iter().map(|(_, key)| key).collect();
            Ok(KeyList { keys, next, total })
        })
    }
}

impl Sort {
    /// The column that comes before the number, and whether the list goes down.
    const fn column(self) -> (Option<&'static str>, bool) {
        match self {
            Self::Newest => (None, true),
            Self::Oldest => (None, false),
            Self::Name => (Some("lower(k.name)"), false),
            Self::NameBackwards => (Some("lower(k.name)"), true),
            Self::LeastRecentlyUsed => (Some("coalesce(k.last_used_at, 0)"), false),
            Self::MostRecentlyUsed => (Some("coalesce(k.last_used_at, 0)"), true),
        }
    }

    fn value_of(self, key: &Key) -> Option<CursorValue> {
        match self {
            Self::Newest | Self::Oldest => None,
            Self::Name | Self::NameBackwards => {
                Some(CursorValue::Name(key.name.as_str().to_owned()))
            }
            Self::LeastRecentlyUsed | Self::MostRecentlyUsed => {
                let at = key.last_used_at.map_or(0, UnixMillis::get);
                Some(CursorValue::Time(at))
            }
        }
    }
}

impl Sql {
    fn push(&mut self, text: &str, values: impl IntoIterator<Item = Value<'static>>) {
        self.text.push_str(text);
        self.values.extend(values);
    }

    /// Only conditions that are asked for are written, so that an index can serve each.
    fn filter(&mut self, filter: &KeyFilter) {
        let text = |text: &str| Value::from(text.to_owned());
        self.push(
            " WHERE k.account = ? AND k.origin = ?",
            [text(filter.account.as_str()), text(filter.origin.as_str())],
        );
        if let Some(region) = &filter.region {
            self.push(" AND k.region = ?", [text(region.as_str())]);
        }
        if let Some(status) = filter.status {
            self.push(" AND k.status = ?", [text(status_word(status))]);
        }
        if let Some(name) = &filter.name {
            // The index is by the name without case.
            let both = " AND lower(k.name) = ? AND k.name = ?";
            self.push(both, [name.to_ascii_lowercase().into(), text(name)]);
        }
        if let Some(id) = &filter.id {
            self.push(" AND k.id = ?", [text(id)]);
        }
        if let Some(creator) = &filter.creator {
            self.push(" AND k.creator = ?", [text(creator)]);
        }
        for label in filter.labels.members() {
            self.push(&format!(" AND {}", has_label("k", "?")), [label.into()]);
        }
        if let Some(part) = &filter.name_contains {
            self.push(&format!(" AND {}", contains("k.name")), [part_of(part)]);
        }
        if let Some(part) = &filter.search {
            let columns = ["k.name", "k.description", "k.id", "k.masked"];
            let any = columns.map(contains).join(" OR ");
            self.push(&format!(" AND ({any})"), columns.map(|_| part_of(part)));
        }
        if let Some(since) = filter.unused_since {
            let since = integer(since.get()).into();
            self.push(" AND coalesce(k.last_used_at, k.created_at) < ?", [since]);
        }
    }

    fn order(&mut self, filter: &KeyFilter, sort: Sort, cursor: Option<&Cursor>) {
        let (column, down) = match (sort, &filter.name) {
            // Keys of one name are in the order of their numbers.
            (Sort::Name, Some(_)) => (None, false),
            (Sort::NameBackwards, Some(_)) => (None, true),
            _ => sort.column(),
        };
        let (sign, direction) = if down { ("<", "DESC") } else { (">", "ASC") };
        if let Some(cursor) = cursor {
            let seq = Value::from(integer(cursor.seq));
            match (column, &cursor.by) {
                (Some(column), Some(by)) => {
                    self.push(
                        &format!(" AND ({column}, k.seq) {sign} (?, ?)"),
                        [by.value(), seq],
                    );
                }
                _ => self.push(&format!(" AND k.seq {sign} ?"), [seq]),
            }
        }
        let first = column.map(|column| format!("{column} {direction}, "));
        let first = first.unwrap_or_default();
        self.push(&format!(" ORDER BY {first}k.seq {direction}"), []);
    }
}

impl CursorValue {
    fn value(&self) -> Value<'static> {
        match self {
            Self::Name(name) => name.to_ascii_lowercase().into(),
            Self::Time(at) => integer(*at).into(),
        }
    }
}

fn count_sql(filter: &KeyFilter) -> Sql {
    let mut sql = Sql {
        text: "SELECT count(*) FROM keys AS k".into(),
        values: Vec::new(),
    };
    sql.filter(filter);
    sql
}

fn page_sql(filter: &KeyFilter, sort: Sort, cursor: Option<&Cursor>, limit: usize) -> Sql {
    let mut sql = Sql {
        text: format!("SELECT k.seq, {KEY_COLUMNS} FROM keys AS k"),
        values: Vec::new(),
    };
    sql.filter(filter);
    sql.order(filter, sort, cursor);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    sql.push(" LIMIT ?", [limit.into()]);
    sql
}

fn count(connection: &Connection, filter: &KeyFilter) -> Result<u64, StoreError> {
    let sql = count_sql(filter);
    let count: i64 = connection
        .prepare_cached(&sql.text)?
        .query_row(sql.values, |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn page(
    connection: &Connection,
    filter: &KeyFilter,
    sort: Sort,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<(u64, Key)>, StoreError> {
    let sql = page_sql(filter, sort, cursor, limit);
    let mut statement = connection.prepare_cached(&sql.text)?;
    Ok(statement.query_map(sql.values, |row| {
        let mut columns = Columns::new(row, 0);
        let seq = columns.unsigned()?;
        Ok((seq, columns.key()?))
    })?)
}

#[cfg(test)]
mod tests;
