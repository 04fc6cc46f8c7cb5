//! Scope closed by name: whatever chooses a model is judged wherever it stands, and nothing stands
//! in for the place that the server reads.
//!
//! By generation: every built-in rule that reads JSON, every word that chooses, in all spellings, at
//! every depth, through the gate. Invariant: the number of requests is asserted, so that a generator
//! that makes nothing fails.

mod attacks;
mod decoys;
mod honest;
mod maps;
pub(crate) mod placing;
mod readers;
mod reasons;
mod undeclared;
pub(crate) mod words;

use std::collections::BTreeMap;

use keytable::Record;

use crate::locator::rows::{Row, mount_of, profile, rows};
use crate::support::{Rig, names, record};

/// One rule and a key that may call what its honest request names, and `good-1`.
struct Target {
    rig: Rig,
    row: Row,
    path: String,
}

/// Every rule that runs or describes what a JSON body names, with its first honest request.
fn targets() -> Vec<Target> {
    let mut first = BTreeMap::new();
    for row in rows().into_iter().filter(|row| row.body.is_object()) {
        first.entry(row.rule.clone()).or_insert(row);
    }
    let names_a_model = |row: &Row| row.names.iter().all(|name| !name.starts_with('@'));
    first
        .into_values()
        .filter(names_a_model)
        .map(Target::new)
        .collect()
}

impl Target {
    fn new(row: Row) -> Self {
        let mut scope: Vec<&str> = row.names.iter().map(String::as_str).collect();
        scope.push("good-1");
        let limited = Record {
            scope: names(&scope),
            ..record(1)
        };
        let settings = format!(r#""locators":{{"profiles":["{}"]}}"#, profile(&row));
        let (_, path) = row.call.split_once(' ').unwrap();
        let path = path.replace("{m}", &mount_of(&row));
        Self {
            rig: Rig::configured(&[limited], &settings),
            row,
            path,
        }
    }

    /// The answer to a body.
    fn send(&self, body: &str) -> u16 {
        self.send_to(&self.path, body)
    }

    fn send_to(&self, path: &str, body: &str) -> u16 {
        let request = self.rig.post().with(":path", path).bearer(1);
        let exchange = request.send(&[body.as_bytes()]);
        let status = exchange.answered();
        assert!(status == 200 || !exchange.is_complete, "{path} {body}");
        status
    }

    /// The honest body with this text of members before its own.
    fn with(&self, members: &str) -> String {
        placing::with(&self.row.body.to_string(), members)
    }
}
