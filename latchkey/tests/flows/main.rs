//! The command line against a real sidecar: what is asked, what comes back, which exit code.
//!
//! Does not start Envoy: `tests/e2e/cli.rs` does. Invariant: the program runs as people run it, with an
//! environment and a configuration directory of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod apply;
mod keys;
mod login;
mod others;
mod support;
mod terminal;
