//! The end-to-end suite: one binary, so that what it needs is provisioned and built once.
//!
//! Each module is one behaviour, each test a sentence about it. Nothing here replaces a real part
//! by another: Envoy, sidecar, SQLite and SDKs are the real ones. Invariant: no test depends on
//! another, on a fixed port or on how fast the machine is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod around;
mod asked;
mod bodies;
mod bound;
mod callbacks;
mod capabilities;
mod catalog;
mod check;
mod cli;
mod compose;
mod console;
mod credentials;
mod differential;
mod docs;
mod door;
mod exact;
mod fleet;
mod frames;
mod generated;
mod headers;
mod hostile;
mod judges;
mod kubernetes;
mod ledger;
mod limits;
mod lint;
mod listing;
mod many_keys;
mod memory;
mod mesh;
mod observability;
mod observed;
mod operations;
mod outages;
mod places;
mod recipes;
mod refusals;
mod revocations;
mod rotation;
mod schema;
mod scope;
mod sdks;
mod secrets;
mod signed;
mod streams;
mod threshold;
mod tidy;
mod tokenhub;
mod tokens;
mod tour;
mod upgrade;
mod uploads;
mod usage;
mod versions;
mod worlds;
