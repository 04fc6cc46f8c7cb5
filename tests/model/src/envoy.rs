//! One Envoy of the model: its agent, what its slots hold, until when its gates go by them.
//!
//! Invariant: the lease is renewed and the slots are written as the agent does it: slots first.

use std::hash::{Hash, Hasher};

use filter::follower::{Answer, Follower, Identity, Request, Step};
use keytable::limits::{BUCKETS, PAGE_BUCKETS_MAX};
use keytable::{Change, Delta, Generation, Page};

use crate::history::{History, KEYS, Table, hash, key_in};

/// The lease, in seconds.
pub(crate) const LEASE_S: u64 = 1000;
/// Pages that are taken without anything coming between them.
const PAGES_AT_ONCE: u32 = 8;

/// What an answer of the feed holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Content {
    /// None came.
    Failed,
    /// A delta of an epoch; a heartbeat if both generations are the same.
    Delta(u8, Generation, Generation),
    /// Pages of a snapshot of an epoch, from a bucket on.
    Pages(u8, Generation, u32),
}

impl Content {
    /// The oldest table that it is made of.
    pub(crate) fn needs(self) -> Option<Generation> {
        match self {
            Self::Failed => None,
            Self::Delta(_, generation, _) | Self::Pages(_, generation, _) => Some(generation),
        }
    }
}

/// One Envoy process.
#[derive(Clone, Debug)]
pub(crate) struct Envoy {
    pub(crate) follower: Follower,
    pub(crate) slots: Table,
    pub(crate) lease_until_ms: u64,
    /// Which start of it this is.
    pub(crate) start: u8,
    /// The snapshot of which it has some pages.
    loading: Option<Generation>,
    /// The number of its newest request.
    pub(crate) waits_for: u32,
}

impl Envoy {
    pub(crate) fn new(number: usize, start: u8) -> Self {
        let identity = Identity {
            region: "local".to_owned(),
            node: format!("n{number}"),
            instance: format!("{number:016x}{start:016x}"),
            lease_s: Some(LEASE_S),
        };
        Self {
            follower: Follower::new(identity, 25, 35_000),
            slots: [false; KEYS],
            lease_until_ms: 0,
            start,
            loading: None,
            waits_for: 0,
        }
    }

    /// Whether a gate of this Envoy lets a key pass.
    pub(crate) fn permits(&self, key: usize, now_ms: u64) -> bool {
        now_ms < self.lease_until_ms && self.slots[key]
    }

    /// The tables from which it may go on.
    pub(crate) fn needs(&self) -> impl Iterator<Item = Generation> {
        let position = self.follower.position();
        let position = position.map(|position| position.generation);
        position.into_iter().chain(self.loading)
    }

    /// The request that is due, if back-off and pace let it.
    pub(crate) fn ask(&mut self, token: u32, now_ms: u64) -> Option<Request> {
        // Whatever the agent waits for after a failure is short beside a step of the clock.
        let later_ns = (now_ms + 20_000) * 1_000_000;
        let request = self.follower.due(later_ns)?;
        self.follower.sent(token, now_ms * 1_000_000);
        self.waits_for = token;
        Some(request)
    }

    /// An answer arrives.
    pub(crate) fn take(&mut self, history: &History, token: u32, content: Content, now_ms: u64) {
        match content {
            Content::Failed => {
                let _ = self
                    .follower
                    .receive(token, Answer::Failed, now_ms * 1_000_000);
            }
            Content::Delta(epoch, from, to) => {
                self.accept(token, &history.delta(epoch, from, to), now_ms);
            }
            Content::Pages(epoch, generation, first) => {
                for (page, is_last) in pages_from(first) {
                    let body = history.page(epoch, generation, page);
                    let more = self.accept(token, &body, now_ms);
                    if !more || is_last || self.ask(token, now_ms).is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// True if a snapshot has more pages.
    fn accept(&mut self, token: u32, body: &[u8], now_ms: u64) -> bool {
        let answer = Answer::Http { status: 200, body };
        let received = self.follower.receive(token, answer, now_ms * 1_000_000);
        let Ok((step, confirmation)) = received else {
            return false;
        };
        match step {
            Step::Apply(delta) => apply(&mut self.slots, &delta),
            Step::Load { page, .. } => {
                load(&mut self.slots, &page);
                self.loading = Some(page.generation);
            }
        }
        let complete = confirmation.complete();
        if let Some((_, sent_ns)) = complete {
            self.lease_until_ms = sent_ns / 1_000_000 + LEASE_S * 1000;
            self.loading = None;
        }
        self.follower.confirm(confirmation);
        complete.is_none()
    }
}

/// The pages that are taken at once, and which is the last of them.
fn pages_from(first: u32) -> impl Iterator<Item = (u32, bool)> {
    let end = (first + PAGES_AT_ONCE * PAGE_BUCKETS_MAX).min(BUCKETS);
    let pages = (first..end).step_by(PAGE_BUCKETS_MAX as usize);
    pages.map(move |page| (page, page + PAGE_BUCKETS_MAX >= end))
}

fn apply(slots: &mut Table, delta: &Delta<'_>) {
    for change in &delta.changes {
        match change {
            Change::Put(view) => slots[key_in(&view.key_hash())] = true,
            Change::Remove(key_hash) => slots[key_in(key_hash)] = false,
        }
    }
}

fn load(slots: &mut Table, page: &Page<'_>) {
    for (key, slot) in slots.iter_mut().enumerate() {
        let bucket = u32::from(hash(key).bucket());
        if (page.first_bucket..page.end_bucket()).contains(&bucket) {
            *slot = page
                .records
                .iter()
                .any(|view| key_in(&view.key_hash()) == key);
        }
    }
}

// === impl Envoy ===

/// What decides about the future: how often it has asked, and when it may ask again, does not. What it
/// waits for is part of the progress.
impl Hash for Envoy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.follower.progress().hash(state);
        (self.slots, self.lease_until_ms, self.start).hash(state);
    }
}

impl PartialEq for Envoy {
    fn eq(&self, other: &Self) -> bool {
        self.follower.progress() == other.follower.progress()
            && (self.slots, self.lease_until_ms, self.start)
                == (other.slots, other.lease_until_ms, other.start)
    }
}
