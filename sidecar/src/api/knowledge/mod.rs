//! The calls about what is known: the catalog, usage, advice, and the Envoys.
//!
//! Does not change keys. Invariant: what a caller is told is of their account, but for the catalog,
//! which is everybody's, and the Envoys, which are the operator's.

pub(super) mod catalog;
pub(super) mod envoys;
pub(super) mod recommendations;
mod tokens;
pub(super) mod usage;

use actix_web::web::{self, ServiceConfig};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .configure(catalog::routes)
        .configure(usage::routes)
        .configure(recommendations::routes)
        .service(web::resource("/envoys").get(envoys::list))
        .service(web::resource("/envoys/{instance}").delete(envoys::dismiss));
}
