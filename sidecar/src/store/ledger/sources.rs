//! The agents that have charged something: each with its last batch.
//!
//! Invariant: the sequence of a source only rises.

use keytable::UsageBatch;

use crate::domain::clock::UnixMillis;
use crate::store::error::StoreError;
use crate::store::row::integer;
use crate::store::sql::{Connection, params};

/// How long an agent is remembered after its last batch, in milliseconds: no agent repeats one after 30
/// days.
const SOURCES_KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Notes a batch as applied; false if it, or a later one, was applied before.
pub(super) fn advance(
    connection: &Connection,
    batch: &UsageBatch,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    let changed = connection
        .prepare_cached(
            "INSERT INTO ledger_sources (source, sequence, applied_at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (source) DO UPDATE SET sequence = excluded.sequence, \
             applied_at = excluded.applied_at WHERE ledger_sources.sequence < excluded.sequence",
        )?
        .execute(params![
            batch.source,
            batch.sequence.to_be_bytes(),
            integer(now.get())
        ])?;
    Ok(changed > 0)
}

/// Notes an agent of which no batch was applied yet.
pub(super) fn remember(
    connection: &Connection,
    source: &[u8; 16],
    now: UnixMillis,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO ledger_sources (source, sequence, applied_at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (source) DO NOTHING",
        )?
        .execute(params![source, 0_u64.to_be_bytes(), integer(now.get())])?;
    Ok(())
}

/// Forgets agents whose time is over, and what was charged for them in advance.
pub(super) fn forget(connection: &Connection, now: UnixMillis) -> Result<(), StoreError> {
    let oldest = integer(now.get().saturating_sub(SOURCES_KEPT_MS));
    connection
        .prepare_cached(
            "DELETE FROM ledger_advances WHERE source IN \
             (SELECT source FROM ledger_sources WHERE applied_at < ?1)",
        )?
        .execute([oldest])?;
    connection
        .prepare_cached("DELETE FROM ledger_sources WHERE applied_at < ?1")?
        .execute([oldest])?;
    Ok(())
}
