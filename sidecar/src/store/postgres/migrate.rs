//! The schema of a database on a server: which statements lead to this program's.
//!
//! Invariant: `serve` never changes a schema; whoever does has the database to itself.

use keytable::Epoch;

use crate::store::error::OpenError;
use crate::store::sql::session::Session;
use crate::store::sql::{Connection, params};

/// The first schema of this engine is what SQLite's migrations up to this number come to.
const FIRST: i64 = 13;

/// The statements of each version, from [`FIRST`] on.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0013_first.sql"),
    include_str!("migrations/0014_limits.sql"),
    include_str!("migrations/0015_switched.sql"),
];

/// Refuses a database whose schema is not this program's.
pub(crate) fn require_newest(connection: &Connection) -> Result<(), OpenError> {
    let known = newest();
    match version(connection)? {
        None => Err(OpenError::NotCreated),
        Some(found) if found > known => Err(OpenError::Newer { found, known }),
        Some(found) if found < known => Err(OpenError::Older { found, known }),
        Some(_) => Ok(()),
    }
}

/// Makes the newest schema, whole or not at all.
pub(crate) fn create(session: &Session, epoch: &Epoch) -> Result<(), OpenError> {
    let epoch = base16ct::lower::encode_string(epoch.as_bytes());
    let rows = format!(
        "INSERT INTO meta (one, epoch, generation) VALUES (1, decode('{epoch}', 'hex'), 0); \
         INSERT INTO installation (one, schema) VALUES (1, {})",
        newest()
    );
    let statements = MIGRATIONS.join(";");
    Ok(session.batch(&format!("BEGIN; {statements}; {rows}; COMMIT"))?)
}

/// Brings the schema from the version `found` to the newest, one version and one transaction at a time.
pub(crate) fn migrate(session: &Session, found: i64) -> Result<(), OpenError> {
    let known = newest();
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for (target, statements) in (FIRST..).zip(MIGRATIONS) {
        if target > found {
            let note = format!("UPDATE installation SET schema = {target}");
            session.batch(&format!("BEGIN; {statements}; {note}; COMMIT"))?;
        }
    }
    Ok(())
}

/// The version of a database's schema; `None` if it has none of ours.
pub(crate) fn version(connection: &Connection) -> Result<Option<i64>, OpenError> {
    let sql = "SELECT to_regclass('installation') IS NOT NULL";
    let has_table: bool = connection
        .prepare(sql)?
        .query_row(params![], |row| row.get(0))?;
    if !has_table {
        return Ok(None);
    }
    let sql = "SELECT schema FROM installation";
    let found = connection
        .prepare(sql)?
        .query_row(params![], |row| row.get(0))?;
    Ok(Some(found))
}

/// The newest schema version.
pub(crate) fn newest() -> i64 {
    (FIRST..)
        .zip(MIGRATIONS)
        .map(|(version, _)| version)
        .last()
        .unwrap_or(FIRST)
}
