//! The fleet: which Envoys follow which region, and what each has in force.
//!
//! Plain state without HTTP, SQL or a clock of its own. Does not wait or wake anybody.
//!
//! Invariant: an Envoy counts as *live* while a request of it is open and for [`LOST_AFTER`] behind
//! its last one; and a generation counts as applied only by that Envoy's own word.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use keytable::Generation;

use crate::domain::clock::UnixMillis;
use crate::domain::region::RegionId;

/// How long an Envoy without an open request still counts as live.
pub const LOST_AFTER: Duration = Duration::from_secs(30);
/// How long an Envoy that is not live is still shown.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);
/// Longest node id, in bytes.
const NODE_BYTES_MAX: usize = 128;

/// All Envoys that were heard of since this process started.
#[derive(Debug, Default)]
pub struct Fleet(HashMap<(RegionId, AgentId), Member>);

/// One start of an agent: 32 lower-case hexadecimal digits that it drew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AgentId(String);

/// The node id of an Envoy: 1 to 128 printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeName(String);

#[derive(Debug)]
struct Member {
    node: NodeName,
    acknowledged: Option<Generation>,
    open_requests: u32,
    heard_at: UnixMillis,
    answered_at: Instant,
    /// Its node was heard with a newer agent: it is gone as soon as no request of it is open.
    superseded: bool,
}

/// How far a generation has come in one region.
#[derive(Debug, PartialEq, Eq)]
pub struct Progress {
    /// Live Envoys.
    pub envoys: usize,
    /// Those that have it in force.
    pub applied: usize,
    /// The others.
    pub pending: Vec<Laggard>,
}

/// A live Envoy that does not have a generation yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Laggard {
    /// Which.
    pub node: NodeName,
    /// When it was last heard.
    pub heard_at: UnixMillis,
}

/// One Envoy as the fleet knows it.
#[derive(Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Which Envoy.
    pub node: NodeName,
    /// Which start of its agent.
    pub agent: AgentId,
    /// Which region it follows.
    pub region: RegionId,
    /// What it has in force; `None` = nothing of this database's history yet.
    pub acknowledged: Option<Generation>,
    /// When it was last heard.
    pub heard_at: UnixMillis,
    /// Whether changes wait for it.
    pub live: bool,
}

impl Fleet {
    /// A request of an agent has come in, `now` on the monotonic clock and `heard_at` on the wall.
    /// A new agent on a known node means that Envoy restarted:
    /// the older one no longer counts, unless it is evidently alive too (a hot restart, or two
    /// Envoys with one node id).
    pub fn arrive(
        &mut self,
        region: &RegionId,
        agent: &AgentId,
        node: &NodeName,
        now: Instant,
        heard_at: UnixMillis,
    ) {
        let key = (region.clone(), agent.clone());
        if !self.0.contains_key(&key) {
            for other in self.0.values_mut().filter(|other| other.node == *node) {
                other.superseded = true;
            }
            self.0.retain(|_, member| member.is_remembered(now));
        }
        let member = self.0.entry(key).or_insert_with(|| Member {
            node: node.clone(),
            acknowledged: None,
            open_requests: 0,
            heard_at,
            answered_at: now,
            superseded: false,
        });
        member.node = node.clone();
        member.heard_at = heard_at;
        member.open_requests += 1;
        member.superseded = false;
    }

    /// What an agent says it has in force; `None` if that is nothing of this history.
    pub fn acknowledge(
        &mut self,
        region: &RegionId,
        agent: &AgentId,
        generation: Option<Generation>,
    ) {
        if let Some(member) = self.0.get_mut(&(region.clone(), agent.clone())) {
            member.acknowledged = generation;
        }
    }

    /// A request of an agent was answered, or its connection broke.
    pub fn leave(&mut self, region: &RegionId, agent: &AgentId, now: Instant) {
        if let Some(member) = self.0.get_mut(&(region.clone(), agent.clone())) {
            member.open_requests = member.open_requests.saturating_sub(1);
            member.answered_at = now;
        }
    }

    /// How far `generation` has come among the live Envoys of a region.
    pub fn progress(&self, region: &RegionId, generation: Generation, now: Instant) -> Progress {
        let live = || {
            self.0
                .iter()
                .filter(|((home, _), member)| home == region && member.is_live(now))
                .map(|(_, member)| member)
        };
        let mut pending: Vec<Laggard> = live()
            .filter(|member| {
                member
                    .acknowledged
                    .is_none_or(|applied| applied < generation)
            })
            .map(|member| Laggard {
                node: member.node.clone(),
                heard_at: member.heard_at,
            })
            .collect();
        pending.sort_by(|a, b| a.node.0.cmp(&b.node.0));
        let envoys = live().count();
        Progress {
            envoys,
            applied: envoys - pending.len(),
            pending,
        }
    }

    /// Every Envoy that is remembered, by region and node.
    pub fn sightings(&self, now: Instant) -> Vec<Sighting> {
        let mut sightings: Vec<Sighting> = self
            .0
            .iter()
            .filter(|(_, member)| member.is_remembered(now))
            .map(|((region, agent), member)| Sighting {
                node: member.node.clone(),
                agent: agent.clone(),
                region: region.clone(),
                acknowledged: member.acknowledged,
                heard_at: member.heard_at,
                live: member.is_live(now),
            })
            .collect();
        sightings.sort_by(|a, b| {
            let key = |s: &Sighting| (s.region.clone(), s.node.0.clone(), s.agent.0.clone());
            key(a).cmp(&key(b))
        });
        sightings
    }
}

impl Member {
    fn is_live(&self, now: Instant) -> bool {
        let recent = now.saturating_duration_since(self.answered_at) < LOST_AFTER;
        self.open_requests > 0 || (recent && !self.superseded)
    }

    fn is_remembered(&self, now: Instant) -> bool {
        let recent = now.saturating_duration_since(self.answered_at) < FORGOTTEN_AFTER;
        self.open_requests > 0 || (recent && !self.superseded)
    }
}

impl AgentId {
    /// Reads an instance id; `None` if it is no 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 32 && text.bytes().all(digit)).then(|| Self(text.into()))
    }
}

impl NodeName {
    /// Reads a node id; `None` if it is empty, longer than 128 bytes or not printable ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let printable = |b: u8| (b' '..=b'~').contains(&b);
        let fits = (1..=NODE_BYTES_MAX).contains(&text.len()) && text.bytes().all(printable);
        fits.then(|| Self(text.into()))
    }
}

// === impl AgentId ===

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl NodeName ===

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
