//! What a session and its server must be like for the store's promises to hold.
//!
//! Does not know a table. Invariant: a session from [`settle`] has its settings read back, and its server was
//! asked; what does not fit is refused, not worked around.

use crate::store::error::OpenError;
use crate::store::sql::session::Session;
use crate::store::sql::{Connection, params};

/// The oldest server that is known to do all that is asked of it.
const VERSION_MIN: i64 = 150_000;

/// Settings of a session, as they are set and as they are read back. A statement, a lock and a sidecar that
/// has stopped inside a transaction keep others waiting for seconds, not for ever.
const SETTINGS: [(&str, &str); 6] = [
    ("statement_timeout", "5s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "3s"),
    ("client_connection_check_interval", "1s"),
    ("default_transaction_isolation", "read committed"),
    ("standard_conforming_strings", "on"),
];
/// When the server gives up a connection to a machine that is gone, so that its lock is free: after some
/// eight seconds, not two hours. A Unix socket takes these and reads back 0.
const KEEPALIVES: &str = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 1; \
     SET tcp_keepalives_count = 3; SET tcp_user_timeout = 8000";
/// `on`, or the stronger one that the operator has chosen.
const SYNCHRONOUS: [&str; 2] = ["on", "remote_apply"];

/// What a server must say of itself, and what to do if it says otherwise.
const SERVER: [(&str, &str, &str); 4] = [
    (
        "fsync",
        "on",
        "set `fsync = on`: without it a crash loses what was answered",
    ),
    (
        "full_page_writes",
        "on",
        "set `full_page_writes = on`: without it a crash damages the database",
    ),
    (
        "server_encoding",
        "UTF8",
        "make the database with encoding UTF8",
    ),
    (
        "transaction_read_only",
        "off",
        "it takes no changes: name the primary, and a role that may write",
    ),
];

/// Sets what a crash or a server that stands still must not get past, reads it back, and asks the server.
pub(crate) fn settle(session: &Session) -> Result<(), OpenError> {
    require_version(session)?;
    for (name, value) in SETTINGS {
        session.batch(&format!("SET {name} = '{value}'"))?;
        if show(session, name)? != value {
            return Err(OpenError::Server(
                "a setting of the session does not stay: connect directly, not through a pooler",
            ));
        }
    }
    session.batch(KEEPALIVES)?;
    settle_commits(session)?;
    for (name, wanted, advice) in SERVER {
        if show(session, name)? != wanted {
            return Err(OpenError::Server(advice));
        }
    }
    Ok(())
}

fn settle_commits(session: &Session) -> Result<(), OpenError> {
    let is_durable = |mode: &str| SYNCHRONOUS.contains(&mode);
    if !is_durable(&show(session, "synchronous_commit")?) {
        session.batch("SET synchronous_commit = on")?;
    }
    match is_durable(&show(session, "synchronous_commit")?) {
        true => Ok(()),
        false => Err(OpenError::Server(
            "`synchronous_commit = on` is not accepted",
        )),
    }
}

fn require_version(session: &Session) -> Result<(), OpenError> {
    let version = show(session, "server_version_num")?;
    match version.parse() {
        Ok(VERSION_MIN..) => Ok(()),
        _ => Err(OpenError::Server("run PostgreSQL 15 or newer")),
    }
}

fn show(session: &Session, name: &str) -> Result<String, OpenError> {
    let connection = Connection::Postgres(session);
    let sql = "SELECT current_setting(?1)";
    Ok(connection
        .prepare(sql)?
        .query_row(params![name], |row| row.get(0))?)
}
