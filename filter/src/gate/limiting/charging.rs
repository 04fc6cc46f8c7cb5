//! Whether a request's answer will say what it used, as far as its endpoint tells.
//!
//! Does not read answers. Invariant: what runs something and does not say so in its answer is never taken
//! for free.

use crate::gate::arrival::Arrival;
use crate::locator::Kind;

/// Where what a request uses is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gate) enum Charging {
    /// In its answer; or it is worked out from that.
    Answered,
    /// It runs nothing.
    Free,
    /// Outside of its answer: later, in other answers, or over a connection that is no HTTP any more.
    Elsewhere,
}

impl Charging {
    pub(in crate::gate) fn of(arrival: &Arrival<'_>) -> Self {
        let has = |name: &[u8]| arrival.headers.get(name).is_some();
        if has(b"upgrade") || has(b":protocol") {
            return Self::Elsewhere;
        }
        let Some(located) = arrival.located else {
            return Self::Answered;
        };
        let is_post = arrival.headers.get(b":method") == Some(b"POST");
        match located.rule.kind {
            _ if located.rule.usage.is_some() => Self::Answered,
            Kind::Infer => Self::Elsewhere,
            Kind::Object if is_post => Self::Elsewhere,
            Kind::Object | Kind::Item | Kind::List | Kind::Open => Self::Free,
        }
    }
}
