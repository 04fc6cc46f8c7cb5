//! Connections, with the settings that durability and secrecy rest on.
//!
//! Does not know the tables. Invariant: a connection from here has its settings read back, and a
//! file that is damaged or not ours is refused before anything is written to it.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::store::error::OpenError;
use crate::store::file::directory::DataDirectory;
use crate::store::file::migrate::{self, APPLICATION_ID};

/// The first SQLite without the bug by which two connections could lose committed pages.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What the connection that changes keeps of the file, in KiB: new keys go anywhere into the indexes.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
/// Prepared statements that a connection keeps: more than one change or list needs.
const STATEMENTS_KEPT: usize = 64;

/// The connection that changes; makes the database if the directory has none.
pub(crate) fn writer(directory: &DataDirectory) -> Result<Connection, OpenError> {
    let version = rusqlite::version_number();
    if version < SQLITE_VERSION_MIN {
        return Err(OpenError::OldSqlite(version));
    }
    if !directory.has_database()? {
        directory.place_database(|draft| {
            let mut connection = open(draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            migrate::create(&mut connection)?;
            connection.close().map_err(|(_, error)| error.into())
        })?;
    }
    directory.close_database_to_others()?;
    let path = directory.database();
    let mut connection = open(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    check_ours(&connection, &path)?;
    settle(&connection)?;
    migrate::migrate(&mut connection)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    Ok(connection)
}

/// A connection that only reads.
pub(crate) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// A connection that only reads, to a database that may be any file.
pub(crate) fn inspect(path: &Path) -> Result<Connection, OpenError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    check_ours(&connection, path)?;
    migrate::check_known(&connection)?;
    Ok(connection)
}

/// A connection that may change a database that nobody else uses.
pub(crate) fn writable(path: &Path) -> Result<Connection, OpenError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    check_ours(&connection, path)?;
    require(&connection, "secure_delete", 1, "secure_delete = ON")?;
    require(&connection, "foreign_keys", 1, "foreign_keys = ON")?;
    Ok(connection)
}

fn open(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

fn check_ours(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let broken = |finding: String| OpenError::Broken(path.into(), finding);
    let empty = path.metadata().is_ok_and(|meta| meta.len() == 0);
    if empty {
        return Err(broken("it is empty".into()));
    }
    let damaged = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => broken(error.to_string()),
        _ => error.into(),
    };
    let application: i64 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(damaged)?;
    if application != APPLICATION_ID {
        return Err(OpenError::Foreign(path.into()));
    }
    let finding: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(damaged)?;
    if finding == "ok" {
        Ok(())
    } else {
        Err(broken(finding))
    }
}

/// Sets what a crash, a full disk or a stolen disk must not get past, and reads it back.
fn settle(connection: &Connection) -> Result<(), OpenError> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(OpenError::Setting("journal_mode = WAL"));
    }
    require(connection, "synchronous", 2, "synchronous = FULL")?;
    require(connection, "foreign_keys", 1, "foreign_keys = ON")?;
    require(connection, "secure_delete", 1, "secure_delete = ON")
}

fn require(
    connection: &Connection,
    name: &str,
    wanted: i64,
    shown: &'static str,
) -> Result<(), OpenError> {
    // Some settings answer with a row, some do not; what counts is what is read afterwards.
    connection.execute_batch(&format!("PRAGMA {name} = {wanted}"))?;
    let found: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
    if found == wanted {
        Ok(())
    } else {
        Err(OpenError::Setting(shown))
    }
}
