//! Who may, as rows: accounts, users, credentials and sessions.
//!
//! Does not hold a secret that can be read: hashes, and sealed values. Invariant: what somebody's
//! rights rest on ends in the transaction that ends it.

pub(super) mod access_keys;
pub(super) mod accounts;
pub(super) mod limit_requests;
pub(super) mod operator;
pub(super) mod sessions;
pub(super) mod tokens;
pub(super) mod users;
