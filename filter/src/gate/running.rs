//! Requests that were permitted and are not over: what they were permitted by, to ask it again.
//!
//! Does not end them. Invariant: a request is in here from its permit until it is over or cut, so
//! that a key that loses its right takes every running request along.

use std::cell::RefCell;
use std::collections::BTreeMap;

use keytable::{Denial, KeyHash, admit};

use super::GateShared;
use super::arrival::Arrival;
use super::header_allowlist::Caller;
use super::holder::{denied, facts, judge_finding};
use super::metering::Metering;
use crate::host::{Host, RequestHost};
use crate::locator::Mentions;
use crate::reply::{Client, Refusal};
use crate::table::{CheckedRecord, Unavailable, look_up};

/// The running requests of one worker, by the number that Envoy gave each.
#[derive(Debug, Default)]
pub(super) struct Streams(RefCell<BTreeMap<u32, Running>>);

/// One running request.
#[derive(Debug)]
pub(super) struct Running {
    key_hash: KeyHash,
    /// The edition under which `record` was read.
    edition: u64,
    record: CheckedRecord,
    judged: Judged,
    /// Whom an answer is for.
    client: Client,
    answer: Answer,
}

/// Whose answer the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// There is none yet.
    Awaited,
    /// The client has the head of one, so that no other can be sent.
    Begun,
    /// The gate's own: it was cut.
    Cut,
}

/// What a request was permitted to call.
#[derive(Debug)]
pub(super) enum Judged {
    /// The key may call everything, so nobody has judged what the request names; what was seen of it.
    Everything(String),
    /// What was found; nothing if the endpoint needs no name, or if the body is still being read.
    Found(Mentions),
}

impl Running {
    pub(super) fn new(
        key_hash: KeyHash,
        edition: u64,
        record: CheckedRecord,
        judged: Judged,
        client: Client,
    ) -> Self {
        Self {
            key_hash,
            edition,
            record,
            judged,
            client,
            answer: Answer::Awaited,
        }
    }

    /// The edition under which nothing but a new table can end it; `None` if its key expires.
    fn lasts_under(&self) -> Option<u64> {
        let view = self.record.view().ok()?;
        view.expires_at_unix_ms().is_none().then_some(self.edition)
    }

    pub(super) fn key_hash(&self) -> KeyHash {
        self.key_hash
    }

    /// What reads its answer for what it used, if that states it.
    pub(super) fn metering(&self, arrival: &Arrival<'_>) -> Option<Metering> {
        Metering::new(arrival, self.key_hash, self.record.clone())
    }

    /// Whose request it is, by what was judged of it.
    pub(super) fn caller(&self) -> Caller {
        match self.judged {
            Judged::Everything(_) => Caller::Unlimited,
            Judged::Found(_) => Caller::Limited,
        }
    }

    /// Whether it would be permitted now. What is asked is what could have changed.
    fn check(&mut self, host: &impl RequestHost, shared: &GateShared) -> Result<(), Refusal> {
        let edition = shared.table.open(host)?;
        let mut has_changed = false;
        if edition != self.edition {
            let record = look_up(host, &self.key_hash)?.ok_or(Refusal::UnknownKey)?;
            has_changed = record != self.record;
            self.record = record;
            self.edition = edition;
        }
        let view = self.record.view()?;
        if !has_changed && view.expires_at_unix_ms().is_none() {
            return Ok(());
        }
        let admitted = admit(&view, &facts(host, &view)?).map_err(denied)?;
        if !has_changed || admitted.permit_unread().is_some() {
            return Ok(());
        }
        match &self.judged {
            Judged::Everything(_) => Err(denied(Denial::EndpointNotAllowed)),
            Judged::Found(finding) if finding.is_empty() => Ok(()),
            Judged::Found(finding) => judge_finding(&self.record, finding).map(drop),
        }
    }

    /// What it calls, as far as it is known.
    fn resource(&self) -> &str {
        match &self.judged {
            Judged::Everything(seen) => seen,
            Judged::Found(finding) => finding.first().unwrap_or_default(),
        }
    }

