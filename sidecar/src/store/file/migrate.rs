//! The schema: which statements lead from an empty database to this program's.
//!
//! Does not open files. Invariant: a database has one of the schema versions whole, and one that a
//! newer program wrote is not touched.

use keytable::{find_credential, redact};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, TransactionBehavior};

use crate::domain::secrets::entropy;
use crate::domain::usage::resource_name;
use crate::store::error::OpenError;
use crate::store::row;

/// Marks the file as ours: "LKDB".
pub(crate) const APPLICATION_ID: i64 = 0x4c4b_4442;

/// The statements of each version, the first one leading to version 1.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_keys.sql"),
    include_str!("migrations/0002_identity.sql"),
    include_str!("migrations/0003_keys.sql"),
    include_str!("migrations/0004_tokenhub.sql"),
    include_str!("migrations/0005_envoys.sql"),
    include_str!("migrations/0006_counts.sql"),
    include_str!("migrations/0007_home.sql"),
    include_str!("migrations/0008_successors.sql"),
    include_str!("migrations/0009_redact.sql"),
    include_str!("migrations/0010_makers.sql"),
    include_str!("migrations/0011_labels.sql"),
    include_str!("migrations/0012_tokens.sql"),
    include_str!("migrations/0013_portable.sql"),
    include_str!("migrations/0014_limits.sql"),
    include_str!("migrations/0015_switched.sql"),
];

/// The newest schema version.
pub(crate) const fn known() -> usize {
    MIGRATIONS.len()
}

/// Makes a new database: the newest schema, and a history of its own without a change.
pub(crate) fn create(connection: &mut Connection) -> Result<(), OpenError> {
    let epoch = entropy::new_epoch().map_err(|_| OpenError::Entropy)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    migrate(connection)?;
    connection.execute(
        "INSERT INTO meta (one, epoch, generation) VALUES (1, ?1, 0)",
        [epoch.as_bytes().as_slice()],
    )?;
    Ok(())
}

/// Brings a database to the newest schema, one version and one transaction at a time.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let found = check_known(connection)?;
    provide_functions(connection)?;
    for (target, statements) in (1..).zip(MIGRATIONS) {
        if target > found {
            let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            step.execute_batch(statements)?;
            step.pragma_update(None, "user_version", target)?;
            step.commit()?;
        }
    }
    if found < i64::try_from(known()).unwrap_or(i64::MAX) {
        // What a step has taken out is not to stay in the log that an earlier process left.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(())
}

/// The functions that statements call for what SQL cannot tell.
fn provide_functions(connection: &Connection) -> rusqlite::Result<()> {
    type Text = Option<String>;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("holds_credential", 1, flags, |call| {
        let text = call.get::<Text>(0)?;
        Ok(text.is_some_and(|text| find_credential(text.as_bytes()).is_some()))
    })?;
    connection.create_scalar_function("redact", 1, flags, |call| {
        Ok(call.get::<Text>(0)?.map(|text| redact(&text).to_owned()))
    })?;
    connection.create_scalar_function("redact_list", 1, flags, |call| {
        Ok(call.get::<Text>(0)?.map(|text| redact_list(&text)))
    })?;
    connection.create_scalar_function("shown", 1, flags, |call| {
        Ok(resource_name(&call.get::<String>(0)?).into_owned())
    })
}

/// A JSON list of texts, each that holds a credential replaced.
fn redact_list(text: &str) -> String {
    match row::list(text) {
        Some(items) => {
            let items: Vec<_> = items.iter().map(|item| redact(item)).collect();
            row::json_list(&items)
        }
        None => redact(text).to_owned(),
    }
}

/// The schema version of a database; refuses one that a newer program wrote.
pub(crate) fn check_known(connection: &Connection) -> Result<i64, OpenError> {
    let found = version(connection)?;
    let known = i64::try_from(known()).unwrap_or(i64::MAX);
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    Ok(found)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests;
