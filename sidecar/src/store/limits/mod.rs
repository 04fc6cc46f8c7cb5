//! Limits as rows: whose they are, their counters, and how far each is used.
//!
//! Does not charge anything: [`crate::store::ledger`] does. Invariant: a counter's number is given once in
//! the life of an installation.

pub(super) mod figures;
pub(super) mod subjects;
