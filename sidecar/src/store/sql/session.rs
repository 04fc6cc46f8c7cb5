//! One connection to the server, for callers that wait.
//!
//! Every session's I/O runs on one thread, [`Wire`]; a caller hands over what is to be done and waits for at
//! most [`CALL_TIMEOUT`], on whichever thread it is: waiting inside an asynchronous runtime for another would
//! be a panic. Does not know a table. Invariant: a session that has not answered in time is not used again.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Row, SimpleQueryMessage, SimpleQueryRow, Socket};

use super::numbering::Numbered;
use super::postgres::{Sent, in_order};
use super::{Parameters, Result, SqlError};
use crate::store::lock;

/// How long an answer of the server is waited for: longer than the server's own limit for a statement.
const CALL_TIMEOUT: Duration = Duration::from_secs(6);
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a sign of life may take.
const SIGN_TIMEOUT: Duration = Duration::from_secs(2);
/// Statements that a session keeps. What a search makes of its conditions has no bound.
const STATEMENTS_KEPT: usize = 256;

type Outcome<T> = std::result::Result<T, tokio_postgres::Error>;

/// The thread that talks to the server.
pub(crate) struct Wire {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A connection. One caller at a time uses it.
pub(crate) struct Session {
    wire: Handle,
    client: Arc<Client>,
    kept: Mutex<HashMap<String, Kept>>,
    is_lost: AtomicBool,
}

/// A statement that the server has understood.
#[derive(Clone)]
struct Kept {
    statement: tokio_postgres::Statement,
    names: Arc<Vec<String>>,
}

impl Wire {
    /// Starts the thread.
    pub(crate) fn start() -> Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(SqlError::Io)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            // An error means that whoever could stop it is gone.
            let _ = runtime.block_on(stopped);
        };
        let thread = thread::Builder::new().name("postgres".into()).spawn(run);
        Ok(Self {
            handle,
            stop: Some(stop),
            thread: Some(thread.map_err(SqlError::Io)?),
        })
    }

    /// Makes a connection.
    pub(crate) fn connect<T>(&self, config: Config, tls: T) -> Result<Session>
    where
        T: MakeTlsConnect<Socket> + Send + 'static,
        T::TlsConnect: Send,
        T::Stream: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let connecting = async move {
            let (client, connection) = config.connect(tls).await?;
            // It ends with its client; why it ended is told to the client's calls.
            tokio::spawn(async move { drop(connection.await) });
            Ok(client)
        };
        let client = wait(&self.handle, CONNECT_TIMEOUT, connecting)?;
        Ok(Session {
            wire: self.handle.clone(),
            client: Arc::new(client),
            kept: Mutex::default(),
            is_lost: AtomicBool::new(false),
        })
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has stopped as well.
            let _ = thread.join();
        }
    }
}

impl Session {
    /// Whether another statement may be tried on it.
    pub(crate) fn is_usable(&self) -> bool {
        !self.is_lost.load(Ordering::SeqCst) && !self.client.is_closed()
    }

    /// Runs statements that have no parameters and whose answers do not matter.
    pub(crate) fn batch(&self, statements: &str) -> Result<()> {
        let (client, statements) = (Arc::clone(&self.client), statements.to_owned());
        self.wait(async move { client.batch_execute(&statements).await })
    }

    /// Runs a statement; answers how many rows it has changed.
    pub(crate) fn execute(&self, text: &str, values: Parameters<'_>) -> Result<usize> {
        let (kept, values) = self.ready(text, values)?;
        let client = Arc::clone(&self.client);
        let changed = self.wait(async move {
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
            client.execute(&kept.statement, &values).await
        })?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// Runs a statement; gives its rows.
    pub(crate) fn query(&self, text: &str, values: Parameters<'_>) -> Result<Vec<Row>> {
        let (kept, values) = self.ready(text, values)?;
        let client = Arc::clone(&self.client);
        self.wait(async move {
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
            client.query(&kept.statement, &values).await
        })
    }

    /// The first column of every row, as text.
    #[cfg(test)]
    pub(crate) fn lines(&self, statement: &str) -> Result<Vec<String>> {
        let (client, statement) = (Arc::clone(&self.client), statement.to_owned());
        let answer = self.wait(async move { client.simple_query(&statement).await })?;
        let lines = rows(&answer).filter_map(|row| row.get(0).map(str::to_owned));
        Ok(lines.collect())
    }

    /// Every statement that the server was asked to understand, as PostgreSQL reads it.
    #[cfg(test)]
    pub(crate) fn understood_so_far(&self) -> Vec<String> {
        let kept = lock(&self.kept);
        kept.keys().map(|text| Numbered::of(text).sql).collect()
    }

    /// Runs `work` beside whatever else this session does.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.wire.spawn(work);
    }

    /// What a query answers with at once; `None` if that takes too long.
    pub(crate) async fn sign(&self, query: &str) -> Option<String> {
        let asked = self.client.simple_query(query);
        let answer = timeout(SIGN_TIMEOUT, asked).await.ok()?.ok()?;
        rows(&answer)
            .next()
            .and_then(|row| row.get(0).map(str::to_owned))
    }

    /// Runs statements without parameters; gives the columns of the last row, as texts.
    pub(crate) fn ask(&self, statements: &str) -> Result<Vec<String>> {
        let (client, statements) = (Arc::clone(&self.client), statements.to_owned());
        let answer = self.wait(async move { client.simple_query(&statements).await })?;
        let row = rows(&answer).next_back().ok_or(SqlError::NoRow)?;
        let texts = (0..row.len()).map(|index| row.get(index).unwrap_or_default().to_owned());
        Ok(texts.collect())
    }

    fn ready(&self, text: &str, values: Parameters<'_>) -> Result<(Kept, Vec<Sent>)> {
        let kept = self.understood(text)?;
        let values = in_order(values, &kept.names)?;
        match values.len() == kept.statement.params().len() {
            true => Ok((kept, values)),
            false => Err(SqlError::Parameters),
        }
    }

    fn understood(&self, text: &str) -> Result<Kept> {
        if let Some(kept) = lock(&self.kept).get(text) {
            return Ok(kept.clone());
        }
        let Numbered { sql, names } = Numbered::of(text);
        let client = Arc::clone(&self.client);
        let kept = Kept {
            statement: self.wait(async move { client.prepare(&sql).await })?,
            names: Arc::new(names),
        };
        let mut all = lock(&self.kept);
        if all.len() >= STATEMENTS_KEPT {
            all.clear();
        }
        all.insert(text.to_owned(), kept.clone());
        Ok(kept)
    }

    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Outcome<T>> + Send + 'static,
    ) -> Result<T> {
        let outcome = wait(&self.wire, CALL_TIMEOUT, work);
        if matches!(outcome, Err(SqlError::TimedOut)) {
            self.is_lost.store(true, Ordering::SeqCst);
        }
        outcome
    }
}

fn rows(answer: &[SimpleQueryMessage]) -> impl DoubleEndedIterator<Item = &SimpleQueryRow> {
    answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    })
}

/// Has `work` done on the wire's thread, and waits for it.
fn wait<T: Send + 'static>(
    wire: &Handle,
    at_most: Duration,
    work: impl Future<Output = Outcome<T>> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    wire.spawn(async move {
        // Whoever asked waits for longer than this takes.
        let _ = sender.send(timeout(at_most, work).await);
    });
    match receiver.recv() {
        Ok(Ok(outcome)) => Ok(outcome?),
        Ok(Err(_)) => Err(SqlError::TimedOut),
        Err(_) => Err(SqlError::Closed),
    }
}

// === impl Wire ===

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

// === impl Session ===

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}
