//! The REST API: what people and scripts call, one room for each of its three subjects.
//!
//! Does not speak SQL or follow Envoys. Invariant: every call below `/v1` asks for a credential
//! before it reads anything else, and no GET changes anything.

mod account;
mod auth;
mod health;
mod idempotency;
mod identity;
mod keys;
mod knowledge;
mod limits;
mod metrics;
pub mod openapi;
mod operations;
mod wait;

use actix_web::middleware::from_fn;
use actix_web::web::{self, PayloadConfig, ServiceConfig};

pub(crate) use crate::api::auth::check_host;
use crate::http::body::BODY_BYTES_MAX;

/// The calls.
pub fn routes(config: &mut ServiceConfig) {
    config
        .app_data(PayloadConfig::new(BODY_BYTES_MAX))
        .service(web::resource("/healthz").get(health::healthz))
        .service(web::resource("/readyz").get(health::readyz))
        .service(
            web::resource("/metrics")
                .wrap(from_fn(auth::recognize))
                .get(metrics::show),
        )
        .configure(openapi::routes)
        .service(
            web::scope("/v1")
                .wrap(from_fn(auth::authorize))
                .configure(keys::routes)
                .configure(knowledge::routes)
                .configure(identity::routes),
        );
}
