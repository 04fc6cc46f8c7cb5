//! Where a request names its models and services, and where it carries its key: the rules, and the readers
//! of bodies and of credentials.
//!
//! The gate asks while a request streams by, the sidecar to explain what the gate would say: both
//! must find the same. Pure: no I/O, no clock, no log, no Proxy-Wasm, no HTTP. What is found is
//! judged by `keytable::decide`.
//!
//! Invariant: nothing here panics on any input, and memory does not grow with what is read.

pub mod credential;
pub mod form;
pub mod headers;
pub mod json;

mod body;
mod chooser;
mod flaw;
mod key_places;
mod mention;
mod mentions;
mod rules;
mod whole;

pub use body::{BodyReader, Fault, Reads, Unnamed};
pub use chooser::{ChooserKind, Choosers, Sense};
pub use flaw::Flaw;
pub use form::FormField;
pub use key_places::KeyPlaces;
pub use mention::Mention;
pub use mentions::Mentions;
pub use rules::{
    Absent, Family, HELD_BYTES_TOTAL_MAX, HOLD_BYTES_MAX, HoldBounds, Kind, Located, LocatorConfig,
    Locators, Rule, RuleHold, RuleText, check_path, path_only,
};
pub use whole::{Asked, Refused, Seen};
