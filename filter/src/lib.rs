//! Latchkey inside Envoy: the agent follows the sidecar and writes the key table into shared data;
//! the gate reads it and decides every request.
//!
//! A thing belongs here if it only makes sense inside Envoy. What a record, a frame or a decision
//! *is* belongs to `keytable`. The logic is plain Rust behind the traits of [`host`] and runs
//! natively in tests; on wasm32 `wasm` connects it to Proxy-Wasm, and nothing else names it.
//!
//! Invariant: nothing here panics on any input: a panic in a worker is an outage, and a panic in
//! the agent is final, because Envoy never starts a singleton again.

#[macro_use]
extern crate keytable;

pub mod mutant;

// The ground floor: these know nothing of the rooms above.
mod carried;
pub mod counts;
pub mod header_names;
pub mod host;
pub mod outcome;

pub mod agent;
pub mod cells;
pub mod config;
pub mod fast_hash;
pub mod gate;
pub mod gate_news;
pub mod ledger_clock;
pub mod reply;
pub mod table;

pub use locator;
pub use locator::{credential, form, headers, json};

pub use agent::{follower, reporter, starter};
pub use gate::{models_list, tally};
pub use table::{cache, changes, slots};

#[cfg(target_family = "wasm")]
mod abi;
#[cfg(target_family = "wasm")]
mod metrics;
#[cfg(target_family = "wasm")]
mod wasm;
