//! `GET /feed/v1/table`, and what its acknowledgements do to the answers of changes.

mod propagation;
mod table;
pub(crate) mod two;
pub(crate) mod usage;
