//! The kit of everybody who speaks HTTP: problems, queries, bodies, answers, figures.
//!
//! Does not know any call, nor who makes it. Invariant: what a request is refused for is said in one
//! way, and nothing of a cause of ours leaves the process.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod cookie;
pub(crate) mod envelope;
pub(crate) mod fields;
pub mod host_policy;
pub(crate) mod lists;
pub mod metrics;
pub(crate) mod pagination;
pub mod problem;
pub(crate) mod query;
pub(crate) mod shape;
