//! Looks that are shared: however many agents ask for the same, the store is asked once.
//!
//! Does not judge what is found. Invariant: what is given was read after everything was committed
//! that had been published when it was asked for, so that an agent that was woken for a change is
//! told of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web;
use keytable::{Epoch, FormatVersion, Generation};
use tokio::sync::OnceCell;

use crate::domain::region::RegionId;
use crate::feed::look::{Look, look};
use crate::http::problem::Problem;
use crate::store::Store;

/// Looks that are kept: agents that follow are at one of a few positions.
const KEPT_MAX: usize = 32;
/// How long a look is kept when nothing is published: what the disk has may still be different
/// after it failed.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// What an agent asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) region: RegionId,
    /// What it has in force.
    pub(super) position: Option<(Epoch, Generation)>,
    pub(super) format: FormatVersion,
}

/// The looks of the moment.
#[derive(Debug)]
pub(super) struct Looks {
    store: Store,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// What was published when the first of them began.
    published: Generation,
    since: Instant,
    looks: Vec<(Asked, Arc<OnceCell<Look>>)>,
}

impl Looks {
    pub(super) fn new(store: Store) -> Self {
        let kept = Kept {
            published: store.published(),
            since: Instant::now(),
            looks: Vec::new(),
        };
        Self {
            store,
            kept: Mutex::new(kept),
        }
    }

    /// What there is for an agent. The first who asks looks, the others wait for what it finds.
    pub(super) async fn look(&self, asked: &Asked) -> Result<Look, Problem> {
        let shared = self.shared(asked);
        let begin = || async {
            let (store, asked) = (self.store.clone(), asked.clone());
            web::block(move || look(&store, &asked))
                .await
                .map_err(|error| Problem::internal(&error))?
        };
        shared.get_or_try_init(begin).await.cloned()
    }

    /// The place of a look that nothing was published since.
    fn shared(&self, asked: &Asked) -> Arc<OnceCell<Look>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let published = self.store.published();
        if kept.published != published || kept.since.elapsed() >= KEPT_FOR {
            *kept = Kept {
                published,
                since: Instant::now(),
                looks: Vec::new(),
            };
        }
        if let Some((_, look)) = kept.looks.iter().find(|(other, _)| other == asked) {
            return Arc::clone(look);
        }
        kept.looks.truncate(KEPT_MAX - 1);
        let look = Arc::default();
        kept.looks.push((asked.clone(), Arc::clone(&look)));
        look
    }
}
