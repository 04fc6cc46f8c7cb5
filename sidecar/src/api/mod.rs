//! The REST API: what people and scripts call. The room that speaks HTTP to them.
//!
//! Does not speak SQL or follow Envoys. Invariant: every call below `/v1` asks for a credential
//! before it reads anything else, and no GET changes anything.

mod auth;
mod body;
pub(crate) mod envelope;
mod envoys;
mod fields;
mod health;
mod key_answer;
mod key_request;
mod keys;
mod patience;
pub mod problem;
pub(crate) mod query;

use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::web::{self, PayloadConfig, ServiceConfig};
use keytable::{Generation, KeyHash};

use crate::api::body::BODY_BYTES_MAX;
use crate::api::patience::Patience;
use crate::api::problem::Problem;
use crate::domain::clock::Clock;
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
    /// The hash of the operator's credential.
    pub operator_hash: KeyHash,
}

/// The calls.
pub fn routes(config: &mut ServiceConfig) {
    config
        .app_data(PayloadConfig::new(BODY_BYTES_MAX))
        .service(web::resource("/healthz").get(health::healthz))
        .service(web::resource("/readyz").get(health::readyz))
        .service(
            web::scope("/v1")
                .wrap(from_fn(auth::require_operator))
                .service(web::resource("/keys").get(keys::list).post(keys::create))
                .service(
                    web::resource("/keys/{id}")
                        .get(keys::get)
                        .patch(keys::edit)
                        .delete(keys::delete),
                )
                .service(web::resource("/envoys").get(envoys::list)),
        );
}

impl App {
    /// Runs a call of the store on a thread that may block.
    async fn store<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let store = self.store.clone();
        let outcome = web::block(move || call(&store)).await;
        Ok(outcome.map_err(|error| Problem::internal(&error))??)
    }

    /// Waits as long as the caller wants, then says how far a change has come.
    async fn propagation(
        &self,
        region: &RegionId,
        generation: Generation,
        patience: Patience,
    ) -> Propagation {
        let progress = self.board.settle(region, generation, patience.0).await;
        Propagation::new(generation, progress)
    }
}
