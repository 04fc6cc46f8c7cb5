//! One sidecar at a time: the lock that says that a database is in use, and the fence behind it.
//!
//! The lock is a session's; it is gone when the server loses that session, of which this process may not hear
//! at once. So the session is asked for a sign of life every second, and this process does nothing unless one
//! began within [`FRESH`]; whoever takes the lock from one that did not say goodbye waits longer than that;
//! and every change checks the term, which rises with each taking. Invariant: two processes never both read
//! or write as if each were alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;

use crate::store::error::{OpenError, StoreError};
use crate::store::sql::session::Session;
use crate::store::sql::{Connection, params};

/// For how long a sign of life counts, from when it was asked for.
const FRESH: Duration = Duration::from_secs(3);
/// How often one is asked for.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long whoever takes over from a sidecar that was killed waits until that one has stopped.
const HANDOVER: Duration = Duration::from_secs(4);
/// The lock's number: "latchkey".
const LOCK: i64 = 0x6c61_7463_686b_6579;

/// What asks for a sign of life.
const BACKEND: &str = "SELECT pg_backend_pid()";

/// The right to use a database, while it lasts.
#[derive(Debug)]
pub(crate) struct Guard {
    session: Arc<Session>,
    term: i64,
    signs: Arc<Signs>,
}

/// When this process last knew that it has the lock.
#[derive(Debug)]
struct Signs {
    start: Instant,
    /// Which process of the server has the lock: another one behind the same connection is a pooler's.
    backend: String,
    /// Milliseconds behind `start`.
    newest_ms: AtomicU64,
    is_lost: AtomicBool,
    lost: watch::Sender<bool>,
}

impl Guard {
    /// Takes the lock, or refuses if somebody has it.
    pub(crate) fn take(session: Session) -> Result<Self, OpenError> {
        let connection = Connection::Postgres(&session);
        let taken: bool = connection
            .prepare("SELECT pg_try_advisory_lock(?1)")?
            .query_row([LOCK], |row| row.get(0))?;
        if !taken {
            return Err(OpenError::InUse);
        }
        let backend = session.ask(BACKEND)?.into_iter().next().unwrap_or_default();
        let (session, signs) = (Arc::new(session), Arc::new(Signs::new(backend)));
        session.spawn(signs.clone().watch(Arc::clone(&session)));
        let mut guard = Self {
            session,
            term: 0,
            signs,
        };
        guard.term = begin_term(&guard.session)?;
        guard.require().map_err(|_| OpenError::InUse)?;
        Ok(guard)
    }

    /// The number of this taking.
    pub(crate) const fn term(&self) -> i64 {
        self.term
    }

    /// Refuses if this process may not be the one that has the lock; asks, if it was not told lately.
    pub(crate) fn require(&self) -> Result<(), StoreError> {
        self.require_told().or_else(|refusal| {
            let asked_ms = self.signs.now_ms();
            match self.session.ask(BACKEND) {
                Ok(backend) if backend.first() == Some(&self.signs.backend) => {
                    self.signs.note(asked_ms);
                    self.require_told()
                }
                _ => Err(refusal),
            }
        })
    }

    /// Refuses if this process was not told lately that it has the lock.
    pub(crate) fn require_told(&self) -> Result<(), StoreError> {
        match self.signs.are_fresh() {
            true => Ok(()),
            false => Err(StoreError::Ousted),
        }
    }

    /// Says for good that the lock is lost.
    pub(crate) fn lose(&self) {
        self.signs.lose();
    }

    /// Tells when the lock is lost for good.
    pub(crate) fn lost(&self) -> watch::Receiver<bool> {
        self.signs.lost.subscribe()
    }
}

/// Begins a term: no change of an earlier one is under way, and none is accepted from now on.
fn begin_term(session: &Session) -> Result<i64, OpenError> {
    let connection = Connection::Postgres(session);
    let was_open: bool = connection
        .prepare("SELECT is_open FROM installation")?
        .query_row(params![], |row| row.get(0))?;
    if was_open {
        std::thread::sleep(HANDOVER);
    }
    session.batch("BEGIN; SELECT one FROM meta FOR UPDATE")?;
    let sql = "UPDATE installation SET term = term + 1, is_open = TRUE RETURNING term";
    let term = connection
        .prepare(sql)?
        .query_row(params![], |row| row.get(0))?;
    session.batch("COMMIT")?;
    Ok(term)
}

impl Drop for Guard {
    fn drop(&mut self) {
        let goodbye = format!(
            "UPDATE installation SET is_open = FALSE WHERE term = {}; \
             SELECT pg_advisory_unlock({LOCK})",
            self.term
        );
        if self.signs.are_fresh() {
            // If it fails, the next one waits.
            let _ = self.session.batch(&goodbye);
        }
        self.lose();
    }
}

impl Signs {
    fn new(backend: String) -> Self {
        Self {
            start: Instant::now(),
            backend,
            newest_ms: AtomicU64::new(0),
            is_lost: AtomicBool::new(false),
            lost: watch::Sender::new(false),
        }
    }

    /// Asks for signs of life until there can be none.
    async fn watch(self: Arc<Self>, session: Arc<Session>) {
        while session.is_usable() && !self.is_lost.load(Ordering::SeqCst) {
            let asked_ms = self.now_ms();
            match session.sign(BACKEND).await {
                // It is slow, or gone: that shows.
                None => {}
                Some(backend) if backend == self.backend => self.note(asked_ms),
                Some(_) => break,
            }
            sleep(INTERVAL).await;
        }
        self.lose();
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn note(&self, asked_ms: u64) {
        self.newest_ms.fetch_max(asked_ms, Ordering::SeqCst);
    }

    fn are_fresh(&self) -> bool {
        let newest = Duration::from_millis(self.newest_ms.load(Ordering::SeqCst));
        !self.is_lost.load(Ordering::SeqCst) && self.start.elapsed() < newest + FRESH
    }

    fn lose(&self) {
        self.is_lost.store(true, Ordering::SeqCst);
        self.lost.send_replace(true);
    }
}
