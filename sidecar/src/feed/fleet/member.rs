//! One Envoy of the fleet, and until when it counts.
//!
//! Does not compare itself with others. Invariant: it may serve at least as long as the real one.

use std::time::{Duration, Instant};

use keytable::Generation;

use super::{Laggard, Moment, Sighting, Silence, Straying};
use crate::domain::clock::UnixMillis;
use crate::domain::envoy::{AgentId, Introduction, KnownEnvoy, Label};
use crate::domain::region::RegionId;

/// How long an Envoy without an open request still counts as being in contact.
pub const LOST_AFTER: Duration = Duration::from_secs(30);
/// How long an Envoy that may not serve any more is still shown.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);
/// What is shown as the trouble of one that follows another sidecar, too.
const TWO_SIDECARS: &str = "two_sidecars";

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Member {
    pub(super) who: Introduction,
    pub(super) acknowledged: Option<Generation>,
    pub(super) first_heard: Instant,
    heard_at: UnixMillis,
    /// No request that renewed its lease was sent later than this.
    lease_from: Moment,
    /// By when it will have stopped, as whoever ends it has said.
    ends_by: Option<Moment>,
    open_requests: u32,
    answered_at: Instant,
    /// Its node was heard with a newer agent: it is gone as soon as no request of it is open.
    pub(super) superseded: bool,
    pub(super) shares_name: bool,
    /// Whether it can keep limits; one that has not said so yet may.
    pub(super) keeps_limits: bool,
    /// Whether it has to be written down, as it is.
    is_new: bool,
    /// Whether it is to be written down no more.
    is_struck: bool,
    /// Whether it has had something of this history in force, and nothing of another since.
    follows: bool,
    /// Whether it was given a page of this history, and has not said since that it could not use it.
    has_page: bool,
    has_strayed: bool,
    trouble: Option<(Label, UnixMillis)>,
}

impl Member {
    pub(super) fn new(who: Introduction, shares_name: bool, now: Moment) -> Self {
        Self {
            who,
            acknowledged: None,
            first_heard: now.instant,
            heard_at: now.wall,
            lease_from: now,
            ends_by: None,
            open_requests: 0,
            answered_at: now.instant,
            superseded: false,
            shares_name,
            keeps_limits: true,
            is_new: true,
            is_struck: false,
            follows: false,
            has_page: false,
            has_strayed: false,
            trouble: None,
        }
    }

    /// One that an earlier process has heard. How long ago only the wall clock could tell, which
    /// may have been set: its lease is counted from now on, which is later than it began.
    pub(super) fn known(envoy: KnownEnvoy, now: Moment) -> Self {
        Self {
            acknowledged: match mutant!(TrustTheRemembered) {
                true => Some(Generation::new(u64::MAX)),
                false => envoy.generation,
            },
            follows: envoy.generation.is_some(),
            heard_at: envoy.heard_at,
            is_new: false,
            ..Self::new(envoy.introduction, false, now)
        }
    }

    pub(super) fn to_known(&self) -> KnownEnvoy {
        KnownEnvoy {
            introduction: self.who.clone(),
            generation: self.acknowledged,
            heard_at: self.heard_at,
        }
    }

    pub(super) fn key(&self) -> (RegionId, AgentId) {
        (self.who.region.clone(), self.who.agent.clone())
    }

    /// Notes a request; gives what has to be written down of this Envoy, if it is not yet.
    pub(super) fn hear(
        &mut self,
        who: &Introduction,
        trouble: Option<Label>,
        now: Moment,
    ) -> Option<Introduction> {
        let lease = self.who.lease.max(who.lease);
        let who = Introduction {
            lease,
            ..who.clone()
        };
        self.is_new |= self.who != who || std::mem::take(&mut self.is_struck);
        self.who = who;
        self.heard_at = now.wall;
        if !mutant!(LeaseFromTheFirst) {
            self.lease_from = now;
        }
        self.open_requests += 1;
        // One that asks when it should have stopped has not.
        self.ends_by = self.ends_by.filter(|by| now.instant <= by.instant);
        if let Some(word) = trouble {
            self.trouble = Some((word, now.wall));
            self.has_page = false;
        }
        self.is_new.then(|| self.who.clone())
    }

    /// Notes what was written down of it, which may be older than what it says now.
    pub(super) fn wrote(&mut self, who: &Introduction) {
        self.is_new &= self.who != *who;
    }

