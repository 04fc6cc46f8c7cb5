//! What the feed lives on: the change log, whole tables, and the Envoys that may serve.
//!
//! Does not make frames. Invariant: what is read at once is of one moment.

pub(super) mod changes;
mod entries;
pub(super) mod fleet;
pub(super) mod table;
pub(super) mod told;
