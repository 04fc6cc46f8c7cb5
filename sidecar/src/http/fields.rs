//! The members of a body, taken out one by one; all errors are told at once.
//!
//! Does not know any call. Invariant: a member that nobody took is an error, so that a typo is
//! never silently without effect.

use std::fmt;

use serde_json::{Map, Value};

use crate::domain::clock::UnixMillis;
use crate::http::body::JsonObject;
use crate::http::problem::{FieldError, Problem};

/// A value that was read, or what is wrong with it; `field` is relative to the value.
pub(crate) type Read<T> = Result<T, Vec<FieldError>>;

/// The members that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Fields {
    members: Map<String, Value>,
    /// The names of those that the call has.
    known: Vec<String>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// The members of a call's body.
    pub(crate) fn of(body: JsonObject) -> Self {
        Self::new(body.0)
    }

    /// The members of an object within a body.
    pub(crate) const fn new(members: Map<String, Value>) -> Self {
        Self {
            members,
            known: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Takes a member that `read` understands.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Read<T>,
    ) -> Option<T> {
        self.known.push(name.to_owned());
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
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Read<T>,
    ) -> Option<T> {
        if !self.members.contains_key(name) {
            self.errors.push(FieldError::new(name, "must be given"));
        }
        self.optional(name, read)
    }

    /// Whether nobody has taken a member yet.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Notes that the body cannot stay as it is.
    pub(crate) fn note(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    /// Refuses members that are known but cannot be written in this call.
    pub(crate) fn refuse(&mut self, names: &[&str], detail: &str) {
        for name in names {
            if self.members.remove(*name).is_some() {
                self.errors.push(FieldError::new(*name, detail));
            }
        }
    }

    /// Ends the reading: what was refused, and an error for each member that nobody knows.
    pub(crate) fn finish(mut self) -> Read<()> {
        let known = match self.known.is_empty() {
            true => "none".to_owned(),
            false => self.known.join(", "),
        };
        let detail = format!("is not a field of this call, which has {known}");
        let unknown = self.members.keys();
        let unknown = unknown.map(|name| FieldError::new(clip(name), detail.as_str()));
        self.errors.extend(unknown);
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(self.errors)
        }
    }
}

/// One error of the value itself.
pub(crate) fn fault<T>(detail: impl Into<String>) -> Read<T> {
    Err(vec![FieldError::new("", detail)])
}

/// Reads a string.
pub(crate) fn text(value: &Value) -> Read<&str> {
    value.as_str().map_or_else(|| fault("must be a string"), Ok)
}

/// Reads a string, to be kept.
pub(crate) fn string(value: &Value) -> Read<String> {
    text(value).map(str::to_owned)
}

/// Reads a string that `parse` understands.
pub(crate) fn parsed<T, E: fmt::Display>(
    value: &Value,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Read<T> {
    parse(text(value)?).or_else(|error| fault(error.to_string()))
}

/// Reads a later time, or `null`.
pub(crate) fn future(value: &Value, now: UnixMillis) -> Read<Option<UnixMillis>> {
    if value.is_null() {
        return Ok(None);
    }
    let at = parsed(value, UnixMillis::parse_rfc3339)?;
    match at > now {
        true => Ok(Some(at)),
        false => fault("lies in the past: name a later time"),
    }
}

/// Reads a whole number up to `max`.
pub(crate) fn number(value: &Value, max: u64) -> Read<u64> {
    let number = value.as_u64().filter(|number| *number <= max);
    number.map_or_else(|| fault(format!("must be a whole number up to {max}")), Ok)
}

/// What may be repeated of a value in an error.
pub(crate) fn clip(text: &str) -> String {
    let mut start: String = text.chars().take(80).collect();
    if start.len() < text.len() {
        start.push_str("...");
    }
    start
}

/// The refusal of a body.
pub(crate) fn invalid(errors: Vec<FieldError>) -> Problem {
    Problem::invalid_fields(errors)
}

fn join(name: &str, inner: &str) -> String {
    match inner.chars().next() {
        None => name.into(),
        Some('[') => format!("{name}{inner}"),
        Some(_) => format!("{name}.{inner}"),
    }
}
