//! What comes back, as a table for people or as JSON or YAML for scripts.
//!
//! Does not ask for anything. Invariants: JSON and YAML have all of the answer; no text of another
//! moves a terminal's cursor.

mod table;

use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::yaml;

/// How to write what comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// All of the answer, as JSON
    Json,
    /// All of the answer, as YAML
    Yaml,
}

/// A column or a line: its head, and where its value stands in the answer (a JSON pointer).
pub(crate) type Column = (&'static str, &'static str);

impl Format {
    /// Writes one thing: for people these lines of it.
    pub(crate) fn one(self, value: &Value, lines: &[Column]) {
        match self {
            Self::Table => print(&table::one(value, lines)),
            Self::Json | Self::Yaml => self.whole(value),
        }
    }

    /// Writes a list, the member `name` of the answer: for people these columns of it.
    pub(crate) fn list(self, name: &str, items: &[Value], columns: &[Column]) {
        match self {
            Self::Table => print(&table::list(items, columns)),
            Self::Json | Self::Yaml => self.whole(&json!({name: items})),
        }
    }

    /// Writes all of a value.
    pub(crate) fn whole(self, value: &Value) {
        match self {
            // serde_json does not fail on a value.
            Self::Json => print(&format!("{value:#}\n")),
            Self::Table | Self::Yaml => print(&yaml::write(value)),
        }
    }
}

/// Writes to stdout. Whoever has closed it has read enough.
pub(crate) fn print(text: &str) {
    let mut output = io::stdout().lock();
    let _ = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
}

/// A value in one line.
pub(crate) fn cell(value: Option<&Value>) -> String {
    table::cell(value)
}
