//! The store: what the sidecar knows, in one SQLite file. The only room that speaks SQL.
//!
//! Does not speak HTTP and holds no value of a key, only its hash. Calls block on the disk: async
//! callers run them on a thread for that.
//!
//! Invariant: an answer `Ok` to a change means that it is on the disk (WAL, `synchronous=FULL`)
//! and that everybody who follows has been woken; an `Err` means that nothing was changed.

mod changes;
mod connect;
mod directory;
mod error;
mod homes;
mod keys;
mod migrate;
mod operator;
mod row;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keytable::{Epoch, Generation};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::watch;

pub use changes::News;
pub use error::{OpenError, StoreError};
pub use keys::{Cursor, Filter, Listing, Minted, Target};

use changes::Change;
use directory::DataDirectory;

/// Idle reading connections that are kept.
const READERS_MAX: usize = 4;

/// An open database. Clones share it.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Before the writer: the connection that closes last puts the write-ahead log away, and a
    /// reader could not.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Connection>,
    path: PathBuf,
    epoch: Epoch,
    key_limit_default: u64,
    /// The lock goes after the connections.
    _directory: DataDirectory,
    /// Last: who follows hears that all of the above is gone.
    published: watch::Sender<Generation>,
}

/// The outcome of a change.
#[derive(Debug)]
pub struct Stored<T> {
    /// What was changed, as it is now (or was, if it was deleted).
    pub value: T,
    /// The generation that the change made.
    pub generation: Generation,
}

impl Store {
    /// Opens the database in `directory`; makes both if they are missing. Accounts without a limit
    /// of their own may have `key_limit_default` keys.
    pub fn open(directory: &Path, key_limit_default: u64) -> Result<Self, OpenError> {
        let directory = DataDirectory::open(directory)?;
        let writer = connect::writer(&directory)?;
        let (epoch, generation) = position(&writer)?;
        Ok(Self(Arc::new(Inner {
            readers: Mutex::new(Vec::new()),
            writer: Mutex::new(writer),
            path: directory.database(),
            epoch,
            key_limit_default,
            _directory: directory,
            published: watch::Sender::new(generation),
        })))
    }

    /// Which history this is.
    pub fn epoch(&self) -> Epoch {
        self.0.epoch
    }

    /// Wakes its holder whenever a change is committed.
    pub fn follow(&self) -> watch::Receiver<Generation> {
        self.0.published.subscribe()
    }

    /// Wakes everybody who follows without a change, so that they look whether to stop.
    pub fn wake_followers(&self) {
        self.0.published.send_modify(|_| {});
    }

    /// Waits until all clones are gone, so that the database is closed and its directory free.
    pub async fn closed(self) {
        let mut follower = self.follow();
        drop(self);
        while follower.changed().await.is_ok() {}
    }

    /// The newest generation.
    pub fn generation(&self) -> Result<Generation, StoreError> {
        self.read(changes::newest)
    }

    fn key_limit_default(&self) -> u64 {
        self.0.key_limit_default
    }

    /// Runs one change of one key: with its log entry and the next generation it is committed,
    /// then published, before any other change begins.
    fn change<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<(T, Change), StoreError>,
    ) -> Result<Stored<T>, StoreError> {
        let mut writer = lock(&self.0.writer);
        let transaction = begin(&mut writer)?;
        let (value, change) = work(&transaction)?;
        let generation = changes::append(&transaction, &change)?;
        transaction.commit()?;
        self.0.published.send_replace(generation);
        Ok(Stored { value, generation })
    }

    /// Runs a change that Envoys need not know of.
    fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut writer = lock(&self.0.writer);
        let transaction = begin(&mut writer)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Runs a read: all its queries see the same moment.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = lock(&self.0.readers).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => connect::reader(&self.0.path)?,
        };
        let transaction = reader.unchecked_transaction()?;
        let value = work(&transaction);
        transaction.finish()?;
        let mut readers = lock(&self.0.readers);
        if readers.len() < READERS_MAX {
            readers.push(reader);
        }
        value
    }
}

fn begin(writer: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    writer.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn position(connection: &Connection) -> Result<(Epoch, Generation), OpenError> {
    let (epoch, generation): ([u8; Epoch::BYTES], i64) =
        connection.query_row("SELECT epoch, generation FROM meta", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let generation = Generation::new(u64::try_from(generation).unwrap_or(0));
    Ok((Epoch::from_bytes(epoch), generation))
}

/// A panic while the lock was held left no transaction behind: dropping one rolls it back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
