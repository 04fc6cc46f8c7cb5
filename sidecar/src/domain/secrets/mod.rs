//! Secrets: drawn, judged, sealed and opened.
//!
//! Does not know whose they are. Invariant: no value is written, shown or compared byte by byte
//! outside the types of this room.

pub mod entropy;
pub mod keyring;
pub mod sealed;
pub mod secret;
pub mod strength;
