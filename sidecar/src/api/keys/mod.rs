//! The calls of keys: what they are asked with, and what they answer.
//!
//! Does not do anything to a key: [`crate::service::keys`] does. Invariant: every call of `/v1/keys`
//! is routed here.

pub(crate) mod answer;
pub(crate) mod check;
mod imagined;
mod lifecycle;
mod limited;
mod limits;
mod list;
mod lookup;
mod request;
pub(crate) mod target;
mod values;

use actix_web::web::{self, ServiceConfig};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/keys")
                .get(list::list)
                .post(lifecycle::create),
        )
        .service(web::resource("/keys/import").post(lifecycle::import))
        .service(web::resource("/keys/lookup").post(lookup::look_up))
        .service(
            web::resource("/keys/{id}")
                .get(lifecycle::get)
                .patch(lifecycle::edit)
                .delete(lifecycle::delete),
        )
        .configure(values::routes)
        .configure(check::routes)
        .configure(limits::routes);
}
