//! One honest request or more for each built-in rule, and what it names (`rows.json`).
//!
//! `{m}` in a call is a mount of the rule's profile, `WS` is a GET that upgrades; a body is JSON,
//! or `field=value;field=value` for a form, or empty. Does not test.

use serde::Deserialize;
use serde_json::Value;

const DEFAULT: &str = include_str!("../../../locator/src/rules/default.json");

/// A request and the names that must all be in scope for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// `profile.id`.
    pub(crate) rule: String,
    /// Method and path.
    pub(crate) call: String,
    pub(crate) body: Value,
    /// What it names; services begin with `@`.
    pub(crate) names: Vec<String>,
}

pub(crate) fn rows() -> Vec<Row> {
    serde_json::from_str(include_str!("rows.json")).unwrap()
}

/// The profile of a row's rule.
pub(crate) fn profile(row: &Row) -> &str {
    row.rule.split_once('.').unwrap().0
}

/// The first mount of a row's profile.
pub(crate) fn mount_of(row: &Row) -> String {
    let built_in: Value = serde_json::from_str(DEFAULT).unwrap();
    let mut profiles = built_in["profiles"].as_array().unwrap().iter();
    let of_row = profiles
        .find(|known| known["name"] == profile(row))
        .unwrap();
    of_row["mounts"][0].as_str().unwrap().to_owned()
}
