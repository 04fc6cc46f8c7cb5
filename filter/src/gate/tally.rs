//! What a worker counts of the requests it judged, until it hands the counts over.
//!
//! One row for each key, resource and outcome; a request that repeats one allocates nothing. Does
//! not send anything and reads no clock: rows get their time when they are taken or stamped.
//!
//! Invariants: only a permit or a refusal can be counted; memory is bounded. What does not fit is
//! counted without its resource; a request of a key that is new to a full tally is not kept, and whoever
//! counts is told so. No row holds a credential.

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
    /// When the newest came; `None` if that was after the last stamp.
    last_at_unix_ms: Option<u64>,
    /// Of the first request after the last stamp before which there was one.
    address: Option<ClientAddress>,
}

/// Whether a request is in the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Kept {
    /// It is, or it says nothing of a key.
    Yes,
    /// There is no room.
    No,
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
    /// Counts a request that was passed on. `address` is asked once for a row between two stamps.
    pub fn permitted(
        &mut self,
        permit: &Permit,
        counted: Counted<'_>,
        address: impl FnOnce() -> Option<ClientAddress>,
    ) -> Kept {
        self.count(UsageOutcome::of_permit(permit), counted, address)
    }

    /// Counts a request that was refused before anything of it was passed on, under what the
    /// refusal names; not one that is not about its key. `address` as above.
    pub fn refused(
        &mut self,
        refusal: &Refusal,
        counted: Counted<'_>,
        address: impl FnOnce() -> Option<ClientAddress>,
    ) -> Kept {
        let resource = match refusal {
            // It names the client.
            Refusal::Denied(Denial::AddressNotAllowed | Denial::EndpointNotAllowed, _) => "",
            Refusal::Denied(_, Some(name)) | Refusal::UnknownItem(name) => name,
            _ => "",
        };
        let counted = Counted {
            resource,
            ..counted
        };
        match outcome_of(refusal) {
            Some(outcome) => self.count(outcome, counted, address),
            None => Kept::Yes,
        }
    }

    /// Counts a request that was passed on and refused before its end, whatever for.
    pub fn cut(
        &mut self,
        _: &Refusal,
        counted: Counted<'_>,
        address: impl FnOnce() -> Option<ClientAddress>,
    ) -> Kept {
        self.count(UsageOutcome::Cut, counted, address)
    }

    /// Whether a request of another key would not be kept.
    pub fn is_full(&self) -> bool {
        self.rows >= USAGE_ROWS_MAX
    }

    /// What came since the last stamp came now: for counts that are not taken in time.
    pub fn stamp(&mut self, now_unix_ms: u64) {
        let rows = self.keys.values_mut().flat_map(|key| &mut key.rows);
        rows.for_each(|row| row.last_at_unix_ms = row.last_at_unix_ms.or(Some(now_unix_ms)));
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
                    last_at_unix_ms: row.last_at_unix_ms.unwrap_or(now_unix_ms),
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
    ) -> Kept {
        let full = self.is_full();
        let Some(key) = self.of_key(counted, full) else {
            return Kept::No;
        };
        if let Some(row) = key.row(outcome, counted.resource) {
            row.count_one(address);
            return Kept::Yes;
        }
        let named = !full && key.rows.len() < RESOURCES_MAX;
        let resource = if named { redact(counted.resource) } else { "" };
        match key.row(outcome, resource) {
            Some(row) => row.count_one(address),
            None => {
                key.rows.push(Row {
                    resource: resource.to_owned(),
                    outcome,
                    count: 1,
                    last_at_unix_ms: None,
                    address: address(),
                });
                self.rows += 1;
            }
        }
        Kept::Yes
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

impl KeyTally {
    fn row(&mut self, outcome: UsageOutcome, resource: &str) -> Option<&mut Row> {
        let same = |row: &&mut Row| row.outcome == outcome && row.resource == resource;
        self.rows.iter_mut().find(same)
    }
}

impl Row {
    fn count_one(&mut self, address: impl FnOnce() -> Option<ClientAddress>) {
        self.count = self.count.saturating_add(1);
        if self.last_at_unix_ms.take().is_some() {
            self.address = address();
        }
    }
}

/// What a refusal is counted as; `None` if it says nothing of the key.
const fn outcome_of(refusal: &Refusal) -> Option<UsageOutcome> {
    match refusal {
        Refusal::Denied(denial, _) => Some(UsageOutcome::of_denial(denial)),
        Refusal::UnknownItem(_) => Some(UsageOutcome::OutOfScope),
        Refusal::UnknownEndpoint(_) => Some(UsageOutcome::of_denial(&Denial::EndpointNotAllowed)),
        Refusal::Unseen(_) | Refusal::Indirect(_) => Some(UsageOutcome::EndpointNotAllowed),
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
