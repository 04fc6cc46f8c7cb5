//! What a worker counts of the requests it judged, until it hands the counts over.
//!
//! One row for each key, resource and outcome; a request that repeats one allocates nothing. Does
//! not send anything and reads no clock: rows get their time when they are taken.
//!
//! Invariants: only a permit or a refusal can be counted; memory is bounded, and what does not fit
//! is counted without its resource rather than lost; no row holds a credential.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use keytable::limits::USAGE_ROWS_MAX;
use keytable::{ClientAddress, Denial, KeyHash, KeyId, Permit, UsageOutcome, UsageRow, redact};

use crate::reply::Refusal;

use crate::fast_hash::FastHashBuilder;

/// Most different resources that are told apart for one key between two reports.
const RESOURCES_MAX: usize = 64;

/// The counts since they were last taken.
#[derive(Debug, Default)]
pub struct Tally {
    keys: HashMap<[u8; KeyHash::BYTES], KeyTally, FastHashBuilder>,
    rows: usize,
}

/// The counts of one key.
#[derive(Debug)]
struct KeyTally {
    key_id: KeyId,
    rows: Vec<Row>,
}

/// The counts of one resource and outcome.
#[derive(Debug)]
struct Row {
    resource: String,
    outcome: UsageOutcome,
    count: u64,
    address: Option<ClientAddress>,
}

/// A request to be counted.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// Whose.
    pub key_hash: &'a KeyHash,
    /// The key's public handle.
    pub key_id: &'a str,
    /// What it named; empty if that is not known.
    pub resource: &'a str,
}

impl Tally {
    /// Counts a request that was passed on. `address` is only asked for a new row.
    pub fn permitted(
        &mut self,
        permit: &Permit,
        counted: Counted<'_>,
        address: impl FnOnce() -> Option<ClientAddress>,
    ) {
        self.count(UsageOutcome::of_permit(permit), counted, address);
    }

    /// Counts a request that was refused before anything of it was passed on, under what the
    /// refusal names; not one that is not about its key. `address` is only asked for a new row.
    pub fn refused(
        &mut self,
        refusal: &Refusal,
        counted: Counted<'_>,
        address: impl FnOnce() -> Option<ClientAddress>,
    ) {
        let resource = match refusal {
            // It names the client.
            Refusal::Denied(Denial::AddressNotAllowed, _) => "",
            Refusal::Denied(_, Some(name)) | Refusal::UnknownItem(name) => name,
            _ => "",
        };
        if let Some(outcome) = outcome_of(refusal) {
            self.count(
                outcome,
                Counted {
                    resource,
                    ..counted
                },
                address,
            );
        }
    }

    /// Counts a request that was passed on and refused before its end, whatever for.
    pub fn cut(
        &mut self,
        _: &Refusal,
        counted: Counted<'_>,
        address: impl FnOnce() -> Option<ClientAddress>,
    ) {
        self.count(UsageOutcome::Cut, counted, address);
    }

    /// Everything since the last time, as of now.
    pub fn take(&mut self, now_unix_ms: u64) -> Vec<UsageRow> {
        self.rows = 0;
        let keys = std::mem::take(&mut self.keys);
        keys.into_values()
            .flat_map(|key| {
                key.rows.into_iter().map(move |row| UsageRow {
                    key_id: key.key_id.clone(),
                    resource: row.resource,
                    outcome: row.outcome,
                    count: row.count,
                    last_at_unix_ms: now_unix_ms,
                    last_address: row.address.map(|address| address.get()),
                })
            })
            .collect()
    }

    fn count(
        &mut self,
        outcome: UsageOutcome,
        counted: Counted<'_>,
        address: impl FnOnce() -> Option<ClientAddress>,
    ) {
        let full = self.rows >= USAGE_ROWS_MAX;
        let Some(key) = self.of_key(counted, full) else {
            return;
        };
        let known = |row: &&mut Row| row.outcome == outcome && row.resource == counted.resource;
        if let Some(row) = key.rows.iter_mut().find(known) {
            row.count = row.count.saturating_add(1);
            return;
        }
        let named = !full && key.rows.len() < RESOURCES_MAX;
        let resource = if named { redact(counted.resource) } else { "" };
        let rest = |row: &&mut Row| row.outcome == outcome && row.resource == resource;
        match key.rows.iter_mut().find(rest) {
            Some(row) => row.count = row.count.saturating_add(1),
            None => {
                let resource = resource.to_owned();
                key.rows.push(Row {
                    resource,
                    outcome,
                    count: 1,
                    address: address(),
                });
                self.rows += 1;
            }
        }
    }

    /// The counts of a key; `None` for a new key when there is no room, or one without an id.
    fn of_key(&mut self, counted: Counted<'_>, full: bool) -> Option<&mut KeyTally> {
        match self.keys.entry(*counted.key_hash.as_bytes()) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(place) => {
                let key_id = KeyId::parse(counted.key_id).ok().filter(|_| !full)?;
                let rows = Vec::new();
                Some(place.insert(KeyTally { key_id, rows }))
            }
        }
    }
}

/// What a refusal is counted as; `None` if it says nothing of the key.
const fn outcome_of(refusal: &Refusal) -> Option<UsageOutcome> {
    match refusal {
        Refusal::Denied(denial, _) => Some(UsageOutcome::of_denial(denial)),
        Refusal::UnknownItem(_) => Some(UsageOutcome::OutOfScope),
        Refusal::Encoding
        | Refusal::ContentType
        | Refusal::Ambiguous(_)
        | Refusal::Unnamed(_)
        | Refusal::TooLarge => Some(UsageOutcome::BodyRefused),
        Refusal::Credential(_)
        | Refusal::UnknownKey
        | Refusal::UnreadableList
        | Refusal::Busy
        | Refusal::Unavailable(_) => None,
    }
}
