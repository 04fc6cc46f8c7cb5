//! Who may: accounts, users and what they prove themselves with.
//!
//! Does not know keys of models. Invariant: what is secret here is a hash, or sealed.

pub mod access_key;
pub mod account;
pub mod password;
pub mod rights;
pub mod role;
pub mod token;
pub mod totp;
pub mod user;
