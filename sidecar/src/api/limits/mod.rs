//! Limits of keys and accounts: how they are written, and what callers are told of them.
//!
//! Does not know a call: those are where the rest of a key or an account is. Invariant: what is shown can be
//! written.

pub(crate) mod answer;
pub(crate) mod request;
