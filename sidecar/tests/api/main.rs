//! The calls of the sidecar, over HTTP against a running one. The tree mirrors the URLs.
//!
//! One binary, because linking is what costs; one sidecar for each test, on ports that the
//! operating system chose and with a data directory of its own.

// A helper of a test fails by panicking, like the test itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod accounts;
mod audit;
mod auth;
mod bodies;
mod canary;
mod catalog;
#[path = "../cluster/mod.rs"]
mod cluster;
mod console;
mod envoys;
mod faults;
mod feed;
mod health;
mod hostile;
mod keys;
mod limits;
mod lists;
mod load;
mod offline;
mod once;
mod operations;
mod process;
mod recommendations;
mod restart;
mod rights;
mod server;
mod session;
mod site;
mod snapshots;
mod support;
mod tenants;
mod texts;
mod tls;
mod tokenhub;
mod tokens;
mod totp;
mod usage;
mod users;
