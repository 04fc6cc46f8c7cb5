//! The ledger as agents meet it: their batches, gathered, charged, and answered with what others use.
//!
//! Does not read HTTP, and decides nothing ([`Bookkeeper`] does). Batches are gathered outside of the store's lock:
//! what comes within [`GATHER`] is added up and written once. Invariant: an agent is answered after its batch is on
//! the disk, and never with less than all others have said.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::rt::spawn;
use actix_web::web;
use keytable::{CounterId, UsageAnswer, UsageBatch};
use tokio::sync::oneshot;
use tokio::time::sleep_until;

use crate::domain::envoy::AgentId;
use crate::feed::bookkeeper::{Booked, Bookkeeper};
use crate::feed::holdings::Source;
use crate::feed::shared_fleet::SharedFleet;
use crate::http::problem::Problem;
use crate::store::{CountedTokens, GivenUp, Store, StoreError};

/// From one writing to the next.
const GATHER: Duration = Duration::from_millis(200);
/// From one change that marks counters to the next.
const MARK: Duration = Duration::from_secs(5);
/// How often it is looked whether agents are gone.
const LOOK: Duration = Duration::from_secs(1);

/// The ledger. Clones share it.
#[derive(Clone, Debug)]
pub struct SharedLedger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    fleet: SharedFleet,
    bookkeeper: Bookkeeper,
    waiting: Mutex<Vec<Waiting>>,
    marks: Mutex<Marks>,
    looked_at: Mutex<Option<Instant>>,
    /// Whoever holds it writes; when that was done last.
    turn: tokio::sync::Mutex<Option<Instant>>,
}

/// A batch that is not charged yet, and whoever waits for that.
#[derive(Debug)]
struct Waiting {
    batch: Arc<UsageBatch>,
    answer: oneshot::Sender<Result<Accepted, NotCharged>>,
}

/// A batch that is counted and charged.
#[derive(Debug)]
pub(super) struct Accepted {
    /// What its agent is told.
    pub(super) answer: UsageAnswer,
    /// The tokens that were counted just now.
    pub(super) tokens: Vec<CountedTokens>,
}

/// Counters that Envoys are to be told of.
#[derive(Debug, Default)]
struct Marks {
    due: BTreeSet<CounterId>,
    made_at: Option<Instant>,
    is_timed: bool,
}

/// The batch was not charged, or it is not known whether: it has to be sent again.
#[derive(Clone, Copy, Debug)]
pub(super) enum NotCharged {
    /// The disk is full.
    Full,
    /// For another reason, which is in the log.
    Unavailable,
}

impl SharedLedger {
    /// The ledger of `store`, which nobody has told yet what is held.
    pub fn new(store: Store, fleet: SharedFleet) -> Self {
        Self(Arc::new(Inner {
            bookkeeper: Bookkeeper::new(store.clone(), Instant::now()),
            store,
            fleet,
            waiting: Mutex::default(),
            marks: Mutex::default(),
            looked_at: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }))
    }

    /// What all agents hold of each of these counters.
    pub fn held(&self, counters: &[CounterId]) -> Vec<u64> {
        self.0.bookkeeper.held(counters)
    }

    /// Counts and charges a batch, together with whatever else comes at this time; one without charges waits
    /// for nobody.
    pub(super) async fn take(&self, batch: UsageBatch) -> Result<Accepted, Problem> {
        let batch = Arc::new(batch);
        if batch.charges.is_empty() {
            return self.count(batch).await;
        }
        let (answer, answered) = oneshot::channel();
        let is_first = {
            let mut waiting = lock(&self.0.waiting);
            waiting.push(Waiting { batch, answer });
            waiting.len() == 1
        };
        if is_first {
            // Not within this request: if its connection breaks, the others wait all the same.
            spawn(self.clone().gather());
        }
        let outcome = answered.await.unwrap_or(Err(NotCharged::Unavailable));
        Ok(outcome?)
    }

    async fn count(&self, batch: Arc<UsageBatch>) -> Result<Accepted, Problem> {
        let (inner, counted) = (Arc::clone(&self.0), Arc::clone(&batch));
        let count = move || inner.store.count_usage(&counted, inner.fleet.now());
        let tokens = web::block(count).await;
        let tokens = tokens.map_err(|error| Problem::internal(&error))??;
        let answer = self.0.bookkeeper.answer(&batch, self.0.fleet.moment());
        Ok(Accepted { answer, tokens })
    }

