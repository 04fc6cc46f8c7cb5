//! Latchkey's sidecar: owns the API keys and tells every Envoy about every change.
//!
//! A thing belongs to [`domain`] if it would be true with no HTTP and no SQL, to [`store`] if it
//! speaks SQL, to [`api`] if it speaks HTTP to people and scripts, to [`console`] if it is part of
//! the page in the browser, to [`feed`] if it carries the key table to Envoys, to [`tokenhub`] if
//! it is said in the words of Tencent's cloud API. The sidecar never sees a model request and never
//! decides one.
//!
//! Invariant: a change is answered only after its commit, and the value of a key leaves the
//! process only in the answer to the call that made it.

#![deny(missing_docs)]

#[macro_use]
pub mod mutant;

/// Which release this is.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub mod api;
pub mod compile;
pub mod config;
pub mod console;
pub mod domain;
pub mod feed;
pub mod lint;
pub mod master_key;
pub mod offline;
pub mod serve;
pub mod snapshot;
pub mod store;
pub mod telemetry;
pub mod tokenhub;
