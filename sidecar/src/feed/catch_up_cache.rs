//! The cache of what agents are answered: however many ask for the same, the store is asked once.
//!
//! Does not judge what is found. Invariant: what is given was read after everything was committed
//! that had been published when it was asked for, so that an agent that was woken for a change is
//! told of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web;
use keytable::Generation;
use tokio::sync::OnceCell;

use crate::domain::clock::UnixMillis;
use crate::feed::catch_up::{CatchUp, TableQuery, catch_up};
use crate::http::problem::Problem;
use crate::store::Store;

/// Findings that are kept: agents that follow are at one of a few positions.
const KEPT_MAX: usize = 32;
/// How long a finding is kept when nothing is published: what the disk has may still be different
/// after it failed.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// What was found for the agents of the moment.
#[derive(Debug)]
pub(super) struct CatchUpCache {
    store: Store,
    entries: Mutex<Entries>,
}

#[derive(Debug)]
struct Entries {
    /// What was published when the first of them began.
    published: Generation,
    since: Instant,
    found: Vec<(TableQuery, Arc<OnceCell<CatchUp>>)>,
}

impl CatchUpCache {
    pub(super) fn new(store: Store) -> Self {
        let entries = Entries {
            published: store.published(),
            since: Instant::now(),
            found: Vec::new(),
        };
        Self {
            store,
            entries: Mutex::new(entries),
        }
    }

    /// How an agent catches up. The first who asks looks, the others wait for what it finds.
    pub(super) async fn get(
        &self,
        asked: &TableQuery,
        now: UnixMillis,
    ) -> Result<CatchUp, Problem> {
        let shared = self.shared(asked);
        let begin = || async {
            let (store, asked) = (self.store.clone(), asked.clone());
            web::block(move || catch_up(&store, &asked, now))
                .await
                .map_err(|error| Problem::internal(&error))?
        };
        shared.get_or_try_init(begin).await.cloned()
    }

    /// The entry of a finding that nothing was published since.
    fn shared(&self, asked: &TableQuery) -> Arc<OnceCell<CatchUp>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let published = self.store.published();
        if entries.published != published || entries.since.elapsed() >= KEPT_FOR {
            *entries = Entries {
                published,
                since: Instant::now(),
                found: Vec::new(),
            };
        }
        if let Some((_, found)) = entries.found.iter().find(|(other, _)| other == asked) {
            return Arc::clone(found);
        }
        entries.found.truncate(KEPT_MAX - 1);
        let found = Arc::default();
        entries.found.push((asked.clone(), Arc::clone(&found)));
        found
    }
}
