//! The fleet: which Envoys follow which region, and what each has in force.
//!
//! Plain state without HTTP, SQL or a clock of its own. Does not wait or wake anybody.
//!
//! Invariants: an Envoy counts as long as it may serve: while a request of it is open, and after
//! its last one until its lease has run out; a generation counts as applied only by that Envoy's
//! own word. A new agent on a known node means that this Envoy restarted, unless both were heard
//! since: then they are two Envoys with one name, and neither stands for the other.

mod member;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::{Duration, Instant};

use keytable::Generation;

use crate::domain::clock::UnixMillis;
use crate::domain::envoy::{AgentId, Introduction, KnownEnvoy, Label, NodeName};
use crate::domain::region::RegionId;
use member::Member;

pub use member::LOST_AFTER;

/// Generations whose time is kept, to tell how long an Envoy has been behind.
const PUBLISHED_MAX: usize = 1024;

/// All Envoys that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fleet {
    members: BTreeMap<(RegionId, AgentId), Member>,
    published: BTreeMap<Generation, Instant>,
}

/// Now, on both clocks: durations are measured on one, the other is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// The monotonic clock.
    pub instant: Instant,
    /// The wall clock.
    pub wall: UnixMillis,
}

/// What an arrival changed in what has to be remembered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// What has to be written down of this Envoy; so at each arrival until that was done.
    pub newcomer: Option<Introduction>,
    /// Those that are not to be remembered any more.
    pub gone: Vec<(RegionId, AgentId)>,
}

/// How far a generation has come in one region, or in several.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PropagationState {
    /// Envoys that may serve.
    pub envoys: usize,
    /// Those that have it in force.
    pub applied: usize,
    /// The others.
    pub pending: Vec<Laggard>,
}

/// An Envoy that may serve and does not have a generation yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Laggard {
    /// Which.
    pub node: NodeName,
    /// When it was last heard.
    pub heard_at: UnixMillis,
    /// Until when it may go on without being heard again; `None` = without end.
    pub may_serve_until: Option<UnixMillis>,
}

/// An Envoy that may serve and has been silent for a while.
#[derive(Debug, PartialEq, Eq)]
pub struct Silence {
    /// Which.
    pub node: NodeName,
    /// Since when.
    pub since: UnixMillis,
}

/// Which Envoys are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// Those that are in contact.
    Live,
    /// Also those that are lost, until they are back or their lease has run out.
    All,
}

/// What it means that an agent has a table, or a part of one, which this history never had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Straying {
    /// Nothing: it has not followed this history yet, or it was noticed already.
    Unknown,
    /// It had followed this history and follows another one, too.
    Again,
    /// The same, for the first time.
    First,
}

/// What became of taking an Envoy off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dismissal {
    /// It does not count any more.
    Done,
    /// It is not lost.
    InContact,
    /// There is none.
    Unknown,
}

/// One Envoy as the fleet knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// What it says of itself.
    pub who: Introduction,
    /// What it has in force; `None` = nothing of this database's history yet.
    pub acknowledged: Option<Generation>,
    /// When it was last heard.
    pub heard_at: UnixMillis,
    /// Whether it is in contact.
    pub live: bool,
    /// For how long it has been behind the newest generation.
    pub lag: Duration,
    /// Until when it may serve without being heard again; `None` = without end.
    pub may_serve_until: Option<UnixMillis>,
    /// Whether that time is over.
    pub is_over: bool,
    /// Whether another Envoy was heard under the same name.
    pub shares_name: bool,
    /// Whether it can keep limits, as far as it has said.
    pub keeps_limits: bool,
    /// The newest answer that it could not use, and when it said so.
    pub trouble: Option<(Label, UnixMillis)>,
}

impl PropagationState {
    /// Adds that of a further region.
    pub fn join(&mut self, other: Self) {
        self.envoys += other.envoys;
        self.applied += other.applied;
        self.pending.extend(other.pending);
    }
}