    fn is_due(&self, edition: Option<u64>) -> bool {
        self.answer != Answer::Cut && (edition.is_none() || self.lasts_under() != edition)
    }
}

impl Streams {
    pub(super) fn enter(&self, stream: u32, running: Running) {
        self.with(|streams| streams.insert(stream, running));
    }

    /// It is over.
    pub(super) fn leave(&self, stream: u32) {
        self.with(|streams| streams.remove(&stream));
    }

    /// It has lost its right. Gives whom an answer is for, and whether one has begun; `None` if it is
    /// over or was cut already.
    pub(super) fn cut(&self, stream: u32) -> Option<(Client, bool)> {
        let cut = |streams: &mut BTreeMap<u32, Running>| {
            let running = streams.get_mut(&stream)?;
            match std::mem::replace(&mut running.answer, Answer::Cut) {
                Answer::Awaited => Some((running.client.clone(), false)),
                Answer::Begun => Some((running.client.clone(), true)),
                Answer::Cut => None,
            }
        };
        self.with(cut).flatten()
    }

    /// Whether it was cut, and the gate's own answer is on its way.
    pub(super) fn is_cut(&self, stream: u32) -> bool {
        let is_cut = |streams: &mut BTreeMap<u32, Running>| {
            let running = streams.get(&stream);
            running.is_some_and(|running| running.answer == Answer::Cut)
        };
        self.with(is_cut).unwrap_or(false)
    }

    /// More of its body was read.
    pub(super) fn set_judged(&self, stream: u32, judged: Judged) {
        self.with(|streams| {
            if let Some(running) = streams.get_mut(&stream) {
                running.judged = judged;
            }
        });
    }

    /// The head of its answer goes to the client.
    pub(super) fn set_answered(&self, stream: u32) {
        self.with(|streams| {
            if let Some(running) = streams.get_mut(&stream) {
                running.answer = Answer::Begun;
            }
        });
    }

    /// What its key may do, as of the last check; a request that is not in here has no key.
    pub(super) fn record(&self, stream: u32) -> Result<CheckedRecord, Refusal> {
        let record = |streams: &mut BTreeMap<u32, Running>| {
            let running = streams.get(&stream)?;
            Some(running.record.clone())
        };
        let lost = Refusal::Unavailable(Unavailable::Damaged);
        self.with(record).flatten().ok_or(lost)
    }

    /// What it calls, as far as it is known; `None` for a request that is not in here.
    pub(super) fn resource(&self, stream: u32) -> Option<String> {
        let resource = |streams: &mut BTreeMap<u32, Running>| {
            let running = streams.get(&stream)?;
            Some(running.resource().to_owned())
        };
        self.with(resource).flatten()
    }

    /// The edition under which nothing but a new table can end it; `None` if time may end it too, or
    /// if it is not in here.
    pub(super) fn lasts_under(&self, stream: u32) -> Option<u64> {
        self.with(|streams| streams.get(&stream)?.lasts_under())
            .flatten()
    }

    /// Whether it would be permitted now; one that is not in here, or was cut, is not.
    pub(super) fn check(
        &self,
        stream: u32,
        host: &impl RequestHost,
        shared: &GateShared,
    ) -> Result<(), Refusal> {
        let lost = Refusal::Unavailable(Unavailable::Damaged);
        let checked = self.with(|streams| {
            let running = streams.get_mut(&stream)?;
            (running.answer != Answer::Cut).then(|| running.check(host, shared))
        });
        checked.flatten().unwrap_or(Err(lost))
    }

    /// Those that have to be asked again.
    pub(super) fn due(&self, host: &impl Host, shared: &GateShared) -> Vec<u32> {
        let edition = shared.table.open(host).ok();
        let due = |streams: &mut BTreeMap<u32, Running>| {
            let due = streams
                .iter()
                .filter(|(_, running)| running.is_due(edition));
            due.map(|(stream, _)| *stream).collect()
        };
        self.with(due).unwrap_or_default()
    }

    /// Nothing in here calls back, so the borrow never fails.
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<u32, Running>) -> T) -> Option<T> {
        self.0
            .try_borrow_mut()
            .ok()
            .map(|mut streams| work(&mut streams))
    }
}
