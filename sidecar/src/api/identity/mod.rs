//! The calls about who may: accounts, users, credentials, sessions, and the audit of it all.
//!
//! Does not decide who may call: [`crate::api::auth`] does. Invariant: a secret is in the answer
//! that made it only.

mod access_keys;
mod accounts;
mod audit;
mod limit_requests;
mod listed;
mod me;
mod session;
mod tokens;
mod users;
mod verifications;

use actix_web::web::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
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
