//! Bodies and parameters that several commands send.
//!
//! Does not send.

use serde_json::{Map, Value};

use crate::query::Target;

/// With the word that a scope may name what is not in the catalog.
pub(super) fn allow_unlisted(target: Target, is_allowed: bool) -> Target {
    target.with("allow_unlisted", is_allowed.then_some("true"))
}

/// The members of a body that were given.
pub(super) fn given(members: &[(&str, Option<Value>)]) -> Map<String, Value> {
    let member = |(name, value): &(&str, Option<Value>)| Some(((*name).to_owned(), value.clone()?));
    members.iter().filter_map(member).collect()
}
