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

use std::cell::Cell;
use std::collections::BTreeMap;

use keytable::Record;

use crate::locator::rows::{Row, mount_of, profile, rows};
use crate::support::{Rig, names, record};

/// Nothing is held, so that each byte that is not refused is at the upstream.
const FLOW: &str = r#""hold_bytes_max":1,"beyond_hold":"flow""#;

/// How many requests go to the gate that holds for one that goes to both.
const HELD_FOR_EACH_FLOWING: usize = 4;

/// One rule and a key that may call what its honest request names, and `good-1`; at a gate that holds
/// bodies and at one that lets them flow.
struct Target {
    rig: Rig,
    flowing: Rig,
    sent: Cell<usize>,
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
            rig: Rig::configured(std::slice::from_ref(&limited), &settings),
            flowing: Rig::configured(&[limited], &format!("{settings},{FLOW}")),
            sent: Cell::new(0),
            row,
            path,
        }
    }

    /// The answer to a body.
    fn send(&self, body: &str) -> u16 {
        self.send_to(&self.path, body)
    }

    fn send_to(&self, path: &str, body: &str) -> u16 {
        let at = |rig: &Rig, chunks: &[&[u8]]| {
            let request = rig.post().with(":path", path).bearer(1);
            let exchange = request.send(chunks);
            let status = exchange.answered();
            assert!(status == 200 || !exchange.is_complete, "{path} {body}");
            status
        };
        let status = at(&self.rig, &[body.as_bytes()]);
        self.sent.set(self.sent.get() + 1);
        if self.sent.get().is_multiple_of(HELD_FOR_EACH_FLOWING) {
            let (front, back) = body.as_bytes().split_at(body.len() / 2);
            let flowing = at(&self.flowing, &[front, back]);
            assert_eq!(flowing == 200, status == 200, "{flowing} {path} {body}");
        }
        status
    }

    /// The honest body with this text of members before its own.
    fn with(&self, members: &str) -> String {
        placing::with(&self.row.body.to_string(), members)
    }
}
