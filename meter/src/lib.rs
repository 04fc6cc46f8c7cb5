//! Reads from an answer, as it streams by, what the upstream says that it used.
//!
//! A [`Report`] declares where an API states its figures; a [`Meter`] follows one answer in any of
//! the forms that APIs stream in (JSON, JSON arrays, lines of JSON, server-sent events, event-stream
//! frames, headers) and comes to one [`Usage`]. Pure: no I/O, no clock, no host. Holds nothing back
//! and changes nothing; does not know keys, limits or who is charged.
//!
//! Invariants: nothing here panics on any input; memory is about 1 KiB an answer, whatever is in it;
//! what is found does not depend on how the answer was cut into pieces; only the path counts, so
//! that a text which quotes a report changes nothing.

mod base64;
mod figures;
mod framing;
mod meter;
mod path_scanner;
mod report;
#[cfg(test)]
mod tests;
mod tree;

pub use figures::Usage;
pub use framing::Format;
pub use meter::{End, Meter};
pub use report::{Report, ReportText};
