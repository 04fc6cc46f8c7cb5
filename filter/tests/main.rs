//! The filter's proofs: its logic on plain memory instead of Envoy.
//!
//! One module per subject; `support` holds the stand-ins for Envoy and for the sidecar. What only
//! a real Envoy can show is not tested here. Invariant: outcomes are tested, not call order,
//! except where the order is the promise.

#![cfg(test)]

mod cache;
mod closed;
mod config;
mod feed;
mod form;
mod fuzz;
mod gate;
mod honest;
mod json;
mod locator;
mod operations;
mod request;
mod support;
mod usage;
