//! One row of a batch, counted.
//!
//! Does not know batches. Invariant: a key that an attacker holds makes a bounded number of rows,
//! whatever resources it names and wherever it calls from.

use keytable::{KeyId, UsageOutcome, UsageRow};

use crate::domain::clock::UnixMillis;
use crate::domain::usage::{OTHER_RESOURCES, Period, resource_name};
use crate::store::error::StoreError;
use crate::store::row::integer;
use crate::store::sql::{Connection, OptionalExtension, params};

use super::tokens::{self, CountedTokens};

/// Resources of one key that are kept apart on one day.
const RESOURCES_MAX: i64 = 100;
/// Addresses of one key that are remembered.
const ADDRESSES_MAX: i64 = 50;
/// How far an Envoy's clock may be behind, in milliseconds: a day.
const LATE_MS_MAX: u64 = 24 * 60 * 60 * 1000;
/// Largest count of one row; sums of as many rows as fit on a disk do not overflow.
const COUNT_MAX: u64 = 1 << 40;

/// Adds a row to the points of its key; gives whose tokens were counted. A key that was never known is
/// not counted.
pub(crate) fn count(
    connection: &Connection,
    row: &UsageRow,
    now: UnixMillis,
) -> Result<Option<CountedTokens>, StoreError> {
    let Some(account) = account_of(connection, &row.key_id)? else {
        return Ok(None);
    };
    let at = plausible(row.last_at_unix_ms, now);
    let told = resource_name(&row.resource);
    let resource = resource(connection, &row.key_id, &told, at)?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO usage (key, period_s, start_s, resource, outcome, account, count, \
         input, cached, output, reasoning, \
         input_estimated, cached_estimated, output_estimated, reasoning_estimated) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
         ON CONFLICT (key, period_s, start_s, resource, outcome) \
         DO UPDATE SET count = usage.count + excluded.count, \
         input = usage.input + excluded.input, cached = usage.cached + excluded.cached, \
         output = usage.output + excluded.output, reasoning = usage.reasoning + excluded.reasoning, \
         input_estimated = usage.input_estimated + excluded.input_estimated, \
         cached_estimated = usage.cached_estimated + excluded.cached_estimated, \
         output_estimated = usage.output_estimated + excluded.output_estimated, \
         reasoning_estimated = usage.reasoning_estimated + excluded.reasoning_estimated",
    )?;
    let [
        input,
        cached,
        output,
        reasoning,
        input_e,
        cached_e,
        output_e,
        reasoning_e,
    ] = tokens::values(&row.tokens);
    for period in Period::ALL {
        statement.execute(params![
            row.key_id.as_str(),
            integer(period.seconds()),
            integer(period.start_s(at)),
            resource,
            row.outcome.code(),
            account,
            integer(row.count.min(COUNT_MAX)),
            input,
            cached,
            output,
            reasoning,
            input_e,
            cached_e,
            output_e,
            reasoning_e,
        ])?;
    }
    let is_used = matches!(row.outcome, UsageOutcome::Permitted | UsageOutcome::Cut);
    if is_used && row.count > 0 {
        note_use(connection, &row.key_id, at)?;
        note_address(connection, row, at)?;
    }
    let resource = resource.to_owned();
    let tokens = row.tokens;
    Ok(Some(CountedTokens {
        account,
        resource,
        tokens,
    }))
}

fn account_of(connection: &Connection, key: &KeyId) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT account FROM keys WHERE id = ?1 UNION ALL \
         SELECT account FROM dead_keys WHERE id = ?1 LIMIT 1",
    )?;
    let account = statement.query_row([key.as_str()], |row| row.get(0));
    Ok(account.optional()?)
}

/// An Envoy's clock may be wrong; ours is the one that the points are told by.
fn plausible(at_unix_ms: u64, now: UnixMillis) -> UnixMillis {
    let earliest = now.get().saturating_sub(LATE_MS_MAX);
    UnixMillis::new(if at_unix_ms < earliest {
        now.get()
    } else {
        at_unix_ms.min(now.get())
    })
}

/// The resource under which a row is counted: its own, as long as there are not too many.
fn resource<'a>(
    connection: &Connection,
    key: &KeyId,
    told: &'a str,
    at: UnixMillis,
) -> Result<&'a str, StoreError> {
    let day = (
        integer(Period::Day.seconds()),
        integer(Period::Day.start_s(at)),
    );
    let known = connection
        .prepare_cached(
            "SELECT 1 FROM usage WHERE key = ?1 AND period_s = ?2 AND start_s = ?3 \
             AND resource = ?4",
        )?
        .exists(params![key.as_str(), day.0, day.1, told])?;
    if known {
        return Ok(told);
    }
    let apart: i64 = connection
        .prepare_cached(
            "SELECT count(DISTINCT resource) FROM usage WHERE key = ?1 AND period_s = ?2 \
             AND start_s = ?3",
        )?
        .query_row(params![key.as_str(), day.0, day.1], |row| row.get(0))?;
    Ok(if apart < RESOURCES_MAX {
        told
    } else {
        OTHER_RESOURCES
    })
}

/// The key's own row: neither its revision nor the table of the Envoys changes.
fn note_use(connection: &Connection, key: &KeyId, at: UnixMillis) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE keys SET last_used_at = ?2 WHERE id = ?1 AND coalesce(last_used_at, 0) < ?2",
        )?
        .execute(params![key.as_str(), integer(at.get())])?;
    Ok(())
}

fn note_address(connection: &Connection, row: &UsageRow, at: UnixMillis) -> Result<(), StoreError> {
    let Some(address) = row.last_address else {
        return Ok(());
    };
    let key = row.key_id.as_str();
    connection
        .prepare_cached(
            "INSERT INTO usage_addresses (key, address, last_at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (key, address) DO UPDATE SET \
             last_at = excluded.last_at WHERE usage_addresses.last_at < excluded.last_at",
        )?
        .execute(params![key, address.to_string(), integer(at.get())])?;
    connection
        .prepare_cached(
            "DELETE FROM usage_addresses WHERE key = ?1 AND address IN (SELECT address FROM \
             usage_addresses WHERE key = ?1 ORDER BY last_at DESC LIMIT 1000 OFFSET ?2)",
        )?
        .execute(params![key, ADDRESSES_MAX])?;
    Ok(())
}
