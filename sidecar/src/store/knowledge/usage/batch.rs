//! Batches of usage: known by source and sequence, so that one that is posted twice counts once.
//!
//! Does not tell usage. Invariant: every row of a batch is counted once, however often the batch comes
//! and wherever the process was killed; points are forgotten when their time is over.

use keytable::UsageBatch;

use super::record;
use super::tokens::CountedTokens;
use crate::domain::clock::UnixMillis;
use crate::domain::usage::Period;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::row::integer;
use crate::store::sql::{Connection, params};

/// Rows of a batch that are counted in one transaction: an admin's change does not wait long.
pub(super) const ROWS_AT_ONCE: usize = 250;
/// How long batches are remembered, in milliseconds: no agent repeats one after a week.
const BATCHES_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1000;

impl Store {
    /// Counts a batch, unless it was counted before; gives the tokens that were counted just now.
    pub fn count_usage(
        &self,
        batch: &UsageBatch,
        now: UnixMillis,
    ) -> Result<Vec<CountedTokens>, StoreError> {
        let mut counted = Vec::new();
        loop {
            let part = self.write(|connection| count_part(connection, batch, now))?;
            counted.extend(part.tokens);
            if !part.has_more {
                return Ok(counted);
            }
        }
    }
}

/// What became of a part of a batch.
#[derive(Debug)]
pub(super) struct CountedPart {
    pub(super) tokens: Vec<CountedTokens>,
    /// Whether there are more rows.
    pub(super) has_more: bool,
}

/// Counts the next rows of a batch.
pub(super) fn count_part(
    connection: &Connection,
    batch: &UsageBatch,
    now: UnixMillis,
) -> Result<CountedPart, StoreError> {
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
    let mut tokens = Vec::new();
    for row in part {
        let counted = record::count(connection, row, now)?;
        tokens.extend(counted.filter(|counted| !counted.tokens.is_zero()));
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
    let has_more = reached < batch.rows.len();
    if !has_more {
        forget(connection, now)?;
    }
    Ok(CountedPart { tokens, has_more })
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
