//! How far limits are used, by the ledger's rows.
//!
//! Invariant: a window in which nothing was charged has used nothing, without a row that says so.

use keytable::{CounterId, LimitSubject, RecordedLimit};

use crate::domain::clock::UnixMillis;
use crate::domain::limit::{CountedLimit, CountedLimits, subject_text};
use crate::store::row::{Columns, integer};
use crate::store::sql::{self, Connection, OptionalExtension, params};

/// Limits as a record has them that is made `now`.
pub(crate) fn recorded(
    connection: &Connection,
    subject: &LimitSubject,
    limits: &CountedLimits,
    now: UnixMillis,
) -> sql::Result<Vec<RecordedLimit>> {
    let recorded = limits.iter().map(|one| {
        let mut recorded = unused(one, now);
        if one.limit.window.kind().is_in_ledger() {
            recorded.used = used(connection, &recorded.counter_at(subject.clone(), now.get()))?;
        }
        Ok(recorded)
    });
    recorded.collect()
}

/// A limit as a record has it in whose window nothing is charged yet.
fn unused(one: &CountedLimit, now: UnixMillis) -> RecordedLimit {
    let in_ledger = one.limit.window.kind().is_in_ledger();
    RecordedLimit {
        limit: one.limit,
        resets: if in_ledger { one.resets } else { 0 },
        start_unix_ms: one.limit.window.span_at(now.get()).start_unix_ms,
        used: 0,
        full_until_unix_ms: one
            .full_until
            .map(UnixMillis::get)
            .filter(|until| in_ledger && *until > now.get()),
    }
}

/// What the ledger has of a counter.
pub(crate) fn used(connection: &Connection, counter: &CounterId) -> sql::Result<u64> {
    Ok(row(connection, counter)?.unwrap_or(0))
}

/// Whether something was charged of a counter.
pub(crate) fn is_known(connection: &Connection, counter: &CounterId) -> sql::Result<bool> {
    Ok(row(connection, counter)?.is_some())
}

fn row(connection: &Connection, counter: &CounterId) -> sql::Result<Option<u64>> {
    let (subject, unit, window, resets, start_ms) = columns(counter);
    connection
        .prepare_cached(
            "SELECT used FROM ledger WHERE subject = ?1 AND unit = ?2 AND window_kind = ?3 \
             AND resets = ?4 AND start_ms = ?5",
        )?
        .query_row(params![subject, unit, window, resets, start_ms], |row| {
            Columns::new(row, 0).unsigned()
        })
        .optional()
}

/// A counter as rows have it: subject, unit, window, number, start.
pub(crate) fn columns(counter: &CounterId) -> (String, u8, u8, u32, i64) {
    (
        subject_text(&counter.subject),
        counter.unit.code(),
        counter.window.code(),
        counter.resets,
        integer(counter.start_unix_ms),
    )
}
