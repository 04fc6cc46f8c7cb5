//! The change log: what each generation changed, as far back as it is kept.
//!
//! Does not change keys. Invariant: every generation up to the newest is one row, but for those
//! that are older than [`CHANGES_KEPT`]; and news are read in one transaction, so that they are
//! of one moment.

use keytable::limits::DELTA_CHANGES_MAX;
use keytable::{Epoch, Generation, KeyHash};

use crate::domain::clock::UnixMillis;
use crate::domain::region::RegionId;
use crate::domain::table_entry::TableEntry;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::feed::entries;
use crate::store::limits::subjects;
use crate::store::row::{Columns, integer};
use crate::store::sql::{Connection, OptionalExtension, Value, params};

/// Generations that the log remembers; whoever is further behind gets the whole table.
const CHANGES_KEPT: u64 = 100_000;
/// Changes that one statement logs: on a server each statement is a way there and back.
const ROWS_OF_ONE: usize = 1_000;

/// One change, to be logged.
#[derive(Debug)]
pub(crate) struct ChangeEntry {
    pub(crate) region: RegionId,
    pub(crate) hash: KeyHash,
    pub(crate) kind: ChangeKind,
}

/// What became of the key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ChangeKind {
    Put,
    Remove,
}

/// What an agent that has a certain table is to be told.
#[derive(Debug)]
pub enum News {
    /// The log does not lead from the agent's table to the newest: it needs the whole table.
    Gap {
        /// The newest generation.
        newest: Generation,
    },
    /// The records that changed in between; none if the agent has the newest generation.
    Changes {
        /// The newest generation.
        newest: Generation,
        /// Each changed record once: its hash, and what it is made of unless it was deleted.
        changes: Vec<(KeyHash, Option<TableEntry>)>,
    },
}

impl Store {
    /// What happened in a region since `position`, which is what the agent has in force; limits are told
    /// as they are used `now`.
    pub fn news(
        &self,
        region: &RegionId,
        position: Option<(Epoch, Generation)>,
        now: UnixMillis,
    ) -> Result<News, StoreError> {
        self.read(|connection| {
            let newest = newest(connection)?;
            let from = match position {
                Some((epoch, from)) if epoch == self.epoch() => from,
                _ => return Ok(News::Gap { newest }),
            };
            if !reaches_back(connection, from, newest)? {
                return Ok(News::Gap { newest });
            }
            let changes = changes_since(connection, region, from, now)?;
            Ok(match changes.len() {
                0..=DELTA_CHANGES_MAX => News::Changes { newest, changes },
                _ => News::Gap { newest },
            })
        })
    }

    /// Gives all that a region's table has to `each`, with limits as they are used `now`; answers which
    /// generation it is of.
    pub fn table(
        &self,
        region: &RegionId,
        now: UnixMillis,
        each: impl FnMut(TableEntry),
    ) -> Result<Generation, StoreError> {
        self.read(|connection| {
            every_entry(connection, region, now, each)?;
            newest(connection)
        })
    }
}

/// Gives every key of a region and every account that has limits to `each`.
pub(crate) fn every_entry(
    connection: &Connection,
    region: &RegionId,
    now: UnixMillis,
    mut each: impl FnMut(TableEntry),
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT {} FROM keys AS k WHERE k.region = ?1",
        entries::columns()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query([region.as_str()], |row| {
        let entry = entries::key_of(&mut Columns::new(row, 0))?;
        let entry = entries::with_figures(connection, entry, now)?;
        each(TableEntry::Key(entry));
        Ok(true)
    })?;
    for account in subjects::accounts(connection)? {
        each(entries::of_account(connection, account, now)?);
    }
    Ok(())
}

/// The newest generation that is committed.
pub(crate) fn newest(connection: &Connection) -> Result<Generation, StoreError> {
    let number: i64 = connection
        .prepare_cached("SELECT generation FROM meta")?
        .query_row(params![], |row| row.get(0))?;
    Ok(generation(number))
}

/// Logs changes, each as a generation of its own.
pub(crate) fn append(connection: &Connection, changes: &[ChangeEntry]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut last = newest(connection)?;
    for rows in changes.chunks(ROWS_OF_ONE) {
        last = insert(connection, last, rows)?;
    }
    connection
        .prepare_cached("UPDATE meta SET generation = ?1")?
        .execute([integer(last.get())])?;
    connection
        .prepare_cached("DELETE FROM changes WHERE generation <= ?1")?
        .execute([integer(last.get().saturating_sub(CHANGES_KEPT))])?;
    Ok(())
}

/// Logs changes behind a generation, by one statement; gives the generation of the last.
fn insert(
    connection: &Connection,
    last: Generation,
    changes: &[ChangeEntry],
) -> Result<Generation, StoreError> {
    let mut last = last;
    let mut values = Vec::with_capacity(4 * changes.len());
    for change in changes {
        last = last.next();
        let kind = match change.kind {
            ChangeKind::Put => "put",
            ChangeKind::Remove => "remove",
        };
        values.extend([
            Value::Integer(integer(last.get())),
            Value::Text(change.region.as_str().into()),
            Value::Blob(change.hash.as_bytes()),
            Value::Text(kind.into()),
        ]);
    }
    let rows = vec!["(?, ?, ?, ?)"; changes.len()].join(", ");
    let sql = format!("INSERT INTO changes (generation, region, key_hash, kind) VALUES {rows}");
    connection.prepare_cached(&sql)?.execute(&values)?;
    Ok(last)
}

/// Whether the log has every generation behind `from`. Not for one that is yet to come.
fn reaches_back(
    connection: &Connection,
    from: Generation,
    newest: Generation,
) -> Result<bool, StoreError> {
    if from >= newest {
        return Ok(from == newest);
    }
    let oldest: Option<i64> = connection
        .prepare_cached("SELECT generation FROM changes ORDER BY generation LIMIT 1")?
        .query_row(params![], |row| row.get(0))
        .optional()?;
    Ok(oldest.is_some_and(|oldest| generation(oldest) <= from.next()))
}

/// The records that changed behind `from`: at most one more than a delta may have.
fn changes_since(
    connection: &Connection,
    region: &RegionId,
    from: Generation,
    now: UnixMillis,
) -> Result<Vec<(KeyHash, Option<TableEntry>)>, StoreError> {
    let sql = format!(
        "SELECT c.key_hash, k.seq IS NOT NULL, {} FROM (SELECT DISTINCT key_hash FROM \
         changes WHERE region = ?1 AND generation > ?2 LIMIT ?3) AS c LEFT JOIN keys AS k ON \
         k.key_hash = c.key_hash",
        entries::columns()
    );
    let limit = i64::try_from(DELTA_CHANGES_MAX + 1).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    let changed = statement.query_map(
        params![region.as_str(), integer(from.get()), limit],
        |row| {
            let mut columns = Columns::new(row, 0);
            let hash = columns.hash()?;
            let exists: bool = columns.take()?;
            Ok((
                hash,
                exists.then(|| entries::key_of(&mut columns)).transpose()?,
            ))
        },
    )?;
    let told = changed.into_iter().map(|(hash, entry)| {
        let entry = match entry {
            Some(entry) => Some(TableEntry::Key(entries::with_figures(
                connection, entry, now,
            )?)),
            None => subjects::account_of(connection, &hash)?
                .map(|account| entries::of_account(connection, account, now))
                .transpose()?,
        };
        Ok((hash, entry))
    });
    told.collect()
}

fn generation(number: i64) -> Generation {
    Generation::new(u64::try_from(number).unwrap_or(0))
}
