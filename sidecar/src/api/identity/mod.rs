//! The calls about who may: accounts, users, credentials, sessions, and the audit of it all.
//!
//! Does not decide who may call: [`crate::api::auth`] does. Invariant: a secret is in the answer
//! that made it only.

pub(super) mod access_keys;
pub(super) mod accounts;
pub(super) mod audit;
pub(super) mod limit_requests;
pub(super) mod listed;
pub(super) mod me;
pub(super) mod regions;
pub(super) mod session;
pub(super) mod tokens;
pub(super) mod users;
pub(super) mod verifications;

use actix_web::web::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .configure(accounts::routes)
        .configure(regions::routes)
        .configure(limit_requests::routes)
        .configure(users::routes)
        .configure(tokens::routes)
        .configure(access_keys::routes)
        .configure(session::routes)
        .configure(verifications::routes)
        .configure(me::routes)
        .configure(audit::routes);
}
