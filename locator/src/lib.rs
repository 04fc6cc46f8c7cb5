//! Where a request names its models and services: the rules, and the readers of bodies.
//!
//! The gate asks while a request streams by, the sidecar to explain what the gate would say: both
//! must find the same. Pure: no I/O, no clock, no log, no Proxy-Wasm, no HTTP. What is found is
//! judged by `keytable::decide`.
//!
//! Invariant: nothing here panics on any input, and memory does not grow with what is read.

pub mod form;
pub mod headers;
pub mod json;

mod body;
mod chooser;
mod flaw;
mod mention;
mod mentions;
mod rules;
mod whole;

pub use body::{BodyReader, Fault, Reads, Unnamed};
pub use chooser::{ChooserKind, Choosers, Sense};
pub use flaw::Flaw;
pub use form::FormField;
pub use mention::Mention;
pub use mentions::Mentions;
pub use rules::{
    Absent, Family, Kind, Located, LocatorConfig, Locators, Rule, RuleText, check_path, path_only,
};
pub use whole::{Asked, Refused, Seen};
