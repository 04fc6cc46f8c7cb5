//! What is true of keys with no HTTP and no SQL.
//!
//! Does not store, send or log anything. Invariant: a value of these types is valid; text becomes
//! one only through `parse`.

pub mod clock;
pub mod entropy;
pub mod key;
pub mod name;
pub mod origin;
pub mod region;
pub mod secret;
