//! The database in its file: one connection that changes, a few that read.
//!
//! Invariant: a change is on the disk before it is answered; after a sync that failed there is no other.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::store::error::{OpenError, StoreError};
use crate::store::file::directory::DataDirectory;
use crate::store::file::{connect, copies};
use crate::store::{READERS_MAX, lock, sql};

/// An open database.
#[derive(Debug)]
pub(crate) struct FileDatabase {
    /// Before the writer: the connection that closes last puts the write-ahead log away, and a
    /// reader could not.
    pub(crate) readers: Mutex<Vec<Connection>>,
    pub(crate) writer: Mutex<Connection>,
    /// Whether a sync of the disk has failed.
    unsynced: AtomicBool,
    pub(crate) path: PathBuf,
    /// The lock goes after the connections.
    _directory: DataDirectory,
}

impl FileDatabase {
    /// Opens the database in `directory`, makes both if they are missing; and whether it was found to be a
    /// copy.
    pub(crate) fn open(directory: &Path) -> Result<(Self, bool), OpenError> {
        let directory = DataDirectory::open(directory)?;
        let mut writer = connect::writer(&directory)?;
        let was_copied = copies::settle(&mut writer, &directory)?;
        let database = Self {
            readers: Mutex::new(Vec::new()),
            writer: Mutex::new(writer),
            unsynced: AtomicBool::new(false),
            path: directory.database(),
            _directory: directory,
        };
        Ok((database, was_copied))
    }

    /// Runs `work` in a transaction and `publish` behind its commit, before any other begins.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&sql::Connection) -> Result<T, StoreError>,
        publish: impl FnOnce(&T),
    ) -> Result<T, StoreError> {
        let mut writer = lock(&self.writer);
        self.require_sound()?;
        let attempt = || {
            let transaction = begin(&mut writer)?;
            let value = work(&sql::Connection::Sqlite(&transaction))?;
            transaction.commit()?;
            Ok(value)
        };
        let outcome = attempt().map_err(StoreError::noticing_the_disk);
        match &outcome {
            Ok(value) => publish(value),
            Err(StoreError::Unsynced) => self.unsynced.store(true, Ordering::SeqCst),
            Err(_) => {}
        }
        outcome
    }

    /// Refuses to go on after the disk did not take what was written.
    pub(crate) fn require_sound(&self) -> Result<(), StoreError> {
        match self.unsynced.load(Ordering::SeqCst) {
            true => Err(StoreError::Unsynced),
            false => Ok(()),
        }
    }

    /// Runs a read: all its queries see the same moment.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&sql::Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = lock(&self.readers).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => connect::reader(&self.path)?,
        };
        let transaction = reader.unchecked_transaction()?;
        let value = work(&sql::Connection::Sqlite(&transaction));
        transaction.finish()?;
        let mut readers = lock(&self.readers);
        if readers.len() < READERS_MAX {
            readers.push(reader);
        }
        value
    }
}

fn begin(writer: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    writer.transaction_with_behavior(TransactionBehavior::Immediate)
}
