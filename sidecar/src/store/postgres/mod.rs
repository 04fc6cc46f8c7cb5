//! The database on a PostgreSQL server: how it is reached, kept to oneself, read and changed.
//!
//! Does not know what a key is. Invariant: one process has it open; a change whose outcome is not known is
//! said to be that.

pub(super) mod create;
pub(super) mod guard;
pub(super) mod home;
pub(super) mod migrate;
pub(super) mod place;
pub(super) mod settings;
pub(super) mod tls;

use std::sync::Mutex;

use crate::domain::clock::{Clock, SystemClock};
use crate::store::error::{OpenError, StoreError, of_store};
use crate::store::sql::session::{Session, Wire};
use crate::store::sql::{Connection, SqlError};
use crate::store::{READERS_MAX, lock};

use guard::Guard;
use place::{Place, Server};

/// Begins a change: nobody else's is under way, and which term and transaction it is.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT one FROM meta FOR UPDATE; \
     SELECT term, pg_current_xact_id() FROM installation";
/// A transaction in which a statement has failed refuses the first of these.
const COMMIT: &str = "SELECT 1; COMMIT";
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// An open database.
#[derive(Debug)]
pub(super) struct ServerDatabase {
    place: Place,
    readers: Mutex<Vec<Session>>,
    writer: Mutex<Option<Session>>,
    guard: Guard,
    /// Last: the sessions live on it.
    wire: Wire,
}

impl ServerDatabase {
    /// Opens a database that [`create`] has made, for this process alone; and whether it was found on
    /// another server or timeline than before.
    pub(super) fn open(server: &Server) -> Result<(Self, bool), OpenError> {
        let (place, wire) = (Place::of(server)?, Wire::start()?);
        let writer = connect(&wire, &place)?;
        migrate::require_newest(&Connection::Postgres(&writer))?;
        let guard = Guard::take(connect(&wire, &place)?)?;
        let has_moved = home::settle(&writer, SystemClock.now())?;
        let database = Self {
            place,
            readers: Mutex::default(),
            writer: Mutex::new(Some(writer)),
            guard,
            wire,
        };
        Ok((database, has_moved))
    }

    /// The right to use it.
    pub(super) const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Runs `work` in a transaction and `publish` behind its commit, before any other begins.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
        publish: impl FnOnce(&T),
    ) -> Result<T, StoreError> {
        let mut writer = lock(&self.writer);
        self.guard.require()?;
        let session = match writer.take().filter(Session::is_usable) {
            Some(session) => session,
            None => self.connect()?,
        };
        let transaction = self.begin(&session)?;
        let value = match work(&Connection::Postgres(&session)) {
            Ok(value) => value,
            Err(refusal) => {
                // A session that cannot go back is not used again.
                if session.batch("ROLLBACK").is_ok() {
                    *writer = Some(session);
                }
                return Err(refusal);
            }
        };
        match session.batch(COMMIT) {
            Ok(()) => *writer = Some(session),
            Err(error) if error.is_refusal() => return Err(error.into()),
            Err(error) => {
                drop(session);
                self.settle_outcome(&transaction, error)?;
            }
        }
        publish(&value);
        Ok(value)
    }

    /// Runs a read: all its queries see the same moment.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.guard.require()?;
        let idle = lock(&self.readers).pop();
        let session = match idle.filter(Session::is_usable) {
            Some(session) => session,
            None => self.connect()?,
        };
        session.batch(BEGIN_READ)?;
        let value = work(&Connection::Postgres(&session));
        if session.batch("ROLLBACK").is_ok() {
            let mut readers = lock(&self.readers);
            if readers.len() < READERS_MAX {
                readers.push(session);
            }
        }
        value
    }

    /// Begins a change; gives the transaction's number.
    fn begin(&self, session: &Session) -> Result<String, StoreError> {
        let answer = session.ask(BEGIN)?;
        let [term, transaction] = answer.as_slice() else {
            return Err(SqlError::NoRow.into());
        };
        if *term != self.guard.term().to_string() {
            self.guard.lose();
            return Err(StoreError::Ousted);
        }
        Ok(transaction.clone())
    }

    /// Finds out what became of a commit that was not answered: it is over when its lock is free. The server
    /// is the same one as long as the guard's session lives, so that it knows the number.
    fn settle_outcome(&self, transaction: &str, error: SqlError) -> Result<(), StoreError> {
        log::warn!("a commit was not answered ({error}): asking what became of it");
        let ask = || -> Result<String, StoreError> {
            let session = self.connect()?;
            session.ask(BEGIN)?;
            let status = session.ask(&format!("SELECT pg_xact_status('{transaction}')"))?;
            session.batch("ROLLBACK")?;
            self.guard.require()?;
            Ok(status.into_iter().next().unwrap_or_default())
        };
        match ask() {
            Ok(status) if status == "committed" => Ok(()),
            Ok(status) if status == "aborted" => Err(StoreError::Unavailable(error)),
            _ => Err(StoreError::Unsettled),
        }
    }

    /// Every statement that a session has run so far.
    #[cfg(test)]
    pub(super) fn understood_so_far(&self) -> Vec<String> {
        let (writer, readers) = (lock(&self.writer), lock(&self.readers));
        let sessions = writer.iter().chain(readers.iter());
        sessions.flat_map(Session::understood_so_far).collect()
    }

    /// What is found out of a change that was committed, and of one that was not.
    #[cfg(test)]
    pub(super) fn outcomes(&self) -> [Result<(), StoreError>; 2] {
        [COMMIT, "ROLLBACK"].map(|end| {
            let session = self.connect().unwrap();
            let transaction = self.begin(&session).unwrap();
            session.batch(end).unwrap();
            self.settle_outcome(&transaction, SqlError::TimedOut)
        })
    }

    fn connect(&self) -> Result<Session, StoreError> {
        connect(&self.wire, &self.place).map_err(|error| match error {
            OpenError::Database(error) => error.into(),
            other => SqlError::Io(std::io::Error::other(other.to_string())).into(),
        })
    }
}

/// Looks at a database that a sidecar may be using: one moment of it, and nothing is changed.
pub(super) fn inspect<T>(
    server: &Server,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, OpenError> {
    let (place, wire) = (Place::of(server)?, Wire::start()?);
    let session = connect(&wire, &place)?;
    let connection = Connection::Postgres(&session);
    migrate::require_newest(&connection)?;
    session.batch(BEGIN_READ)?;
    work(&connection).map_err(of_store)
}

fn connect(wire: &Wire, place: &Place) -> Result<Session, OpenError> {
    let session = wire.connect(place.config().clone(), place.tls())?;
    settings::settle(&session)?;
    Ok(session)
}
