//! What is true of keys with no HTTP and no SQL.
//!
//! Does not store, send or log anything. Invariant: a value of these types is valid; text becomes
//! one only through `parse`.

pub mod act;
pub mod audit;
pub mod catalog;
pub mod clock;
pub mod distance;
pub mod envoy;
pub mod identity;
pub mod key;
pub mod key_detail;
pub mod label;
pub mod limit;
pub mod name;
pub mod origin;
pub mod recommendation;
pub mod region;
pub mod rotation;
pub mod secrets;
pub mod status;
pub mod table_entry;
pub mod usage;
