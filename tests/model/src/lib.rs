//! A model of the feed protocol: the state machines that the product uses, between a network and
//! clocks that do what they like within bounds.
//!
//! Agents are [`filter::follower::Follower`], the sidecar's view of them is
//! [`sidecar::feed::fleet::Fleet`] and its decision [`sidecar::feed::position`]; frames are encoded
//! and decoded. What is modelled is what is around them: requests and answers that are lost, come
//! twice or in another order, a sidecar and Envoys that are killed, clocks that run apart, changes.
//! Invariant: a step of the model is one that the product can do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a model that cannot go on is a failed test"
)]

pub mod check;
mod envoy;
mod history;
mod side;
mod step;
mod world;

pub use filter::mutant::Mutant as FilterMutant;
pub use keytable::mutant::set;
pub use sidecar::mutant::Mutant as SidecarMutant;
pub use step::{Place, Step};
pub use world::{Bounds, Second, World};
