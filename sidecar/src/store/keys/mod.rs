//! Keys as rows: made, changed, rotated, shown, listed, searched.
//!
//! Does not count what they were used for. Invariant: a change of a key, its audit row and its
//! generation are one transaction.

mod entry;
pub(super) mod lifecycle;
pub(super) mod limit;
pub(super) mod line;
pub(super) mod list;
pub(super) mod reveal;
pub(super) mod rotation;
pub(super) mod search;
