//! Which history a server has: a promotion or a restored copy goes on from another place.
//!
//! Invariant: a database that was opened before on another server, database or timeline is a new history before
//! anything else is done with it; and as the newest Envoys may have been lost with the newest changes, one that
//! nobody has seen stands for them until the longest lease is over.

use crate::domain::clock::UnixMillis;
use crate::domain::secrets::entropy;
use crate::store::error::OpenError;
use crate::store::row::integer;
use crate::store::sql::session::Session;
use crate::store::sql::{Connection, params};

/// The server, the database and the timeline: a promoted standby has another timeline, a copy another
/// number. A standby refuses to say.
const HOME: &str = "SELECT s.system_identifier || ':' || d.oid || ':' || \
     substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) \
     FROM pg_control_system() AS s, pg_database AS d WHERE d.datname = current_database()";

/// The node of the Envoy that stands for those that were lost.
const GHOST: &str = "(before the failover)";
/// Longer than any Envoy may go on without its own lease being known, in seconds: what the guard allows.
const MARGIN_S: i64 = 4;

/// Notes where the database is; whether it had been somewhere else and is a new history now.
pub(crate) fn settle(session: &Session, now: UnixMillis) -> Result<bool, OpenError> {
    let connection = Connection::Postgres(session);
    let here: String = connection
        .prepare(HOME)?
        .query_row(params![], |row| row.get(0))?;
    session.batch("BEGIN; SELECT one FROM meta FOR UPDATE")?;
    let home: Option<String> = connection
        .prepare("SELECT home FROM meta")?
        .query_row(params![], |row| row.get(0))?;
    let has_moved = home.is_some_and(|home| home != here);
    if has_moved {
        begin_history(&connection, now)?;
    }
    connection.execute("UPDATE meta SET home = ?1", [&here])?;
    session.batch("SELECT 1; COMMIT")?;
    Ok(has_moved)
}

fn begin_history(connection: &Connection, now: UnixMillis) -> Result<(), OpenError> {
    let epoch = entropy::new_epoch().map_err(|_| OpenError::Entropy)?;
    connection.execute("UPDATE meta SET epoch = ?1", [epoch.as_bytes()])?;
    connection.execute("DELETE FROM changes", params![])?;
    connection.execute("UPDATE envoys SET generation = NULL", params![])?;
    // An Envoy that serves without end makes one that does.
    let ghost = "INSERT INTO envoys (region, instance, node, lease_s, version, generation, heard_at) \
         SELECT r.id, repeat('0', 32), ?1, \
         (SELECT CASE WHEN count(*) = count(lease_s) THEN coalesce(max(lease_s), 3600) + ?2 END \
         FROM envoys WHERE region = r.id), NULL, NULL, ?3 FROM regions AS r \
         ON CONFLICT (region, instance) DO UPDATE SET heard_at = excluded.heard_at, \
         lease_s = excluded.lease_s";
    connection.execute(ghost, params![GHOST, MARGIN_S, integer(now.get())])?;
    Ok(())
}