    /// Notes what it has in force; gives what it had before.
    pub(super) fn acknowledge(&mut self, generation: Option<Generation>) -> Option<Generation> {
        self.follows |= generation.is_some();
        std::mem::replace(&mut self.acknowledged, generation)
    }

    /// Notes that it is given a page.
    pub(super) fn give_page(&mut self) {
        self.has_page = true;
    }

    /// Notes that it has something that this history never had.
    pub(super) fn stray(&mut self, now: UnixMillis) -> Straying {
        let follows = std::mem::take(&mut self.follows);
        let has_page = std::mem::take(&mut self.has_page);
        if !follows && !has_page {
            return Straying::Unknown;
        }
        self.trouble = Label::parse(TWO_SIDECARS).map(|word| (word, now));
        match std::mem::replace(&mut self.has_strayed, true) {
            true => Straying::Again,
            false => Straying::First,
        }
    }

    /// Notes that it will have stopped by then.
    pub(super) fn end(&mut self, by: Moment) {
        self.ends_by = Some(by);
    }

    pub(super) fn leave(&mut self, now: Instant) {
        self.open_requests = self.open_requests.saturating_sub(1);
        self.answered_at = now;
    }

    pub(super) fn is_live(&self, now: Instant) -> bool {
        let recent = now.saturating_duration_since(self.answered_at) < LOST_AFTER;
        self.open_requests > 0 || (recent && !self.superseded)
    }

    pub(super) fn may_serve(&self, now: Instant) -> bool {
        if mutant!(ForgetWhoIsLost) {
            return self.open_requests > 0;
        }
        self.open_requests > 0 || !(self.superseded || self.is_over(now))
    }

    /// One that was superseded is known for a while, to tell whether it is alive too.
    pub(super) fn is_remembered(&self, now: Instant) -> bool {
        let recent = now.saturating_duration_since(self.answered_at) < FORGOTTEN_AFTER;
        self.may_serve(now) || recent
    }

    pub(super) fn is_shown(&self, now: Instant) -> bool {
        self.is_remembered(now) && (self.open_requests > 0 || !self.superseded)
    }

    /// Whether it was superseded and may still be written down; from now on it is not.
    pub(super) fn strike(&mut self) -> bool {
        let is_gone = (self.superseded || mutant!(StrikeTheLiving)) && self.open_requests == 0;
        is_gone && !std::mem::replace(&mut self.is_struck, true)
    }

    pub(super) fn is_behind(&self, generation: Generation) -> bool {
        if mutant!(TrustTheNew) && self.acknowledged.is_none() {
            return false;
        }
        let spare = u64::from(mutant!(CountTheOneBefore));
        self.acknowledged
            .is_none_or(|applied| applied.get() + spare < generation.get())
    }

    pub(super) fn to_laggard(&self) -> Laggard {
        Laggard {
            node: self.who.node.clone(),
            heard_at: self.heard_at,
            may_serve_until: self.may_serve_until(),
        }
    }

    pub(super) fn to_sighting(&self, lag: Duration, now: Instant) -> Sighting {
        Sighting {
            who: self.who.clone(),
            acknowledged: self.acknowledged,
            heard_at: self.heard_at,
            live: self.is_live(now),
            lag,
            may_serve_until: self.may_serve_until(),
            is_over: !self.may_serve(now),
            shares_name: self.shares_name,
            keeps_limits: self.keeps_limits,
            trouble: self.trouble.clone(),
        }
    }

    /// Since when it is silent, if that is as long: no request of it is open.
    pub(super) fn silence(&self, silent_for: Duration, now: Instant) -> Option<Silence> {
        let passed = now.saturating_duration_since(self.answered_at);
        let is_silent = self.open_requests == 0 && passed >= silent_for;
        is_silent.then(|| Silence {
            node: self.who.node.clone(),
            since: self.heard_at,
        })
    }

    fn may_serve_until(&self) -> Option<UnixMillis> {
        let of_lease = self.who.lease.serves_for().map(|span| {
            let span_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            self.lease_from.wall.plus_ms(span_ms)
        });
        let of_word = self.ends_by.map(|by| by.wall);
        of_lease.into_iter().chain(of_word).min()
    }

    fn is_over(&self, now: Instant) -> bool {
        let span = self.who.lease.serves_for();
        self.ends_by.is_some_and(|by| now >= by.instant)
            || span
                .is_some_and(|span| now.saturating_duration_since(self.lease_from.instant) >= span)
    }
}
