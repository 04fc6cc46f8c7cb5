//! Lists in a body, each item parsed: the entries of a scope, the addresses of an allow-list.
//!
//! Does not know any call: both APIs write keys with these. Invariant: every item that cannot stay is
//! named by its place, all at once.

use std::fmt;

use keytable::limits;
use keytable::{AddressList, AddressListError, Network, ScopeEntry};
use serde_json::Value;

use crate::http::fields::{Read, clip, fault};
use crate::http::problem::FieldError;

/// Reads the entries of one axis of a scope.
pub(crate) fn entries(items: &[Value]) -> Read<Vec<ScopeEntry>> {
    let max = limits::SCOPE_ENTRIES_MAX;
    if items.len() > max {
        return fault(format!(
            "has {} entries: at most {max} are allowed",
            items.len()
        ));
    }
    let entries = each(items, ScopeEntry::parse)?;
    let repeated = entries
        .iter()
        .enumerate()
        .find(|(index, entry)| entries.iter().take(*index).any(|earlier| earlier == *entry));
    match repeated {
        Some((index, _)) => Err(vec![FieldError::new(
            format!("[{index}]"),
            "stands earlier in the list: remove one of the two",
        )]),
        None => Ok(entries),
    }
}

/// Reads a list of addresses and networks.
pub(crate) fn addresses(value: Value) -> Read<AddressList> {
    let Value::Array(items) = value else {
        return fault("must be a list of IP addresses and networks");
    };
    if items.len() > limits::NETWORKS_MAX {
        return fault(AddressListError::TooMany(items.len()).to_string());
    }
    let networks = each(&items, Network::parse)?;
    AddressList::new(networks).map_err(|error| {
        let field = match error {
            AddressListError::Duplicate(index) => format!("[{index}]"),
            AddressListError::TooMany(_) => String::new(),
        };
        vec![FieldError::new(field, error.to_string())]
    })
}

/// Reads every item of a list; the errors name their places.
fn each<T, E: fmt::Display>(items: &[Value], parse: impl Fn(&str) -> Result<T, E>) -> Read<Vec<T>> {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for (index, item) in items.iter().enumerate() {
        let field = format!("[{index}]");
        match item.as_str().map(|text| (text, parse(text))) {
            Some((_, Ok(value))) => values.push(value),
            Some((text, Err(error))) => {
                errors.push(FieldError::new(field, format!("{} {error}", clip(text))));
            }
            None => errors.push(FieldError::new(field, "must be a string")),
        }
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(errors)
    }
}
