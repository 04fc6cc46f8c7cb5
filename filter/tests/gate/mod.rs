//! The gate, with a table that a real agent brought in from a sidecar.

mod asked;
mod beyond;
mod body;
mod calls;
mod changes;
mod denials;
mod endpoints;
mod families;
mod faults;
mod headers;
mod held;
mod limit_windows;
mod limits;
mod lists;
mod metered;
mod observed;
mod permits;
mod places;
mod races;
mod readiness;
mod running;
mod secrets;
