//! `GET /feed/v1/table`, and what its acknowledgements do to the answers of changes.

pub(crate) mod ledger;
mod propagation;
mod table;
pub(crate) mod two;
pub(crate) mod usage;
