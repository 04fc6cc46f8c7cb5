//! The limits of one subject.
//!
//! Invariant: at most one for each unit and kind of window, so at most 8.

use alloc::vec::Vec;
use core::fmt;

use super::{Limit, Unit, WindowKind};
use crate::limits::LIMITS_MAX;

const _: () = assert!(LIMITS_MAX == Unit::ALL.len() * WindowKind::ALL.len());

/// The limits of one subject, in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(Vec<Limit>);

/// Why limits do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitsError {
    /// Two of the same unit and kind of window.
    Twice(Unit, WindowKind),
}

impl Limits {
    /// These limits, if they go together.
    pub fn new(limits: Vec<Limit>) -> Result<Self, LimitsError> {
        match twice(limits.iter()) {
            Some((unit, window)) => Err(LimitsError::Twice(unit, window)),
            None => Ok(Self(limits)),
        }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Limit> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That of a unit and kind of window.
    pub fn get(&self, unit: Unit, window: WindowKind) -> Option<&Limit> {
        self.0
            .iter()
            .find(|limit| limit.unit == unit && limit.window.kind() == window)
    }
}

/// The first unit and kind of window that two limits have.
pub(super) fn twice<'a>(
    limits: impl Iterator<Item = &'a Limit> + Clone,
) -> Option<(Unit, WindowKind)> {
    let name = |limit: &Limit| (limit.unit, limit.window.kind());
    let is_before = |at: usize, named| limits.clone().take(at).any(|limit| name(limit) == named);
    let mut named = limits.clone().map(name).enumerate();
    named
        .find(|(at, named)| is_before(*at, *named))
        .map(|(_, named)| named)
}

// === impl LimitsError ===

impl fmt::Display for LimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Twice(unit, window) = self;
        let (unit, window) = (unit.as_str(), window.as_str());
        write!(f, "there must be one limit of {unit} in a {window} only")
    }
}

impl core::error::Error for LimitsError {}
