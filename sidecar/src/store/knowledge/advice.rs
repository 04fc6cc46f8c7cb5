//! What was counted of each key of an account, for advice on it.
//!
//! Does not advise. Invariant: what is told as known of a key is all that was counted of it.

use std::net::IpAddr;

use keytable::{AccountId, KeyId};

use crate::domain::clock::UnixMillis;
use crate::domain::key::Key;
use crate::domain::recommendation::{Observed, WINDOW_DAYS};
use crate::domain::usage::{OTHER_RESOURCES, Period};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::row::{Columns, KEY_COLUMNS, integer};
use crate::store::sql::{Connection, OptionalExtension, params};

/// More resources or addresses than anybody advises on.
const KNOWN_MAX: usize = 20;

/// Some keys of an account with what was counted of them.
#[derive(Debug)]
pub struct Examined {
    /// The keys, in the order of their making.
    pub keys: Vec<(Key, Observed)>,
    /// Behind which number to go on, if there are more.
    pub next: Option<u64>,
}

impl Store {
    /// At most `limit` keys of an account, of every origin, behind the number `after`.
    pub fn examine(
        &self,
        account: &AccountId,
        after: u64,
        limit: usize,
        now: UnixMillis,
    ) -> Result<Examined, StoreError> {
        self.read(|connection| {
            let mut found = keys(connection, account, after, limit.saturating_add(1))?;
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().filter(|_| more).map(|(seq, _)| *seq);
            let keys = found
                .into_iter()
                .map(|(_, key)| Ok((observed(connection, &key.id, now)?, key)))
                .map(|pair| pair.map(|(observed, key)| (key, observed)))
                .collect::<Result<_, StoreError>>()?;
            Ok(Examined { keys, next })
        })
    }
}

fn keys(
    connection: &Connection,
    account: &AccountId,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, Key)>, StoreError> {
    let sql = format!(
        "SELECT k.seq, {KEY_COLUMNS} FROM keys AS k WHERE k.account = ?1 AND k.seq > ?2 \
         ORDER BY k.seq LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(
        statement.query_map(params![account.as_str(), integer(after), limit], |row| {
            let mut columns = Columns::new(row, 0);
            Ok((columns.unsigned()?, columns.key()?))
        })?,
    )
}

fn observed(connection: &Connection, key: &KeyId, now: UnixMillis) -> Result<Observed, StoreError> {
    let since_s = (now.get() / 1000).saturating_sub(WINDOW_DAYS * Period::Day.seconds());
    let resources = resources(connection, key, since_s)?;
    let known = resources.len() <= KNOWN_MAX
        && resources
            .iter()
            .all(|(name, _)| !name.is_empty() && name != OTHER_RESOURCES);
    let requests = resources.iter().map(|(_, count)| count).sum();
    let names = resources.into_iter().map(|(name, _)| name).collect();
    let addresses = addresses(connection, key, since_s.saturating_mul(1000))?;
    Ok(Observed {
        requests,
        first_used_at: first_use(connection, key)?,
        resources: known.then_some(names),
        addresses: (addresses.len() <= KNOWN_MAX).then_some(addresses),
    })
}

/// What permitted requests have named, and how many of them.
fn resources(
    connection: &Connection,
    key: &KeyId,
    since_s: u64,
) -> Result<Vec<(String, u64)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT resource, CAST(sum(count) AS bigint) FROM usage WHERE key = ?1 AND period_s = 86400 \
         AND start_s >= ?2 AND outcome IN (1, 8) GROUP BY resource ORDER BY 2 DESC, resource",
    )?;
    Ok(
        statement.query_map(params![key.as_str(), integer(since_s)], |row| {
            let mut columns = Columns::new(row, 0);
            Ok((columns.take()?, columns.unsigned()?))
        })?,
    )
}

fn addresses(
    connection: &Connection,
    key: &KeyId,
    since_ms: u64,
) -> Result<Vec<IpAddr>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT address FROM usage_addresses WHERE key = ?1 AND last_at >= ?2 ORDER BY address",
    )?;
    Ok(
        statement.query_map(params![key.as_str(), integer(since_ms)], |row| {
            Columns::new(row, 0).read(|text: String| text.parse().ok())
        })?,
    )
}

fn first_use(connection: &Connection, key: &KeyId) -> Result<Option<UnixMillis>, StoreError> {
    let start_s: Option<i64> = connection
        .prepare_cached(
            "SELECT start_s FROM usage WHERE key = ?1 AND period_s = 86400 \
             ORDER BY start_s LIMIT 1",
        )?
        .query_row([key.as_str()], |row| row.get(0))
        .optional()?;
    let millis = |start_s: i64| u64::try_from(start_s).ok().map(|s| s.saturating_mul(1000));
    Ok(start_s.and_then(millis).map(UnixMillis::new))
}

#[cfg(test)]
mod tests;
