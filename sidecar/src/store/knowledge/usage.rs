//! Usage: what Envoys have counted, by key, resource, outcome and time.
//!
//! Does not count requests. Invariant: every row of a batch is counted once, however often the
//! batch comes and wherever the process was killed; points are forgotten when their time is over.

mod rank;
mod record;
mod tokens;

use keytable::{AccountId, KeyId, Tokens, UsageBatch, UsageOutcome};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use crate::domain::clock::UnixMillis;
use crate::domain::label::Labels;
use crate::domain::usage::{Interval, Period};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::row::{Columns, has_labels, integer};

use tokens::SUMS as TOKEN_SUMS;

pub use rank::{RankedBy, Ranking};

/// Rows of a batch that are counted in one transaction: an admin's change does not wait long.
const ROWS_AT_ONCE: usize = 250;
/// How long batches are remembered, in milliseconds: no agent repeats one after a week.
const BATCHES_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// Whose usage is asked for.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Of one key.
    Key(KeyId),
    /// Of all keys of an account, also those that were deleted.
    Account(AccountId),
    /// Of the keys of an account that have these labels now.
    Labelled(AccountId, Labels),
}

/// Requests of one period that came to one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsagePoint {
    /// The begin of the period, in seconds since 1970.
    pub start_s: u64,
    /// What became of the requests.
    pub outcome: UsageOutcome,
    /// How many.
    pub count: u64,
    /// What they used.
    pub tokens: Tokens,
}

/// What one key or one resource has of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageShare {
    /// The id of the key, or the name of the resource.
    pub of: String,
    /// The name of the key.
    pub name: Option<String>,
    /// Requests that were passed on to their end.
    pub permitted: u64,
    /// Requests that were not.
    pub refused: u64,
    /// What they used.
    pub tokens: Tokens,
}

impl Store {
    /// Counts a batch, unless it was counted before.
    pub fn count_usage(&self, batch: &UsageBatch, now: UnixMillis) -> Result<(), StoreError> {
        while self.write(|connection| count_part(connection, batch, now))? {}
        Ok(())
    }

    /// The points of a series; periods without requests are left out.
    pub fn usage_series(
        &self,
        subject: &Subject,
        interval: &Interval,
    ) -> Result<Vec<UsagePoint>, StoreError> {
        let sql = format!(
            "SELECT start_s, outcome, sum(count), {TOKEN_SUMS} FROM usage WHERE {} GROUP BY start_s, outcome \
             ORDER BY start_s, outcome",
            subject.condition()
        );
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let parameters = params_from_iter(subject.parameters(interval));
            let rows = statement.query_map(parameters, point)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The largest shares of resources, at most `limit`.
    pub fn usage_by_resource(
        &self,
        subject: &Subject,
        interval: &Interval,
        limit: usize,
    ) -> Result<Vec<UsageShare>, StoreError> {
        let sql = shares_sql(subject, "resource", "NULL");
        self.read(|connection| shares(connection, &sql, subject, interval, limit))
    }

    /// The largest shares of keys, at most `limit`; deleted keys have their last name.
    pub fn usage_by_key(
        &self,
        subject: &Subject,
        interval: &Interval,
        limit: usize,
    ) -> Result<Vec<UsageShare>, StoreError> {
        let name = "ifnull((SELECT name FROM keys WHERE id = key), \
                    (SELECT name FROM dead_keys WHERE id = key))";
        let sql = shares_sql(subject, "key", name);
        self.read(|connection| shares(connection, &sql, subject, interval, limit))
    }
}

impl Subject {
    /// Served by the primary key, or by `usage_by_account`.
    fn condition(&self) -> String {
        let within = "period_s = ?2 AND start_s >= ?3 AND start_s < ?4";
        match self {
            Self::Key(_) => format!("key = ?1 AND {within}"),
            Self::Account(_) => format!("account = ?1 AND {within}"),
            Self::Labelled(..) => format!(
                "account = ?1 AND {within} AND key IN (SELECT id FROM keys WHERE account = ?1 AND {})",
                has_labels("keys", "?5")
            ),
        }
    }

