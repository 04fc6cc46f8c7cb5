//! What is true of keys with no HTTP and no SQL.
//!
//! Does not store, send or log anything. Invariant: a value of these types is valid; text becomes
//! one only through `parse`.

pub mod access_key;
pub mod account;
pub mod act;
pub mod audit;
pub mod catalog;
pub mod clock;
pub mod distance;
pub mod entropy;
pub mod envoy;
pub mod key;
pub mod key_detail;
pub mod keyring;
pub mod name;
pub mod origin;
pub mod password;
pub mod recommendation;
pub mod region;
pub mod rights;
pub mod role;
pub mod rotation;
pub mod sealed;
pub mod secret;
pub mod strength;
pub mod token;
pub mod totp;
pub mod usage;
pub mod user;
