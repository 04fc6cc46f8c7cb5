//! The members of a body, taken out one by one; all errors are told at once.
//!
//! Does not know any call. Invariant: a member that nobody took is an error, so that a typo is
//! never silently without effect.

use serde_json::{Map, Value};

use crate::api::body::JsonObject;
use crate::api::problem::{FieldError, Problem};

/// A value that was read, or what is wrong with it; `field` is relative to the value.
pub(super) type Read<T> = Result<T, Vec<FieldError>>;

/// The members that nobody has taken yet.
#[derive(Debug)]
pub(super) struct Fields {
    members: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// The members of a call's body.
    pub(super) fn of(body: JsonObject) -> Self {
        Self::new(body.0)
    }

    /// The members of an object within a body.
    pub(super) const fn new(members: Map<String, Value>) -> Self {
        Self {
            members,
            errors: Vec::new(),
        }
    }

    /// Takes a member that `read` understands.
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Read<T>,
    ) -> Option<T> {
        match read(self.members.remove(name)?) {
            Ok(value) => Some(value),
            Err(errors) => {
                self.errors
                    .extend(errors.into_iter().map(|error| FieldError {
                        field: join(name, &error.field),
                        detail: error.detail,
                    }));
                None
            }
        }
    }

    /// Takes a member that must be there.
    pub(super) fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Read<T>,
    ) -> Option<T> {
        if !self.members.contains_key(name) {
            self.errors.push(FieldError::new(name, "must be given"));
        }
        self.optional(name, read)
    }

    /// Refuses members that are known but cannot be written in this call.
    pub(super) fn refuse(&mut self, names: &[&str], detail: &str) {
        for name in names {
            if self.members.remove(*name).is_some() {
                self.errors.push(FieldError::new(*name, detail));
            }
        }
    }

    /// Ends the reading: what was refused, and an error for each member that nobody knows.
    pub(super) fn finish(mut self) -> Read<()> {
        let unknown = self.members.keys();
        let unknown =
            unknown.map(|name| FieldError::new(clip(name), "is not a field of this call"));
        self.errors.extend(unknown);
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(self.errors)
        }
    }
}

/// One error of the value itself.
pub(super) fn fault<T>(detail: impl Into<String>) -> Read<T> {
    Err(vec![FieldError::new("", detail)])
}

/// What may be repeated of a value in an error.
pub(super) fn clip(text: &str) -> String {
    let mut start: String = text.chars().take(80).collect();
    if start.len() < text.len() {
        start.push_str("...");
    }
    start
}

/// The refusal of a body.
pub(super) fn invalid(errors: Vec<FieldError>) -> Problem {
    Problem::invalid_fields(errors)
}

fn join(name: &str, inner: &str) -> String {
    match inner.chars().next() {
        None => name.into(),
        Some('[') => format!("{name}{inner}"),
        Some(_) => format!("{name}.{inner}"),
    }
}
