//! Usage: what Envoys have counted, by key, resource, outcome and time.
//!
//! Does not count requests (`batch` adds what they counted). Invariant: a share and a point tell every row
//! of their interval once.

mod batch;
mod rank;
mod record;
mod tokens;

use keytable::{AccountId, KeyId, Tokens, UsageOutcome};

use crate::domain::label::Labels;
use crate::domain::usage::Interval;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::row::{Columns, has_label, integer};
use crate::store::sql::{self, Connection, Row, Value};

use tokens::SUMS as TOKEN_SUMS;

pub use rank::{RankedBy, Ranking};
pub use tokens::CountedTokens;

/// How many requests. A sum is given the type of what was summed up: PostgreSQL widens it.
const COUNT: &str = "CAST(sum(count) AS bigint)";

/// Whose usage is asked for.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Of one key.
    Key(KeyId),
    /// Of all keys of an account, also those that were deleted.
    Account(AccountId),
    /// Of the keys of an account that have these labels now.
    Labelled(AccountId, Labels),
    /// Of every account.
    Everyone,
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

/// What one key, one account or one resource has of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageShare {
    /// The id of the key or the account, or the name of the resource.
    pub of: String,
    /// The name of the key or the account.
    pub name: Option<String>,
    /// Requests that were passed on to their end.
    pub permitted: u64,
    /// Requests that were not.
    pub refused: u64,
    /// What they used.
    pub tokens: Tokens,
}

impl Store {
    /// The points of a series; periods without requests are left out.
    pub fn usage_series(
        &self,
        subject: &Subject,
        interval: &Interval,
    ) -> Result<Vec<UsagePoint>, StoreError> {
        let sql = format!(
            "SELECT start_s, outcome, {COUNT}, {TOKEN_SUMS} FROM usage WHERE {} GROUP BY start_s, outcome \
             ORDER BY start_s, outcome",
            subject.condition()
        );
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let parameters = subject.parameters(interval);
            Ok(statement.query_map(parameters, point)?)
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
        let name = "coalesce((SELECT name FROM keys WHERE id = key), \
                    (SELECT name FROM dead_keys WHERE id = key))";
        let sql = shares_sql(subject, "key", name);
        self.read(|connection| shares(connection, &sql, subject, interval, limit))
    }
}

impl Store {
    /// The largest shares of accounts, at most `limit`; deleted accounts have their last name.
    pub fn usage_by_account(
        &self,
        interval: &Interval,
        limit: usize,
    ) -> Result<Vec<UsageShare>, StoreError> {
        let subject = Subject::Everyone;
        let name = "(SELECT name FROM accounts WHERE id = account)";
        let sql = shares_sql(&subject, "account", name);
        self.read(|connection| shares(connection, &sql, &subject, interval, limit))
    }
}

impl Subject {
    /// Served by the primary key, by `usage_by_account` or by `usage_by_time`.
    fn condition(&self) -> String {
        let within = "period_s = ?2 AND start_s >= ?3 AND start_s < ?4";
        match self {
            Self::Key(_) => format!("key = ?1 AND {within}"),
            Self::Account(_) => format!("account = ?1 AND {within}"),
            // Each statement has the same parameters: this one is there, and says nothing.
            Self::Everyone => format!("{within} AND ?1 = ''"),
            Self::Labelled(_, labels) => {
                let places = (5..).take(labels.members().count());
                let labelled = places.map(|place| has_label("keys", &format!("?{place}")));
                let labelled: Vec<_> = labelled.collect();
                format!(
                    "account = ?1 AND {within} AND key IN (SELECT id FROM keys WHERE account = ?1 AND {})",
                    labelled.join(" AND ")
                )
            }
        }
    }

    fn parameters(&self, interval: &Interval) -> Vec<Value<'static>> {
        let id = match self {
            Self::Key(id) => id.as_str(),
            Self::Account(id) | Self::Labelled(id, _) => id.as_str(),
            Self::Everyone => "",
        };
        let times = [interval.period.seconds(), interval.from_s, interval.until_s];
        let mut parameters = vec![Value::from(id.to_owned())];
        parameters.extend(times.map(|time| Value::from(integer(time))));
        if let Self::Labelled(_, labels) = self {
            parameters.extend(labels.members().map(Value::from));
        }
        parameters
    }
}

/// How many requests were permitted, and how many refused.
fn outcome_sums() -> String {
    let permitted = UsageOutcome::Permitted.code();
    format!(
        "CAST(sum(CASE WHEN outcome = {permitted} THEN count ELSE 0 END) AS bigint), \
         CAST(sum(CASE WHEN outcome = {permitted} THEN 0 ELSE count END) AS bigint)"
    )
}

fn shares_sql(subject: &Subject, of: &str, name: &str) -> String {
    format!(
        "SELECT {of}, {name}, {}, {TOKEN_SUMS} FROM usage WHERE {} GROUP BY {of} \
         ORDER BY sum(count) DESC, {of} LIMIT ?",
        outcome_sums(),
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
    Ok(statement.query_map(parameters, share)?)
}

fn share(row: &Row<'_>) -> sql::Result<UsageShare> {
    let mut columns = Columns::new(row, 0);
    Ok(UsageShare {
        of: columns.take()?,
        name: columns.take()?,
        permitted: columns.unsigned()?,
        refused: columns.unsigned()?,
        tokens: tokens::read(&mut columns)?,
    })
}

fn point(row: &Row<'_>) -> sql::Result<UsagePoint> {
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
