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
use keytable::{
    ClientAddress, Denial, KeyHash, KeyId, Permit, Tokens, UsageOutcome, UsageRow, redact,
};

use crate::reply::Refusal;

use crate::fast_hash::FastHashBuilder;

/// Most different resources that are told apart for one key between two reports.
const RESOURCES_MAX: usize = 64;

type Keys = HashMap<[u8; KeyHash::BYTES], KeyTally, FastHashBuilder>;

/// The counts since they were last taken.
#[derive(Debug, Default)]
pub struct Tally {
    keys: Keys,
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
    tokens: Tokens,
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

    /// Adds what a request used that was counted as permitted.
    pub fn used(&mut self, tokens: &Tokens, counted: Counted<'_>) -> Kept {
        match self.row_of(UsageOutcome::Permitted, counted) {
            Some(row) => {
                row.tokens.add(tokens);
                Kept::Yes
            }
            None => Kept::No,
        }
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
                    tokens: row.tokens,
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
        match self.row_of(outcome, counted) {
            Some(row) => {
                row.count_one(address);
                Kept::Yes
            }
            None => Kept::No,
        }
    }

    /// The counts of a resource and outcome, new ones if there is room.
    fn row_of(&mut self, outcome: UsageOutcome, counted: Counted<'_>) -> Option<&mut Row> {
        let full = self.is_full();
        let rows = &mut self.rows;
        let key = of_key(&mut self.keys, counted, full)?;
        if let Some(at) = key.position(outcome, counted.resource) {
            return key.rows.get_mut(at);
        }
        let named = !full && key.rows.len() < RESOURCES_MAX;
        let resource = if named { redact(counted.resource) } else { "" };
        if let Some(at) = key.position(outcome, resource) {
            return key.rows.get_mut(at);
        }
        *rows += 1;
        key.rows.push(Row::new(resource, outcome));
        key.rows.last_mut()
    }
}

/// The counts of a key; `None` for a new key when there is no room, or one without an id.
fn of_key<'a>(keys: &'a mut Keys, counted: Counted<'_>, full: bool) -> Option<&'a mut KeyTally> {
    match keys.entry(*counted.key_hash.as_bytes()) {
        Entry::Occupied(known) => Some(known.into_mut()),
        Entry::Vacant(place) => {
            let key_id = KeyId::parse(counted.key_id).ok().filter(|_| !full)?;
            let rows = Vec::new();
            Some(place.insert(KeyTally { key_id, rows }))
        }
    }
}

impl KeyTally {
    fn position(&self, outcome: UsageOutcome, resource: &str) -> Option<usize> {
        let same = |row: &Row| row.outcome == outcome && row.resource == resource;
        self.rows.iter().position(same)
    }
}

impl Row {
    fn new(resource: &str, outcome: UsageOutcome) -> Self {
        Self {
            resource: resource.to_owned(),
            outcome,
            count: 0,
            tokens: Tokens::default(),
            last_at_unix_ms: None,
            address: None,
        }
    }

    fn count_one(&mut self, address: impl FnOnce() -> Option<ClientAddress>) {
        self.count = self.count.saturating_add(1);
        let is_first = self.count == 1;
        if self.last_at_unix_ms.take().is_some() || is_first {
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
        Refusal::Unseen(_) | Refusal::Indirect(_) | Refusal::Unmetered(_) => {
            Some(UsageOutcome::EndpointNotAllowed)
        }
        Refusal::Encoding
        | Refusal::ContentType
        | Refusal::Ambiguous(_)
        | Refusal::Unnamed(_)
        | Refusal::TooLarge => Some(UsageOutcome::BodyRefused),
        Refusal::Credential(_)
        | Refusal::UnknownKey
        | Refusal::UnreadableList
        | Refusal::Busy
        | Refusal::Unavailable(_)
        | Refusal::LimitsUnavailable
        | Refusal::Limit(_) => None,
    }
}
