//! Stand-ins: Envoy in memory, a sidecar in memory, keys, random numbers.
//!
//! Holds no expectation. Invariant: what is not set by a test is what an honest Envoy would give.

pub(crate) mod exchange_host;
pub(crate) mod form;
pub(crate) mod host;
pub(crate) mod keys;
pub(crate) mod pairs;
pub(crate) mod random;
pub(crate) mod request;
pub(crate) mod rig;
pub(crate) mod sidecar;

pub(crate) use form::form;
pub(crate) use host::{Call, FakeHost, Write};
pub(crate) use keys::{hash, key, list, names, record};
pub(crate) use random::Random;
pub(crate) use request::Exchange;
pub(crate) use rig::{Rig, held};
pub(crate) use sidecar::{FakeSidecar, Table, parameter};