impl Moment {
    /// So much later.
    pub fn plus(self, span: Duration) -> Self {
        Self {
            instant: self.instant.checked_add(span).unwrap_or(self.instant),
            wall: self
                .wall
                .plus_ms(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

impl Fleet {
    /// The Envoys that an earlier process knew. Each gets its time to come back; those of one name
    /// were heard beside each other.
    pub fn remember(known: Vec<KnownEnvoy>, newest: Generation, now: Moment) -> Self {
        let mut fleet = Self::default();
        fleet.publish(newest, now.instant);
        for envoy in known.into_iter().filter(|_| !mutant!(ForgetOnRestart)) {
            let member = Member::known(envoy, now);
            fleet.members.insert(member.key(), member);
        }
        let mut names: BTreeMap<NodeName, usize> = BTreeMap::new();
        for member in fleet.members.values() {
            *names.entry(member.who.node.clone()).or_default() += 1;
        }
        for member in fleet.members.values_mut() {
            member.shares_name = names.get(&member.who.node).is_some_and(|count| *count > 1);
        }
        fleet
    }

    /// What a later process has to know.
    pub fn known(&self, now: Instant) -> Vec<KnownEnvoy> {
        let members = self.members.values();
        members
            .filter(|member| member.may_serve(now))
            .map(Member::to_known)
            .collect()
    }

    /// A request of an agent has come in.
    pub fn arrive(&mut self, who: &Introduction, trouble: Option<Label>, now: Moment) -> Arrival {
        let key = (who.region.clone(), who.agent.clone());
        let mut arrival = Arrival::default();
        if !self.members.contains_key(&key) {
            let shares_name = self.supersede(&who.node);
            arrival.gone = self.forget(now.instant);
            let member = Member::new(who.clone(), shares_name, now);
            self.members.insert(key.clone(), member);
        }
        let Some(member) = self.members.get_mut(&key) else {
            return arrival;
        };
        let newcomer = member.hear(who, trouble, now);
        arrival.newcomer = newcomer.filter(|_| !mutant!(WriteNobodyDown));
        if member.superseded {
            self.mark_shared(&who.node);
        }
        arrival
    }

    /// Puts a new start of `node` in the place of the earlier one; true if several Envoys have
    /// that name.
    fn supersede(&mut self, node: &NodeName) -> bool {
        let same = |member: &&mut Member| member.who.node == *node || mutant!(ReplaceAnyNode);
        let mut shares_name = false;
        for member in self.members.values_mut().filter(same) {
            shares_name |= member.shares_name;
            member.superseded = !member.shares_name;
        }
        shares_name
    }

    fn mark_shared(&mut self, node: &NodeName) {
        let same = |member: &&mut Member| member.who.node == *node;
        for member in self.members.values_mut().filter(same) {
            member.shares_name = true;
            member.superseded = false;
        }
    }

    fn forget(&mut self, now: Instant) -> Vec<(RegionId, AgentId)> {
        let struck = self.members.values_mut().filter_map(|member| {
            let is_gone = member.strike();
            is_gone.then(|| member.key())
        });
        let mut gone: Vec<_> = struck.collect();
        let over = self
            .members
            .extract_if(.., |_, member| !member.is_remembered(now));
        gone.extend(over.map(|(key, _)| key));
        gone
    }

    /// What an arrival gave as new is written down.
    pub fn wrote(&mut self, newcomer: &Introduction) {
        if let Some(member) = self.find(newcomer) {
            member.wrote(newcomer);
        }
    }

    /// What an agent says it has in force; `None` if that is nothing of this history. Gives what it
    /// had said before.
    pub fn acknowledge(
        &mut self,
        who: &Introduction,
        generation: Option<Generation>,
    ) -> Option<Generation> {
        self.find(who)?.acknowledge(generation)
    }

    /// An agent is given a page of a snapshot of this history.
    pub fn give_page(&mut self, who: &Introduction) {
        if let Some(member) = self.find(who) {
            member.give_page();
        }
    }

    /// An agent has something that this history never had. If it had followed this history before,
    /// somebody else has told it.
    pub fn stray(&mut self, who: &Introduction, now: UnixMillis) -> Straying {
        self.find(who)
            .map_or(Straying::Unknown, |member| member.stray(now))
    }

    /// A request of an agent was answered, or its connection broke.
    pub fn leave(&mut self, who: &Introduction, now: Instant) {
        if let Some(member) = self.find(who) {
            member.leave(now);
        }
    }

    /// Takes an Envoy off, unless it is in contact.
    pub fn dismiss(&mut self, region: &RegionId, agent: &AgentId, now: Instant) -> Dismissal {
        let key = (region.clone(), agent.clone());
        match self.members.get(&key) {
            None => Dismissal::Unknown,
            Some(member) if member.is_live(now) => Dismissal::InContact,
            Some(_) => {
                self.members.remove(&key);
                Dismissal::Done
            }
        }
    }

    /// Whoever ends the Envoys of this name says that they will have stopped by then; how many there are.
    pub fn end(&mut self, region: &RegionId, node: &NodeName, by: Moment) -> usize {
        let named = self.members.values_mut();
        let named = named.filter(|member| member.who.region == *region && member.who.node == *node);
        named.map(|member| member.end(by)).count()
    }

    fn find(&mut self, who: &Introduction) -> Option<&mut Member> {
        self.members
            .get_mut(&(who.region.clone(), who.agent.clone()))
    }

    /// There is a new generation.
    pub fn publish(&mut self, generation: Generation, now: Instant) {
        self.published.entry(generation).or_insert(now);
        if self.published.len() > PUBLISHED_MAX {
            self.published.pop_first();
        }
    }

    /// How many are left who are waited for.
    pub fn awaited(
        &self,
        region: &RegionId,
        generation: Generation,
        awaited: Awaited,
        now: Instant,
    ) -> usize {
        let behind = self
            .serving(region, now)
            .filter(|member| member.is_behind(generation));
        match awaited {
            // As if the first to acknowledge were all of them.
            Awaited::All if mutant!(AnyOneIsAll) => {
                let behind = behind.count();
                behind * usize::from(behind == self.serving(region, now).count())
            }
            Awaited::All => behind.count(),
            Awaited::Live => behind.filter(|member| member.is_live(now)).count(),
        }
    }

    /// How far `generation` has come among the Envoys of a region that may serve.
    pub fn progress(
        &self,
        region: &RegionId,
        generation: Generation,
        now: Instant,
    ) -> PropagationState {
        let envoys = self.serving(region, now).count();
        let behind = self
            .serving(region, now)
            .filter(|m| m.is_behind(generation));
        let mut pending: Vec<Laggard> = behind.map(Member::to_laggard).collect();
        pending.sort_by(|a, b| a.node.cmp(&b.node));
        PropagationState {
            envoys,
            applied: envoys - pending.len(),
            pending,
        }
    }

    /// An agent says whether it can keep limits.
    pub fn note_limits(&mut self, who: &Introduction, keeps_limits: bool) {
        if let Some(member) = self.find(who) {
            member.keeps_limits = keeps_limits;
        }
    }

    /// The Envoys of a region, or of all, that may serve and have said that they cannot keep limits.
    pub fn without_limits(&self, region: Option<&RegionId>, now: Instant) -> Vec<NodeName> {
        let members = self.members.values();
        let here = members.filter(|member| region.is_none_or(|id| member.who.region == *id));
        let unable = here.filter(|member| !member.keeps_limits && member.may_serve(now));
        unable.map(|member| member.who.node.clone()).collect()
    }

    /// Every agent of an Envoy that may serve.
    pub fn serving_agents(&self, now: Instant) -> BTreeSet<AgentId> {
        let members = self.members.values();
        let serving = members.filter(|member| member.may_serve(now));
        serving.map(|member| member.who.agent.clone()).collect()
    }

    /// The Envoys of a region, or of all, that may serve and have neither asked nor waited for so long.
    pub fn unheard(
        &self,
        region: Option<&RegionId>,
        silent_for: Duration,
        now: Instant,
    ) -> Vec<Silence> {
        let members = self.members.values();
        let here = members.filter(|member| region.is_none_or(|id| member.who.region == *id));
        let silent = here.filter(|member| member.may_serve(now));
        silent
            .filter_map(|member| member.silence(silent_for, now))
            .collect()
    }

    fn serving(&self, region: &RegionId, now: Instant) -> impl Iterator<Item = &Member> {
        let members = self.members.iter();
        members
            .filter(move |((home, _), member)| home == region && member.may_serve(now))
            .map(|(_, member)| member)
    }

    /// Every Envoy that is remembered, by region and node.
    pub fn sightings(&self, now: Instant) -> Vec<Sighting> {
        let members = self.members.values();
        let mut sightings: Vec<Sighting> = members
            .filter(|member| member.is_shown(now))
            .map(|member| member.to_sighting(self.lag(member, now), now))
            .collect();
        sightings.sort_by(|a, b| {
            let key = |s: &Sighting| {
                let who = &s.who;
                (who.region.clone(), who.node.clone(), who.agent.clone())
            };
            key(a).cmp(&key(b))
        });
        sightings
    }

    /// Since when there has been a generation that the Envoy does not have. Of one that is further
    /// behind than what is kept, at least so long.
    fn lag(&self, member: &Member, now: Instant) -> Duration {
        let since = match member.acknowledged {
            None => Some(member.first_heard),
            Some(applied) => {
                let newer = (Bound::Excluded(applied), Bound::Unbounded);
                self.published.range(newer).next().map(|(_, time)| *time)
            }
        };
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests;
