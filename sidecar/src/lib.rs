//! Latchkey's sidecar: owns the API keys and tells every Envoy about every change.
//!
//! From the ground up: a thing belongs to [`domain`] if it would be true with no HTTP and no SQL, to
//! [`store`] if it speaks SQL, to [`http`] if everybody who speaks HTTP needs it, to [`feed`] if it
//! carries the key table to Envoys, to [`service`] if it is done whoever asks for it. Then the ways
//! in: [`api`] is for people and scripts, [`tokenhub`] is in the words of Tencent's cloud API, and
//! [`console`] is the page in the browser. The sidecar never sees a model request and never decides
//! one.
//!
//! Invariant: a change is answered only after its commit, and the value of a key leaves the
//! process only in the answer to the call that made it.

#![deny(missing_docs)]

#[macro_use]
extern crate keytable;

pub mod mutant;

/// Which release this is.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub mod api;
pub mod compile;
pub mod config;
pub mod console;
pub mod domain;
pub mod feed;
pub mod http;
pub mod lint;
pub mod master_key;
pub mod offline;
pub mod serve;
pub mod service;
pub mod snapshot;
pub mod store;
pub mod telemetry;
pub mod tokenhub;
