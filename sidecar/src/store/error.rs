//! Why the store refuses a call, and why it refuses to open.
//!
//! Does not choose HTTP statuses. Invariant: a text says what to do and shows no SQL and no value
//! of a row; SQLite's own words are in the source, for the log.

use std::fmt;
use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why a read or a change was refused. A refused change has changed nothing.
#[derive(Debug)]
pub enum StoreError {
    /// The account or the region of a new key does not exist.
    UnknownHome {
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
    /// The value of the new key belongs to a deleted key.
    DeadValue,
    /// The disk is full.
    Full(rusqlite::Error),
    /// The disk cannot be written or read, or is busy for too long.
    Unavailable(rusqlite::Error),
    /// The database is damaged, or this program is wrong.
    Broken(rusqlite::Error),
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
    /// SQLite refused for another reason.
    Sqlite(rusqlite::Error),
}

// === impl StoreError ===

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
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

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHome { account: true, .. } => f.write_str("the account does not exist"),
            Self::UnknownHome { .. } => f.write_str("the region does not exist"),
            Self::LimitReached { limit } => write!(f, "the account has its {limit} keys"),
            Self::NotFound => f.write_str("the key does not exist"),
            Self::NotConfirmed => f.write_str("the confirmation is not the key's name"),
            Self::Stale => f.write_str("the key was changed meanwhile: read it again"),
            Self::DeadValue => f.write_str("the new value belongs to a deleted key: try again"),
            Self::Full(_) => f.write_str("the disk is full: make room and try again"),
            Self::Unavailable(_) => f.write_str("the database cannot be reached: try again"),
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
        Self::Sqlite(error)
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
            Self::Sqlite(_) => f.write_str("the database cannot be opened"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, source) => Some(source),
            Self::Sqlite(source) => Some(source),
            _ => None,
        }
    }
}
