//! The REST API: what people and scripts call. The room that speaks HTTP to them.
//!
//! Does not speak SQL or follow Envoys. Invariant: every call below `/v1` asks for a credential
//! before it reads anything else, and no GET changes anything.

pub(crate) mod access_keys;
mod accounts;
pub(crate) mod answer;
pub(crate) mod attempts;
mod audit;
mod auth;
pub(crate) mod body;
pub(crate) mod caller;
mod catalog;
mod cookie;
pub(crate) mod envelope;
mod envoys;
pub(crate) mod fields;
mod health;
mod key_answer;
mod key_check;
mod key_list;
pub(crate) mod key_request;
pub(crate) mod key_service;
mod key_values;
mod keys;
mod limit_requests;
mod me;
pub(crate) mod metrics;
pub(crate) mod once;
pub mod openapi;
pub(crate) mod operations;
mod parts;
pub(crate) mod patience;
pub mod problem;
mod proof;
pub(crate) mod query;
mod recommendations;
pub(crate) mod reveals;
mod session;
pub mod site;
mod tokens;
mod usage;
mod users;
mod verifications;

use std::sync::Arc;
use std::time::Instant;

use actix_web::middleware::from_fn;
use actix_web::web::{self, PayloadConfig, ServiceConfig};
use keytable::Generation;

use crate::api::attempts::Attempts;
pub(crate) use crate::api::auth::check_host;
use crate::api::body::BODY_BYTES_MAX;
use crate::api::metrics::Metrics;
use crate::api::patience::Patience;
use crate::api::problem::Problem;
use crate::api::reveals::Reveals;
use crate::api::site::Site;
use crate::config::Gateway;
use crate::domain::clock::Clock;
use crate::domain::keyring::Keyring;
use crate::domain::region::RegionId;
use crate::domain::secret::KeyPrefix;
use crate::feed::board::Board;
use crate::feed::propagation::Propagation;
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

/// The calls.
pub fn routes(config: &mut ServiceConfig) {
    config
        .app_data(PayloadConfig::new(BODY_BYTES_MAX))
        .service(web::resource("/healthz").get(health::healthz))
        .service(web::resource("/readyz").get(health::readyz))
        .service(web::resource("/metrics").get(metrics::show))
        .configure(openapi::routes)
        .service(
            web::scope("/v1")
                .wrap(from_fn(auth::admit))
                .configure(keys::routes)
                .configure(catalog::routes)
                .configure(usage::routes)
                .configure(recommendations::routes)
                .service(web::resource("/envoys").get(envoys::list))
                .service(web::resource("/envoys/{instance}").delete(envoys::dismiss))
                .configure(identity_routes),
        );
}

fn identity_routes(config: &mut ServiceConfig) {
    config
        .configure(accounts::routes)
        .configure(limit_requests::routes)
        .configure(users::routes)
        .configure(tokens::routes)
        .configure(access_keys::routes)
        .configure(session::routes)
        .configure(verifications::routes)
        .configure(me::routes)
        .configure(audit::routes);
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
