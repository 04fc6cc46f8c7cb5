//! What was charged of what an agent held when it was given up.
//!
//! Invariant: if that agent comes back, what it settles is charged only above that.

use keytable::{CounterId, UsageBatch};

use crate::store::error::StoreError;
use crate::store::limits::figures;
use crate::store::row::{Columns, integer};
use crate::store::sql::{Connection, OptionalExtension, params};

/// Notes what is charged in advance.
pub(super) fn add(
    connection: &Connection,
    source: &[u8; 16],
    counter: &CounterId,
    amount: u64,
) -> Result<(), StoreError> {
    if amount == 0 {
        return Ok(());
    }
    let (subject, unit, window, resets, start_ms) = figures::columns(counter);
    connection
        .prepare_cached(
            "INSERT INTO ledger_advances (source, subject, unit, window_kind, resets, start_ms, amount) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT (source, subject, unit, window_kind, resets, start_ms) \
             DO UPDATE SET amount = ledger_advances.amount + excluded.amount",
        )?
        .execute(params![
            source,
            subject,
            unit,
            window,
            resets,
            start_ms,
            integer(amount)
        ])?;
    Ok(())
}

/// What of a charge is still to be charged.
pub(super) fn settle(
    connection: &Connection,
    source: &[u8; 16],
    counter: &CounterId,
    settled: u64,
) -> Result<u64, StoreError> {
    let (subject, unit, window, resets, start_ms) = figures::columns(counter);
    let place = "source = ?1 AND subject = ?2 AND unit = ?3 AND window_kind = ?4 AND resets = ?5 AND start_ms = ?6";
    let key = params![source, subject, unit, window, resets, start_ms];
    let advance = connection
        .prepare_cached(&format!("SELECT amount FROM ledger_advances WHERE {place}"))?
        .query_row(key, |row| Columns::new(row, 0).unsigned())
        .optional()?;
    let Some(advance) = advance else {
        return Ok(settled);
    };
    let sql = match advance > settled {
        true => format!("UPDATE ledger_advances SET amount = amount - {settled} WHERE {place}"),
        false => format!("DELETE FROM ledger_advances WHERE {place}"),
    };
    connection.execute(&sql, key)?;
    Ok(settled.saturating_sub(advance))
}

/// What is left of what was charged in advance for the source of a batch.
pub(super) fn of(
    connection: &Connection,
    batch: &UsageBatch,
) -> Result<Vec<(CounterId, u64)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT subject, unit, window_kind, resets, start_ms, amount FROM ledger_advances \
         WHERE source = ?1",
    )?;
    Ok(statement.query_map([batch.source], |row| {
        let mut columns = Columns::new(row, 0);
        Ok((columns.counter()?, columns.unsigned()?))
    })?)
}
