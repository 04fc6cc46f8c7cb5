//! One honest request or more for each built-in rule, and what it names (`rows.json`).
//!
//! `{m}` in a call is a mount of the rule's profile, `WS` is a GET that upgrades; a body is JSON,
//! or `field=value;field=value` for a form, or empty. Does not test.

use serde::Deserialize;
use serde_json::Value;

/// A request and the names that must all be in scope for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// `profile.id`.
    pub(super) rule: String,
    /// Method and path.
    pub(super) call: String,
    pub(super) body: Value,
    /// What it names; services begin with `@`.
    pub(super) names: Vec<String>,
}

pub(super) fn rows() -> Vec<Row> {
    serde_json::from_str(include_str!("rows.json")).unwrap()
}
