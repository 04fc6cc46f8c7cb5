//! The limits of a subject: read, replaced, begun anew.
//!
//! Does not know keys or accounts as rows, nor who has to be told. Invariant: what the ledger holds of a
//! subject belongs to counters that its limits have.

use keytable::{AccountId, KeyHash, LimitSubject, Limits};

use crate::domain::clock::UnixMillis;
use crate::domain::limit::{CountedLimits, LimitedAccount, stored_subject, subject_text};
use crate::store::error::StoreError;
use crate::store::row::Columns;
use crate::store::sql::{Connection, OptionalExtension, params};

/// The limits that a subject has; none if it never had any.
pub(crate) fn read(
    connection: &Connection,
    subject: &LimitSubject,
) -> Result<CountedLimits, StoreError> {
    let limits = connection
        .prepare_cached("SELECT limits FROM limits WHERE subject = ?1")?
        .query_row([subject_text(subject)], |row| Columns::new(row, 0).limits())
        .optional()?;
    Ok(limits.unwrap_or_default())
}

/// Puts `limits` in the place of those that a subject has; gives them with their counters.
pub(crate) fn replace(
    connection: &Connection,
    subject: &LimitSubject,
    limits: &Limits,
    now: UnixMillis,
) -> Result<CountedLimits, StoreError> {
    let before = read(connection, subject)?;
    if before.is_empty() && limits.is_empty() {
        return Ok(before);
    }
    let after = before.replaced(limits, now, || next_counter(connection))?;
    write(connection, subject, &after)?;
    Ok(after)
}

/// Begins a new counter for each limit that a subject has.
pub(crate) fn reset(
    connection: &Connection,
    subject: &LimitSubject,
    now: UnixMillis,
) -> Result<CountedLimits, StoreError> {
    let before = read(connection, subject)?;
    let after = before.reset(now, || next_counter(connection))?;
    write(connection, subject, &after)?;
    Ok(after)
}

/// Writes limits, and forgets what was used by counters that are none of theirs.
pub(crate) fn write(
    connection: &Connection,
    subject: &LimitSubject,
    limits: &CountedLimits,
) -> Result<(), StoreError> {
    let text = subject_text(subject);
    let hash = match subject {
        LimitSubject::Key(_) => None,
        LimitSubject::Account(account) => Some(KeyHash::of_account(account)),
    };
    connection
        .prepare_cached(
            "INSERT INTO limits (subject, limits, key_hash) VALUES (?1, ?2, ?3) \
             ON CONFLICT (subject) DO UPDATE SET limits = excluded.limits",
        )?
        .execute(params![
            text,
            limits.to_json().to_string(),
            hash.as_ref().map(KeyHash::as_bytes)
        ])?;
    let numbers: Vec<String> = limits
        .iter()
        .map(|one| format!(", {}", one.resets))
        .collect();
    // No number is negative; a list of none is an error to PostgreSQL.
    let forget = format!(
        "DELETE FROM ledger WHERE subject = ?1 AND resets NOT IN (-1{})",
        numbers.concat()
    );
    connection.execute(&forget, [text])?;
    Ok(())
}

/// Forgets limits and what was used of them.
pub(crate) fn forget(connection: &Connection, subject: &LimitSubject) -> Result<(), StoreError> {
    for table in ["limits", "ledger"] {
        let sql = format!("DELETE FROM {table} WHERE subject = ?1");
        connection
            .prepare_cached(&sql)?
            .execute([subject_text(subject)])?;
    }
    Ok(())
}

/// Whether an account has limits, or has had some: then its keys point to its record.
pub(crate) fn is_account_limited(
    connection: &Connection,
    account: &AccountId,
) -> Result<bool, StoreError> {
    let subject = subject_text(&LimitSubject::Account(account.clone()));
    let mut statement = connection.prepare_cached("SELECT 1 FROM limits WHERE subject = ?1")?;
    Ok(statement.exists([subject])?)
}

/// The account whose record has this hash, if it has limits or had some.
pub(crate) fn account_of(
    connection: &Connection,
    hash: &KeyHash,
) -> Result<Option<LimitedAccount>, StoreError> {
    let account = connection
        .prepare_cached("SELECT subject, limits FROM limits WHERE key_hash = ?1")?
        .query_row([hash.as_bytes()], |row| {
            Columns::new(row, 0).limited_account()
        })
        .optional()?;
    Ok(account)
}

/// Every account that has limits or had some.
pub(crate) fn accounts(connection: &Connection) -> Result<Vec<LimitedAccount>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT subject, limits FROM limits WHERE key_hash IS NOT NULL")?;
    Ok(statement.query_map(params![], |row| Columns::new(row, 0).limited_account())?)
}

/// Every subject that has limits, and those.
pub(crate) fn all(
    connection: &Connection,
) -> Result<Vec<(LimitSubject, CountedLimits)>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT subject, limits FROM limits WHERE limits <> '[]'")?;
    Ok(statement.query_map(params![], |row| {
        let mut columns = Columns::new(row, 0);
        let subject = columns.read(|text: String| stored_subject(&text))?;
        Ok((subject, columns.limits()?))
    })?)
}

fn next_counter(connection: &Connection) -> Result<u32, StoreError> {
    let number: i64 = connection
        .prepare_cached("UPDATE meta SET counters = counters + 1 RETURNING counters")?
        .query_row(params![], |row| row.get(0))?;
    u32::try_from(number).map_err(|_| StoreError::Conflict(NO_COUNTER_LEFT))
}

const NO_COUNTER_LEFT: &str = "this installation has begun as many counters as there can be";
