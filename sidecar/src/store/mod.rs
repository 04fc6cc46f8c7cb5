//! The store: what the sidecar knows, in one SQLite file or on a PostgreSQL server. The only room that
//! speaks SQL.
//!
//! Does not speak HTTP and holds no value of a key, only its hash. Calls block on the disk: async
//! callers run them on a thread for that.
//!
//! Invariant: an answer `Ok` to a change means that it is on the disk (SQLite: WAL, `synchronous=FULL`; PostgreSQL:
//! `synchronous_commit=on`)
//! and that everybody who follows has been woken; an `Err` means that nothing was changed,
//! unless it says itself that this is not known.

mod audit;
mod error;
mod feed;
mod file;
mod idempotency;
mod identity;
mod inspection;
mod keys;
mod knowledge;
mod ledger;
mod limits;
mod pagination;
mod postgres;
mod regions;
mod row;
mod sql;
mod tenancy;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keytable::{Epoch, Generation};
use tokio::sync::watch;

use crate::store::regions::KnownRegions;

pub use audit::{AuditFilter, AuditFinding, AuditRow};
pub use error::{OpenError, StoreError};
pub use feed::changes::News;
pub use feed::fleet::Newcomer;
pub use feed::table::read_table;
pub use file::backup::{CarriedOver, backup, restore};
pub use idempotency::{IdempotencyRecord, Idempotent, IdempotentCall};
pub use identity::sessions::{NewSession, UserSession};
pub use identity::users::Ends;
pub use inspection::verify_audit;
pub use keys::lifecycle::{CreateOptions, Minted, Target};
pub use keys::list::{Cursor, CursorValue, KeyFilter, KeyList, Sort};
pub use keys::reveal::place as value_place;
pub use keys::rotation::Rotated;
pub use keys::search::{Condition, Matching, Search, SearchOrder, SearchPage, TextField};
pub use knowledge::advice::Examined;
pub use knowledge::catalog::CatalogFilter;
pub use knowledge::usage::{CountedTokens, RankedBy, Ranking, Subject, UsagePoint, UsageShare};
pub use ledger::{Charged, GivenUp, LimitCounts, LimitOwner, SubjectLimits};
pub(crate) use pagination::PagedRow;
pub use pagination::{ListPage, PageRequest, RowTarget};
pub use postgres::create::{create, upgrade};
pub use postgres::place::{DatabaseUrl, Server};
pub use sql::SqlError;

use error::of_store;
use feed::changes::{self, ChangeEntry};
use file::database::FileDatabase;
use postgres::ServerDatabase;
use sql::{Connection, params};

/// Idle reading connections that are kept.
const READERS_MAX: usize = 4;

/// An open database. Clones share it.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

/// Where a database is.
#[derive(Clone, Debug)]
pub enum StorePlace {
    /// In a file, in this directory.
    Directory(PathBuf),
    /// On a PostgreSQL server.
    Server(Server),
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    epoch: Epoch,
    was_copied: bool,
    key_limit_default: u64,
    known_regions: Mutex<KnownRegions>,
    /// Last: who follows hears that all of the above is gone.
    published: watch::Sender<Generation>,
}

/// What runs the statements.
#[derive(Debug)]
enum Engine {
    File(Box<FileDatabase>),
    Server(Box<ServerDatabase>),
}

/// Looks into the files that say how to reach a database.
pub fn check_place(place: &StorePlace) -> Result<(), OpenError> {
    match place {
        StorePlace::Directory(_) => Ok(()),
        StorePlace::Server(server) => postgres::place::Place::of(server).map(drop),
    }
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
        let (database, was_copied) = FileDatabase::open(directory)?;
        Self::on(
            Engine::File(Box::new(database)),
            was_copied,
            key_limit_default,
        )
    }

    /// Opens a database wherever it is. One on a server has to be there, and its tables this program's.
    pub fn open_at(place: &StorePlace, key_limit_default: u64) -> Result<Self, OpenError> {
        match place {
            StorePlace::Directory(directory) => Self::open(directory, key_limit_default),
            StorePlace::Server(server) => {
                let (database, was_copied) = ServerDatabase::open(server)?;
                Self::on(
                    Engine::Server(Box::new(database)),
                    was_copied,
                    key_limit_default,
                )
            }
        }
    }

    fn on(engine: Engine, was_copied: bool, key_limit_default: u64) -> Result<Self, OpenError> {
        let read = |connection: &Connection| Ok(position(connection));
        let position = match &engine {
            Engine::File(database) => database.read(read),
            Engine::Server(database) => database.read(read),
        };
        let (epoch, generation) = position.map_err(of_store)??;
        Ok(Self(Arc::new(Inner {
            engine,
            epoch,
            was_copied,
            key_limit_default,
            known_regions: Mutex::default(),
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
            changes::append(transaction, &changes)?;
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
        match &self.0.engine {
            Engine::File(database) => database.write(work, publish),
            Engine::Server(database) => database.write(work, publish),
        }
    }

    /// Refuses to go on after the disk did not take what was written: what it has is not known
    /// before everything is opened anew. On a server: when this process may not be the only one.
    pub fn require_sound(&self) -> Result<(), StoreError> {
        match &self.0.engine {
            Engine::File(database) => database.require_sound(),
            Engine::Server(database) => database.guard().require(),
        }
    }

    /// Refuses to tell an Envoy anything, also that nothing is new, when another process may be telling it
    /// otherwise. A file is this process's alone as long as it is open.
    pub fn require_alone(&self) -> Result<(), StoreError> {
        match &self.0.engine {
            Engine::File(_) => Ok(()),
            Engine::Server(database) => database.guard().require_told(),
        }
    }

    /// Whether an Envoy that could not be written down must not be served: after a start on another machine
    /// nobody would know of it.
    pub fn must_note_envoys(&self) -> bool {
        matches!(self.0.engine, Engine::Server(_))
    }

    /// Over when this process has lost the database for good.
    pub fn lost(&self) -> impl Future<Output = ()> + use<> {
        let lost = match &self.0.engine {
            Engine::File(_) => None,
            Engine::Server(database) => Some(database.guard().lost()),
        };
        async {
            match lost {
                // An error: the store is gone, which whoever asks brings about.
                Some(mut lost) => drop(lost.wait_for(|is_lost| *is_lost).await),
                None => std::future::pending().await,
            }
        }
    }

    /// Runs a read: all its queries see the same moment.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &self.0.engine {
            Engine::File(database) => database.read(work),
            Engine::Server(database) => database.read(work),
        }
    }

    /// The database as a file.
    #[cfg(test)]
    fn file(&self) -> &FileDatabase {
        match &self.0.engine {
            Engine::File(database) => database,
            Engine::Server(_) => panic!("it is on a server"),
        }
    }
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
