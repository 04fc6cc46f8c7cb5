//! What is done, whoever asks for it: the REST API and the cloud API are two ways in to the same.
//!
//! Does not know any call or its answer. Invariant: the rules, the audit and the wait for the Envoys
//! are here and in the store, so that no way in can do with less.

pub(crate) mod access_keys;
mod accounts;
pub(crate) mod attempt_limit;
mod audit;
pub(crate) mod caller;
pub(crate) mod idempotency;
pub(crate) mod keys;
pub(crate) mod limit_requests;
pub(crate) mod limits;
pub(crate) mod minute_limit;
mod own_user;
pub(crate) mod proof;
mod regions;
mod rows;
pub(crate) mod sessions;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod wait;

use std::sync::Arc;
use std::time::Instant;

use tokio::task::spawn_blocking;

use crate::config::Gateway;
use crate::domain::clock::Clock;
use crate::domain::secrets::keyring::Keyring;
use crate::domain::secrets::secret::KeyPrefix;
use crate::feed::ledger::SharedLedger;
use crate::feed::shared_fleet::SharedFleet;
use crate::http::host_policy::HostPolicy;
use crate::http::metrics::Metrics;
use crate::http::problem::Problem;
use crate::service::attempt_limit::AttemptLimit;
use crate::service::minute_limit::MinuteLimit;
use crate::store::{Store, StoreError};

/// What the calls work with.
#[derive(Clone, Debug)]
pub struct App {
    /// The keys.
    pub store: Store,
    /// The Envoys.
    pub fleet: SharedFleet,
    /// What they hold of limits.
    pub ledger: SharedLedger,
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
    pub host_policy: HostPolicy,
    /// Where clients of a region reach Envoy.
    pub gateways: Arc<Vec<Gateway>>,
    /// How often somebody may try to prove who somebody is.
    pub attempts: AttemptLimit,
    /// Values that were shown lately.
    pub reveals: MinuteLimit,
    /// Values that were looked up lately.
    pub lookups: MinuteLimit,
}

impl App {
    /// Runs a call of the store on a thread that may block.
    pub(crate) async fn store<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let store = self.store.clone();
        let begun = Instant::now();
        let outcome = spawn_blocking(move || call(&store)).await;
        self.metrics.store_took(begun.elapsed());
        Ok(outcome.map_err(|error| Problem::internal(&error))??)
    }
}
