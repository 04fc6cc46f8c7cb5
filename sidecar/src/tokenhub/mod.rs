//! TokenHub's own API (Tencent Cloud API 3.0), so that Tencent's SDK, CLI and Terraform provider
//! manage keys here when their endpoint is changed.
//!
//! Does not have rules of its own: what a key may be, what is written down and how long a change
//! is waited for is in [`crate::service::keys`] and the store, for both APIs. Invariant: nothing
//! of a body is read before the signature fits it; every answer is HTTP 200 with a `Response`.

mod action;
mod api_keys;
mod call;
mod catalog;
mod fault;
mod handler;
mod input;
mod page;
mod plan_keys;
mod quotas;
mod rate_limit;
mod replay;
mod scope;
mod signature;
mod usage;
mod words;

pub use handler::{CallHistory, routes};
