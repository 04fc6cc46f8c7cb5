//! What is done, whoever asks for it: the REST API and the cloud API are two ways in to the same.
//!
//! Does not know any call or its answer. Invariant: the rules, the audit and the wait for the Envoys
//! are here and in the store, so that no way in can do with less.

pub(crate) mod attempts;
pub(crate) mod caller;
pub(crate) mod idempotency;
pub(crate) mod keys;
pub(crate) mod proof;
pub(crate) mod reveals;
pub(crate) mod wait;

use std::sync::Arc;
use std::time::Instant;

use actix_web::web;
use keytable::Generation;

use crate::config::Gateway;
use crate::domain::clock::Clock;
use crate::domain::region::RegionId;
use crate::domain::secrets::keyring::Keyring;
use crate::domain::secrets::secret::KeyPrefix;
use crate::feed::board::Board;
use crate::feed::propagation::Propagation;
use crate::http::metrics::Metrics;
use crate::http::problem::Problem;
use crate::http::site::Site;
use crate::service::attempts::Attempts;
use crate::service::reveals::Reveals;
use crate::service::wait::Patience;
use crate::store::{Store, StoreError};

/// What the calls work with.
#[derive(Clone, Debug)]
pub struct App {
    /// The keys.
    pub store: Store,
    /// The Envoys.
    pub board: Board,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// What new keys begin with.
    pub key_prefix: KeyPrefix,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What seals secrets that have to be read again.
    pub keyring: Keyring,
    /// Whether values of keys can be shown later.
    pub recoverable: bool,
    /// Where this is on the web.
    pub site: Site,
    /// Where clients of a region reach Envoy.
    pub gateways: Arc<Vec<Gateway>>,
    /// Attempts to prove who somebody is.
    pub attempts: Attempts,
    /// Values that were shown lately.
    pub reveals: Reveals,
}

impl App {
    /// Runs a call of the store on a thread that may block.
    pub(crate) async fn store<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let store = self.store.clone();
        let begun = Instant::now();
        let outcome = web::block(move || call(&store)).await;
        self.metrics.store_took(begun.elapsed());
        Ok(outcome.map_err(|error| Problem::internal(&error))??)
    }

    /// Waits as long as the caller wants, then says how far a change has come.
    pub(crate) async fn propagation(
        &self,
        region: &RegionId,
        generation: Generation,
        patience: Patience,
    ) -> Propagation {
        let begun = Instant::now();
        let progress = self.board.settle(region, generation, patience.0).await;
        let is_applied = progress.pending.is_empty();
        self.metrics.propagation_took(begun.elapsed(), is_applied);
        Propagation::new(generation, progress)
    }
}
