//! Rankings: what each key or each resource has of one region's requests, and its points.
//!
//! Does not cut into pages. Invariant: a deleted key counts where it was, under its last name.

use keytable::{AccountId, KeyId};

use crate::domain::region::RegionId;
use crate::domain::usage::Interval;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::knowledge::usage::{
    COUNT, TOKEN_SUMS, UsagePoint, UsageShare, outcome_sums, point, share,
};
use crate::store::row::integer;
use crate::store::sql::{self, Connection, Row, Value};

const NAME: &str = "coalesce((SELECT name FROM keys WHERE id = key), \
     (SELECT name FROM dead_keys WHERE id = key))";

/// What is ranked.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// Keys of this account.
    pub account: AccountId,
    /// Of this region.
    pub region: RegionId,
    /// This key only.
    pub key: Option<KeyId>,
    /// In this time.
    pub interval: Interval,
    /// By what.
    pub by: RankedBy,
}

/// By what requests are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankedBy {
    /// By key.
    Key,
    /// By resource.
    Resource,
}

impl Store {
    /// Every share, the largest first.
    pub fn usage_ranking(&self, ranking: &Ranking) -> Result<Vec<UsageShare>, StoreError> {
        let (of, name) = match ranking.by {
            RankedBy::Key => ("key", NAME),
            RankedBy::Resource => ("resource", "NULL"),
        };
        let (condition, values) = ranking.condition();
        let sql = format!(
            "SELECT {of}, {name}, {}, {TOKEN_SUMS} FROM usage WHERE {condition} \
             GROUP BY {of} ORDER BY sum(count) DESC, {of}",
            outcome_sums()
        );
        self.read(|connection| rows(connection, &sql, values, share))
    }

    /// The points of the key or resource `of`; periods without requests are left out.
    pub fn usage_points(&self, ranking: &Ranking, of: &str) -> Result<Vec<UsagePoint>, StoreError> {
        let column = match ranking.by {
            RankedBy::Key => "key",
            RankedBy::Resource => "resource",
        };
        let (condition, mut values) = ranking.condition();
        values.push(of.to_owned().into());
        let sql = format!(
            "SELECT start_s, outcome, {COUNT}, {TOKEN_SUMS} FROM usage WHERE {condition} \
             AND {column} = ? \
             GROUP BY start_s, outcome ORDER BY start_s, outcome"
        );
        self.read(|connection| rows(connection, &sql, values, point))
    }
}

impl Ranking {
    fn condition(&self) -> (String, Vec<Value<'static>>) {
        let text = |text: &str| Value::from(text.to_owned());
        let (account, region) = (self.account.as_str(), self.region.as_str());
        let interval = &self.interval;
        let numbers = [interval.period.seconds(), interval.from_s, interval.until_s];
        let mut condition = "account = ? AND period_s = ? AND start_s >= ? AND start_s < ? \
             AND key IN (SELECT id FROM keys WHERE account = ? AND region = ? \
             UNION ALL SELECT id FROM dead_keys WHERE account = ? AND region = ?)"
            .to_owned();
        let mut values = vec![text(account)];
        values.extend(numbers.map(|number| Value::from(integer(number))));
        values.extend([account, region, account, region].map(text));
        if let Some(key) = &self.key {
            condition.push_str(" AND key = ?");
            values.push(text(key.as_str()));
        }
        (condition, values)
    }
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    values: Vec<Value<'static>>,
    read: fn(&Row<'_>) -> sql::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_map(values, read)?)
}
