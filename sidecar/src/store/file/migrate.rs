//! The schema: which statements lead from an empty database to this program's.
//!
//! Does not open files. Invariant: a database has one of the schema versions whole, and one that a
//! newer program wrote is not touched.

use rusqlite::{Connection, TransactionBehavior};

use crate::domain::secrets::entropy;
use crate::store::error::OpenError;

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
    for (target, statements) in (1..).zip(MIGRATIONS) {
        if target > found {
            let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            step.execute_batch(statements)?;
            step.pragma_update(None, "user_version", target)?;
            step.commit()?;
        }
    }
    Ok(())
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