    /// Waits for its turn, then charges all that wait.
    async fn gather(self) {
        let mut turn = self.0.turn.lock().await;
        if let Some(last) = *turn {
            sleep_until((last + GATHER).into()).await;
        }
        *turn = Some(Instant::now());
        let waiting = std::mem::take(&mut *lock(&self.0.waiting));
        let inner = Arc::clone(&self.0);
        if let Err(error) = web::block(move || inner.charge_all(waiting)).await {
            log::error!("usage could not be charged: {error}");
        }
        drop(turn);
        self.mark();
    }

    /// Sees to it that what is due is marked, now or when its time has come.
    fn mark(&self) {
        let mut marks = lock(&self.0.marks);
        if marks.due.is_empty() || std::mem::replace(&mut marks.is_timed, true) {
            return;
        }
        let at = marks.made_at.map_or_else(Instant::now, |made| made + MARK);
        // A process that stops does not wait for it.
        let inner = Arc::downgrade(&self.0);
        spawn(async move {
            sleep_until(at.into()).await;
            let Some(inner) = inner.upgrade() else {
                return;
            };
            if let Err(error) = web::block(move || inner.mark_due()).await {
                log::error!("counters could not be marked: {error}");
            }
        });
    }
}

impl Waiting {
    fn refuse(self, error: &StoreError) {
        log_failure(error);
        let refusal = match error {
            StoreError::Full(_) => NotCharged::Full,
            _ => NotCharged::Unavailable,
        };
        // Whoever has gone meanwhile asks again.
        let _ = self.answer.send(Err(refusal));
    }
}

impl Inner {
    /// Counts the rows of each batch, then charges all of them at once.
    fn charge_all(&self, waiting: Vec<Waiting>) {
        let (mut counted, mut taken) = (Vec::new(), Vec::new());
        for one in waiting {
            match self.store.count_usage(&one.batch, self.fleet.now()) {
                Ok(tokens) => {
                    counted.push(tokens);
                    taken.push(one);
                }
                Err(error) => one.refuse(&error),
            }
        }
        let batches: Vec<&UsageBatch> = taken.iter().map(|one| &*one.batch).collect();
        let given_up = self.given_up(&batches);
        match self
            .bookkeeper
            .book(&batches, &given_up, self.fleet.moment())
        {
            Ok(Booked { answers, full }) => {
                lock(&self.marks).due.extend(full);
                let accepted = answers.into_iter().zip(counted);
                for (one, (answer, tokens)) in taken.into_iter().zip(accepted) {
                    // Whoever has gone meanwhile asks again.
                    let _ = one.answer.send(Ok(Accepted { answer, tokens }));
                }
            }
            Err(error) => taken.into_iter().for_each(|one| one.refuse(&error)),
        }
    }

    /// The agents that are gone, and what they held. One of which a batch came just now is not.
    fn given_up(&self, batches: &[&UsageBatch]) -> Vec<GivenUp> {
        let now = Instant::now();
        {
            let mut looked_at = lock(&self.looked_at);
            if looked_at.is_some_and(|last| now.saturating_duration_since(last) < LOOK) {
                return Vec::new();
            }
            *looked_at = Some(now);
        }
        let serving = self.fleet.serving();
        let is_serving = |source: &Source| serving.contains(&AgentId::of_bytes(source));
        self.bookkeeper.given_up(batches, is_serving)
    }

    fn mark_due(&self) {
        let due: Vec<CounterId> = {
            let mut marks = lock(&self.marks);
            marks.is_timed = false;
            marks.made_at = Some(Instant::now());
            std::mem::take(&mut marks.due).into_iter().collect()
        };
        if let Err(error) = self.store.mark_full(&due, self.fleet.now()) {
            log_failure(&error);
            lock(&self.marks).due.extend(due);
        }
    }
}

fn log_failure(error: &StoreError) {
    log::error!("usage could not be charged: {error}");
}

/// A panic while a lock was held left whole values behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl NotCharged ===

impl fmt::Display for NotCharged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the batch could not be charged: send it again")
    }
}

impl std::error::Error for NotCharged {}

impl From<NotCharged> for Problem {
    fn from(error: NotCharged) -> Self {
        match error {
            NotCharged::Full => Self::disk_full(&error),
            NotCharged::Unavailable => Self::unavailable(&error.to_string(), &error),
        }
    }
}
