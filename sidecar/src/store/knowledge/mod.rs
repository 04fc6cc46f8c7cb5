//! What is known besides keys: the catalog of names, and what keys were used for.
//!
//! Does not change keys. Invariant: nothing here moves the generation: Envoys need none of it.

pub(super) mod advice;
pub(super) mod catalog;
pub(super) mod usage;
