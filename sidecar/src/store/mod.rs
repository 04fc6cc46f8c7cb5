//! The store: what the sidecar knows, in one SQLite file. The only room that speaks SQL.
//!
//! Does not speak HTTP and holds no value of a key, only its hash. Calls block on the disk: async
//! callers run them on a thread for that.
//!
//! Invariant: an answer `Ok` to a change means that it is on the disk (WAL, `synchronous=FULL`)
//! and that everybody who follows has been woken; an `Err` means that nothing was changed.

mod audit;
mod error;
mod feed;
mod file;
mod idempotency;
mod identity;
mod keys;
mod knowledge;
mod pagination;
mod row;
mod sql;
mod tenancy;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keytable::{Epoch, Generation};
use rusqlite::{Transaction, TransactionBehavior};
use tokio::sync::watch;

pub use audit::{AuditFilter, AuditFinding, AuditRow};
pub use error::{OpenError, StoreError};
pub use feed::changes::News;
pub use feed::fleet::Newcomer;
pub use feed::table::read_table;
pub use file::backup::{CarriedOver, backup, restore, verify_audit};
pub use idempotency::{IdempotencyRecord, Idempotent, IdempotentCall};
pub use identity::sessions::NewSession;
pub use identity::users::Ends;
pub use keys::lifecycle::{CreateOptions, Minted, Target};
pub use keys::list::{Cursor, CursorValue, KeyFilter, KeyList, Sort};
pub use keys::reveal::place as value_place;
pub use keys::rotation::Rotated;
pub use keys::search::{Condition, Matching, Search, SearchOrder, SearchPage, TextField};
pub use knowledge::advice::Examined;
pub use knowledge::catalog::CatalogFilter;
pub use knowledge::usage::{RankedBy, Ranking, Subject, UsagePoint, UsageShare};
pub(crate) use pagination::PagedRow;
pub use pagination::{ListPage, PageRequest, RowTarget};
pub use sql::SqlError;

use feed::changes::{self, ChangeEntry};
use file::directory::DataDirectory;
use file::{connect, copies};
use sql::{Connection, params};

/// Idle reading connections that are kept.
const READERS_MAX: usize = 4;

/// An open database. Clones share it.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Before the writer: the connection that closes last puts the write-ahead log away, and a
    /// reader could not.
    readers: Mutex<Vec<rusqlite::Connection>>,
    writer: Mutex<rusqlite::Connection>,
    /// Whether a sync of the disk has failed.
    unsynced: AtomicBool,
    path: PathBuf,
    epoch: Epoch,
    was_copied: bool,
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
        let mut writer = connect::writer(&directory)?;
        let was_copied = copies::settle(&mut writer, &directory)?;
        let (epoch, generation) = position(&Connection::Sqlite(&writer))?;
        Ok(Self(Arc::new(Inner {
            readers: Mutex::new(Vec::new()),
            writer: Mutex::new(writer),
            unsynced: AtomicBool::new(false),
            path: directory.database(),
            epoch,
            was_copied,
            key_limit_default,
            _directory: directory,
            published: watch::Sender::new(generation),
        })))
    }

    /// Which history this is.
    pub fn epoch(&self) -> Epoch {
        self.0.epoch
    }

    /// Whether the database was found to be a copy and is a history of its own since this start.
    pub fn was_copied(&self) -> bool {
        self.0.was_copied
    }

    /// The newest generation that was told to those who follow.
    pub fn published(&self) -> Generation {
        *self.0.published.borrow()
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

    /// How many standard keys an account without a limit of its own may have.
    pub fn key_limit_default(&self) -> u64 {
        self.0.key_limit_default
    }

    /// Runs one change of some keys: with its log entries and the next generations it is
    /// committed, then published, before any other change begins.
    fn change<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<(T, Vec<ChangeEntry>), StoreError>,
    ) -> Result<Stored<T>, StoreError> {
        let logged = |transaction: &Connection| {
            let (value, changes) = work(transaction)?;
            for change in &changes {
                changes::append(transaction, change)?;
            }
            let generation = changes::newest(transaction)?;
            Ok(Stored { value, generation })
        };
        self.transact(logged, |stored| {
            self.0.published.send_replace(stored.generation);
        })
    }

    /// Runs a change that Envoys need not know of.
    fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transact(work, |_| {})
    }

    /// Runs `work` in a transaction and `publish` behind its commit, before any other begins.
    fn transact<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
        publish: impl FnOnce(&T),
    ) -> Result<T, StoreError> {
        let mut writer = lock(&self.0.writer);
        self.require_sound()?;
        let attempt = || {
            let transaction = begin(&mut writer)?;
            let value = work(&Connection::Sqlite(&transaction))?;
            transaction.commit()?;
            Ok(value)
        };
        let outcome = attempt().map_err(StoreError::noticing_the_disk);
        match &outcome {
            Ok(value) => publish(value),
            Err(StoreError::Unsynced) => self.0.unsynced.store(true, Ordering::SeqCst),
            Err(_) => {}
        }
        outcome
    }

    /// Refuses to go on after the disk did not take what was written: what it has is not known
    /// before everything is opened anew.
    pub fn require_sound(&self) -> Result<(), StoreError> {
        match self.0.unsynced.load(Ordering::SeqCst) {
            true => Err(StoreError::Unsynced),
            false => Ok(()),
        }
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
        let value = work(&Connection::Sqlite(&transaction));
        transaction.finish()?;
        let mut readers = lock(&self.0.readers);
        if readers.len() < READERS_MAX {
            readers.push(reader);
        }
        value
    }
}

fn begin(writer: &mut rusqlite::Connection) -> rusqlite::Result<Transaction<'_>> {
    writer.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn position(connection: &Connection) -> Result<(Epoch, Generation), OpenError> {
    let (epoch, generation): ([u8; Epoch::BYTES], i64) = connection
        .prepare("SELECT epoch, generation FROM meta")?
        .query_row(params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let generation = Generation::new(u64::try_from(generation).unwrap_or(0));
    Ok((Epoch::from_bytes(epoch), generation))
}

/// A panic while the lock was held left no transaction behind: dropping one rolls it back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
