//! How much of a body a gate may hold back while it names nothing.
//!
//! Does not hold anything. Invariant: no bound is above half of what a worker may hold altogether,
//! which is what a key by itself gets there.

use super::{Locators, Rule};

/// Most bytes that are held back of a body where neither rule nor gate say otherwise.
pub const HOLD_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most bytes that a worker holds back unless it is told otherwise.
pub const HELD_BYTES_TOTAL_MAX: usize = 256 * 1024 * 1024;

/// What a rule says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleHold {
    /// Nothing.
    Unsaid,
    /// So many bytes: as much as the served API documents for such a request.
    BuiltIn(usize),
    /// The same, and the configuration says so.
    Configured(usize),
}

/// What a gate is told of it.
#[derive(Clone, Copy, Debug)]
pub struct HoldBounds {
    /// Of each body, unless a rule of the same configuration says otherwise; `None`: what the
    /// built-in rules say.
    pub bytes_max: Option<usize>,
    /// Of all bodies of a worker.
    pub total_bytes_max: usize,
}

impl HoldBounds {
    /// Most bytes of a body that this rule reads.
    pub fn of_rule(&self, rule: &Rule) -> usize {
        let bytes_max = match (rule.hold, self.bytes_max) {
            (RuleHold::Configured(own), _) | (RuleHold::BuiltIn(own), None) => own,
            (RuleHold::BuiltIn(_) | RuleHold::Unsaid, of_gate) => of_gate.unwrap_or(HOLD_BYTES_MAX),
        };
        bytes_max.min(self.total_bytes_max / 2)
    }

    /// Most bytes of any body.
    pub fn largest(&self, locators: &Locators) -> usize {
        let of_rules = locators.rules.iter().map(|rule| self.of_rule(rule));
        of_rules.max().unwrap_or_default()
    }

    /// Whether what the configuration says of single rules can be kept. The error names the rule.
    pub fn check(&self, locators: &Locators) -> Result<(), String> {
        let too_large = |rule: &&Rule| match rule.hold {
            RuleHold::Configured(own) => own > self.total_bytes_max / 2,
            RuleHold::BuiltIn(_) | RuleHold::Unsaid => false,
        };
        match locators.rules.iter().find(too_large) {
            Some(rule) => Err(format!(
                "locators: rule {}: hold_bytes_max must be at most half of held_bytes_total_max: one \
                 key may hold half of it",
                rule.name
            )),
            None => Ok(()),
        }
    }
}
