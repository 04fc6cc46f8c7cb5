//! WHERE Latchkey runs: finds or provisions Envoy and the wasm target, builds filter and sidecar,
//! renders the one bootstrap, starts everything, waits until it is ready and stops it again.
//!
//! It decides nothing about keys and knows neither the key table nor the sidecar's database.
//!
//! Invariant: whatever it starts ends with the process that started it.

pub mod address;
pub mod bootstrap;
pub mod build;
mod command;
mod command_line;
pub mod demo;
pub mod dist;
mod envoy;
mod error;
pub mod files;
pub mod lease;
pub mod ports;
pub mod process;
pub mod provision;
pub mod render;
pub mod sidecar;
pub mod stack;
pub mod upstream;
pub mod wait;

pub use crate::address::HostPort;
pub use crate::envoy::{Envoy, EnvoySettings};
pub use crate::error::StackError;
pub use crate::lease::MaxStaleness;
pub use crate::stack::{PortChoice, Stack, StackOptions, UpstreamAt};
pub use crate::upstream::{Recorded, Upstream};