    fn parameters(&self, interval: &Interval) -> Vec<Value> {
        let id = match self {
            Self::Key(id) => id.as_str(),
            Self::Account(id) | Self::Labelled(id, _) => id.as_str(),
        };
        let times = [interval.period.seconds(), interval.from_s, interval.until_s];
        let mut parameters = vec![Value::from(id.to_owned())];
        parameters.extend(times.map(|time| Value::from(integer(time))));
        if let Self::Labelled(_, labels) = self {
            parameters.push(labels.to_json().to_string().into());
        }
        parameters
    }
}

/// Counts the next rows of a batch; whether there are more.
fn count_part(
    connection: &Connection,
    batch: &UsageBatch,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    let sequence = batch.sequence.to_be_bytes();
    connection
        .prepare_cached(
            "INSERT INTO usage_batches (source, sequence, rows_counted, stored_at) \
             VALUES (?1, ?2, 0, ?3) ON CONFLICT DO NOTHING",
        )?
        .execute(params![batch.source, sequence, integer(now.get())])?;
    let counted: i64 = connection
        .prepare_cached(
            "SELECT rows_counted FROM usage_batches WHERE source = ?1 AND sequence = ?2",
        )?
        .query_row(params![batch.source, sequence], |row| row.get(0))?;
    let counted = usize::try_from(counted).unwrap_or(usize::MAX);
    let part = batch.rows.iter().skip(counted).take(ROWS_AT_ONCE);
    let reached = counted.saturating_add(part.len());
    for row in part {
        record::count(connection, row, now)?;
    }
    connection
        .prepare_cached(
            "UPDATE usage_batches SET rows_counted = ?3 WHERE source = ?1 AND sequence = ?2",
        )?
        .execute(params![
            batch.source,
            sequence,
            i64::try_from(reached).unwrap_or(i64::MAX)
        ])?;
    let more = reached < batch.rows.len();
    if !more {
        forget(connection, now)?;
    }
    Ok(more)
}

/// Forgets points and batches whose time is over.
fn forget(connection: &Connection, now: UnixMillis) -> Result<(), StoreError> {
    for period in Period::ALL {
        let oldest_s = (now.get() / 1000).saturating_sub(period.kept_s());
        connection
            .prepare_cached("DELETE FROM usage WHERE period_s = ?1 AND start_s < ?2")?
            .execute([integer(period.seconds()), integer(oldest_s)])?;
    }
    let oldest = now.get().saturating_sub(BATCHES_KEPT_MS);
    connection
        .prepare_cached("DELETE FROM usage_batches WHERE stored_at < ?1")?
        .execute([integer(oldest)])?;
    Ok(())
}

fn shares_sql(subject: &Subject, of: &str, name: &str) -> String {
    let permitted = UsageOutcome::Permitted.code();
    format!(
        "SELECT {of}, {name}, sum(iif(outcome = {permitted}, count, 0)), \
         sum(iif(outcome = {permitted}, 0, count)), {TOKEN_SUMS} FROM usage WHERE {} GROUP BY {of} \
         ORDER BY sum(count) DESC, {of} LIMIT ?",
        subject.condition()
    )
}

fn shares(
    connection: &Connection,
    sql: &str,
    subject: &Subject,
    interval: &Interval,
    limit: usize,
) -> Result<Vec<UsageShare>, StoreError> {
    let mut parameters = subject.parameters(interval);
    parameters.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params_from_iter(parameters), share)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn share(row: &Row<'_>) -> rusqlite::Result<UsageShare> {
    let mut columns = Columns::new(row, 0);
    Ok(UsageShare {
        of: columns.take()?,
        name: columns.take()?,
        permitted: columns.unsigned()?,
        refused: columns.unsigned()?,
        tokens: tokens::read(&mut columns)?,
    })
}

fn point(row: &Row<'_>) -> rusqlite::Result<UsagePoint> {
    let mut columns = Columns::new(row, 0);
    Ok(UsagePoint {
        start_s: columns.unsigned()?,
        outcome: columns.read(UsageOutcome::from_code)?,
        count: columns.unsigned()?,
        tokens: tokens::read(&mut columns)?,
    })
}

#[cfg(test)]
mod tests;
