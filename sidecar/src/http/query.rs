//! The parameters of a query, taken out one by one; all errors are told at once.
//!
//! Does not know any call. Invariant: a parameter that stands twice is refused, so that no two
//! readers can pick different ones.

use std::fmt;
use std::ops::RangeInclusive;

use actix_web::web;

use crate::http::problem::{FieldError, Problem};

/// The parameters that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl Query {
    /// Reads `a=1&b=2`, percent-decoded.
    pub(crate) fn parse(text: &str) -> Self {
        let (pairs, errors) = match web::Query::<Vec<(String, String)>>::from_query(text) {
            Ok(pairs) => (pairs.into_inner(), Vec::new()),
            Err(_) => (
                Vec::new(),
                vec![FieldError::new("", "the query cannot be read")],
            ),
        };
        Self { pairs, errors }
    }

    /// Whether the parameter is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(other, _)| other == name)
    }

    /// Notes that a parameter cannot stay as it is.
    pub(crate) fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(name, detail));
    }

    /// Takes a parameter as text.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let mut values = Vec::new();
        self.pairs.retain_mut(|(other, value)| {
            let found = other == name;
            if found {
                values.push(std::mem::take(value));
            }
            !found
        });
        if values.len() > 1 {
            self.refuse(name, "must be given once");
        }
        values.pop()
    }

    /// Takes a parameter that `read` understands.
    pub(crate) fn optional<T, E: fmt::Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match read(&self.text(name)?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(name, error.to_string());
                None
            }
        }
    }

    /// Takes a parameter that must be there.
    pub(crate) fn required<T, E: fmt::Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if !self.has(name) {
            self.refuse(name, "must be given");
        }
        self.optional(name, read)
    }

    /// Takes a whole number within a range.
    pub(crate) fn number(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        self.optional(name, |text| {
            let plain = text.bytes().all(|b| b.is_ascii_digit());
            let number = text.parse().ok().filter(|_| plain);
            number
                .filter(|number| range.contains(number))
                .ok_or_else(|| {
                    format!(
                        "must be a whole number from {} to {}",
                        range.start(),
                        range.end()
                    )
                })
        })
    }

    /// Takes a parameter that has a few possible values.
    pub(crate) fn choice<T>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T>
    where
        T: Copy,
    {
        self.optional(name, |text| {
            let found = choices.iter().find(|(word, _)| *word == text);
            found.map(|(_, value)| *value).ok_or_else(|| {
                let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
                format!("must be {}", words.join(" or "))
            })
        })
    }

    /// Ends the reading: an error for each parameter that was refused or that nobody knows.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        let unknown = std::mem::take(&mut self.pairs);
        for (name, _) in unknown {
            self.refuse(&name, "is not a parameter of this call");
        }
        self.finish_lenient()
    }

    /// Ends the reading; parameters that nobody knows are let be.
    pub(crate) fn finish_lenient(self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid_parameters(self.errors))
        }
    }
}
