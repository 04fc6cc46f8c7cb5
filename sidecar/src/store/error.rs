//! Why the store refuses a call, and why it refuses to open.
//!
//! Does not choose HTTP statuses. Invariant: a text says what to do and shows no SQL and no value
//! of a row; the database's own words are in the source, for the log.

use std::fmt;
use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use tokio_postgres::error::SqlState;

use crate::domain::catalog::Unlisted;
use crate::domain::identity::rights::BeyondRights;
use crate::domain::secrets::sealed::SealError;
use crate::store::sql::SqlError;

/// `SQLITE_IOERR_FSYNC` and `SQLITE_IOERR_DIR_FSYNC`.
const SYNC_FAILURES: [i32; 2] = [1034, 1290];

/// Why a read or a change was refused. A refused change has changed nothing, unless
/// the disk failed ([`StoreError::Unsynced`]).
#[derive(Debug)]
pub enum StoreError {
    /// The account or the region of a new key does not exist.
    UnknownTenant {
        /// The account does not exist.
        account: bool,
        /// The region does not exist.
        region: bool,
    },
    /// The account has as many keys of origin `standard` as it may have.
    LimitReached {
        /// So many.
        limit: u64,
    },
    /// No such key (in that account).
    NotFound,
    /// The name given as confirmation is not the key's.
    NotConfirmed,
    /// The key has another revision than the caller expects.
    Stale,
    /// An edit would change these parts, which never change.
    Immutable(Vec<&'static str>),
    /// No such thing of this kind (in that account).
    Unknown(&'static str),
    /// Another one of its kind has this field's value.
    Taken(&'static str),
    /// It cannot be done in the present state; the text says what to do first.
    Conflict(&'static str),
    /// Whoever asked would give or take over more than they hold.
    Beyond(BeyondRights),
    /// An earlier call with this idempotency key has made this, and it is gone since.
    MadeAndGone(String),
    /// The idempotency key was used for another call.
    KeyReused,
    /// A scope names what is not in the catalog.
    Unlisted(Vec<Unlisted>),
    /// The value of the key is not kept in a form that can be revealed.
    NotRecoverable,
    /// The value cannot be opened, or not be sealed anew.
    Sealed(SealError),
    /// The disk is full.
    Full(SqlError),
    /// The disk cannot be written or read, or is busy for too long.
    Unavailable(SqlError),
    /// The disk has failed to sync what was written; whether the last change is there shows when
    /// the database is opened anew.
    Unsynced,
    /// The server has not said whether it has done what was asked, and cannot be asked.
    Unsettled,
    /// This process may no longer be the only one that uses the database.
    Ousted,
    /// The database is damaged, or this program is wrong.
    Broken(SqlError),
}

/// Why a data directory cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// A file or directory cannot be made, read or changed.
    Io(PathBuf, io::Error),
    /// The directory can be read by others and is not plainly ours to close.
    OpenToOthers(PathBuf),
    /// Another process has this directory open.
    Locked(PathBuf),
    /// The database is gone but its write-ahead log is there.
    Missing(PathBuf),
    /// The file is damaged or no database.
    Broken(PathBuf, String),
    /// The file is another program's database.
    Foreign(PathBuf),
    /// The file to make is there.
    Exists(PathBuf),
    /// The audit in this file is not the one that was written, from this row on.
    Tampered(PathBuf, u64),
    /// The database was written by a newer sidecar.
    Newer {
        /// The schema version found.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// A setting that durability or secrecy rests on was not accepted.
    Setting(&'static str),
    /// The SQLite in this program has a known way to lose data.
    OldSqlite(i32),
    /// The operating system gave no random bytes.
    Entropy,
    /// Nobody vouches for a server on another machine.
    NoAuthority(String),
    /// The file has no certificate in PEM.
    NoCertificate(PathBuf),
    /// Others can read a file with a secret.
    FileOpenToOthers(PathBuf),
    /// The server, or how it is reached, does not allow for what is promised.
    Server(&'static str),
    /// Another sidecar uses the database on the server.
    InUse,
    /// The database on the server is empty.
    NotCreated,
    /// The database on the server is one of ours already.
    Created,
    /// The database on the server was written by an older sidecar.
    Older {
        /// The schema version found.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// The database refused for another reason.
    Database(SqlError),
}

impl StoreError {
    /// This error, or [`StoreError::Unsynced`] if that is what it means.
    pub(super) fn noticing_the_disk(self) -> Self {
        match &self {
            Self::Unavailable(SqlError::Sqlite(rusqlite::Error::SqliteFailure(failure, _)))
                if SYNC_FAILURES.contains(&failure.extended_code) =>
            {
                Self::Unsynced
            }
            _ => self,
        }
    }
}

// === impl StoreError ===

impl From<BeyondRights> for StoreError {
    fn from(error: BeyondRights) -> Self {
        Self::Beyond(error)
    }
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        Self::Sealed(error)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        SqlError::from(error).into()
    }
}

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        let cause = match &error {
            SqlError::Sqlite(cause) => cause,
            SqlError::Postgres(cause) => return of_server(cause.code())(error),
            SqlError::TimedOut | SqlError::Closed | SqlError::Io(_) => {
                return Self::Unavailable(error);
            }
            _ => return Self::Broken(error),
        };
        match cause.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(error),
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory,
            ) => Self::Unavailable(error),
            _ => Self::Broken(error),
        }
    }
}

/// A refusal of the store while a database is opened or looked at.
pub(super) fn of_store(error: StoreError) -> OpenError {
    match error {
        StoreError::Full(error) | StoreError::Unavailable(error) | StoreError::Broken(error) => {
            OpenError::Database(error)
        }
        other => rusqlite::Error::ToSqlConversionFailure(Box::new(other)).into(),
    }
}

/// What an error of the server with this code is; one without a code is the connection's.
fn of_server(code: Option<&SqlState>) -> fn(SqlError) -> StoreError {
    let Some(code) = code.map(SqlState::code) else {
        return StoreError::Unavailable;
    };
    let passing = ["08", "25006", "40", "53", "55P03", "57"];
    match code {
        "53100" => StoreError::Full,
        code if passing.iter().any(|start| code.starts_with(start)) => StoreError::Unavailable,
        _ => StoreError::Broken,
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTenant { account: true, .. } => f.write_str("the account does not exist"),
            Self::UnknownTenant { .. } => f.write_str("the region does not exist"),
            Self::LimitReached { limit } => write!(f, "the account has its {limit} keys"),
            Self::NotFound => f.write_str("the key does not exist"),
            Self::NotConfirmed => f.write_str("the confirmation is not the key's name"),
            Self::Unknown(kind) => write!(f, "there is no such {kind}"),
            Self::Taken(field) => write!(f, "the {field} is in use: choose another one"),
            Self::Conflict(advice) => f.write_str(advice),
            Self::Beyond(error) => error.fmt(f),
            Self::MadeAndGone(target) => write!(
                f,
                "this call has made {target} already, which is gone since: to make another, repeat \
                 it with a new Idempotency-Key"
            ),
            Self::KeyReused => {
                f.write_str("the Idempotency-Key was used for another call: choose a new one")
            }
            Self::Stale => f.write_str("it was changed meanwhile: read it again"),
            Self::Immutable(parts) => {
                write!(f, "{} cannot be changed: make a new key", parts.join(", "))
            }
            Self::Unlisted(_) => f.write_str("the scope names what is not in the catalog"),
            Self::NotRecoverable => {
                f.write_str("the value of this key was not kept: rotate the key to get a new one")
            }
            Self::Sealed(error) => error.fmt(f),
            Self::Full(_) => f.write_str("the disk is full: make room and try again"),
            Self::Unavailable(_) => f.write_str("the database cannot be reached: try again"),
            Self::Unsynced => f.write_str(
                "the disk has failed to sync: check it, restart the sidecar, and look what the \
                 last change came to",
            ),
            Self::Unsettled => f.write_str(
                "the database has not said whether it was done: look, or repeat the call with the \
                 same Idempotency-Key",
            ),
            Self::Ousted => f.write_str(
                "this sidecar cannot tell whether it is the only one that uses the database: try \
                 again",
            ),
            Self::Broken(_) => f.write_str("the database failed: see the cause"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Full(source) | Self::Unavailable(source) | Self::Broken(source) => Some(source),
            _ => None,
        }
    }
}

// === impl OpenError ===

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<SqlError> for OpenError {
    fn from(error: SqlError) -> Self {
        Self::Database(error)
    }
}

impl OpenError {
    /// What is to be said of a server.
    fn fmt_of_server(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAuthority(url) => write!(
                f,
                "{url} is on another machine: name who vouches for it with --store-ca-file"
            ),
            Self::NoCertificate(path) => {
                write!(f, "{} has no certificate: write it in PEM", path.display())
            }
            Self::FileOpenToOthers(path) => {
                write!(
                    f,
                    "{0} can be read by others: `chmod 600 {0}`",
                    path.display()
                )
            }
            Self::Server(advice) => {
                write!(f, "the server does not keep what is promised: {advice}")
            }
            Self::InUse => f.write_str(
                "another sidecar uses this database: stop that one; one at a time may use it",
            ),
            Self::NotCreated => {
                f.write_str("the database is empty: make its tables with `sidecar store create`")
            }
            Self::Created => f.write_str("the database has tables of a sidecar already"),
            Self::Older { found, known } => write!(
                f,
                "the database has schema version {found} and this sidecar wants {known}: stop \
                 whatever uses it and run `sidecar store upgrade`"
            ),
            _ => f.write_str("the database cannot be opened"),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, _) => write!(f, "cannot use {}", path.display()),
            Self::OpenToOthers(path) => write!(
                f,
                "{0} can be read by others and holds other things: name an empty directory, or \
                 `chmod 700 {0}` if it is meant for keys",
                path.display()
            ),
            Self::Locked(path) => write!(
                f,
                "{} is in use by another sidecar: stop that one, or name another --data directory",
                path.display()
            ),
            Self::Missing(path) => write!(
                f,
                "{} is missing beside its write-ahead log: restore it from a backup, or name an \
                 empty --data directory",
                path.display()
            ),
            Self::Broken(path, finding) => write!(
                f,
                "{} is damaged or no database ({finding}): restore it from a backup; it was left \
                 as it is",
                path.display()
            ),
            Self::Foreign(path) => write!(
                f,
                "{} is another program's database: name another --data directory",
                path.display()
            ),
            Self::Exists(path) => write!(f, "{} exists: name a new file", path.display()),
            Self::Tampered(path, seq) => write!(
                f,
                "the audit in {} is not the one that was written, from row {seq} on: use another \
                 backup",
                path.display()
            ),
            Self::Newer { found, known } => write!(
                f,
                "the database has schema version {found} and this sidecar knows {known}: run the \
                 newer sidecar"
            ),
            Self::Setting(name) => write!(
                f,
                "SQLite did not accept `PRAGMA {name}` for the database: put --data on a local \
                 file system"
            ),
            Self::OldSqlite(version) => write!(
                f,
                "SQLite {version} can lose committed data: build with 3051003 or newer"
            ),
            Self::Entropy => f.write_str("the operating system gave no random bytes: try again"),
            _ => self.fmt_of_server(f),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, source) => Some(source),
            Self::Database(source) => Some(source),
            _ => None,
        }
    }
}
