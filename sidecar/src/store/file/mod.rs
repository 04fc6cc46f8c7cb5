//! The database as a file: where it lies, how it is opened, brought up to date, copied and sealed.
//!
//! Does not know what a key is. Invariant: one process has it open, and a copy of it is a history of
//! its own.

pub(super) mod backup;
pub(super) mod connect;
pub(super) mod copies;
pub(super) mod database;
pub(super) mod directory;
pub(super) mod master_keys;
pub(super) mod migrate;
