//! The sidecar of the model: what it does with a request, by the product's own decisions.
//!
//! Invariant: an agent is counted, and remembered, before it is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use keytable::{Epoch, Generation};
use sidecar::domain::clock::UnixMillis;
use sidecar::domain::envoy::{AgentId, Introduction, KnownEnvoy, Lease, NodeName};
use sidecar::domain::region::RegionId;
use sidecar::feed::fleet::{Awaited, Fleet, Moment};
use sidecar::feed::standing::{Needs, standing};

use crate::envoy::Content;
use crate::history::{History, epoch};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A request as it arrives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Asked {
    pub(crate) token: u32,
    pub(crate) path: String,
}

/// The sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Side {
    pub(crate) history: History,
    fleet: Fleet,
    /// Which Envoys are on the disk: node and lease by instance.
    known: BTreeMap<String, (String, u64)>,
    /// Snapshots whose further pages are kept.
    kept: BTreeSet<Generation>,
}

impl Side {
    pub(crate) fn new() -> Self {
        let history = History::new();
        let fleet = Fleet::remember(Vec::new(), history.newest(), moment(0));
        Self {
            history,
            fleet,
            known: BTreeMap::new(),
            kept: BTreeSet::new(),
        }
    }

    /// A request arrives: the answer, or `None` if it is held.
    pub(crate) fn arrive(&mut self, path: &str, now_ms: u64) -> Option<Content> {
        let who = introduction(path);
        let arrival = self.fleet.arrive(&who, None, moment(now_ms));
        for (_, agent) in arrival.gone {
            self.known.remove(agent.as_str());
        }
        if arrival.is_new {
            let node = who.node.as_str().to_owned();
            let lease_s = who.lease.seconds().unwrap();
            self.known
                .insert(who.agent.as_str().to_owned(), (node, lease_s));
        }
        self.look(path, now_ms)
    }

    /// What there is for a request, now.
    pub(crate) fn look(&mut self, path: &str, now_ms: u64) -> Option<Content> {
        let (of, newest) = (self.history.epoch(), self.history.newest());
        let found = standing(position(path), epoch(of), newest, true);
        let who = introduction(path);
        self.fleet.acknowledge(&who, found.acknowledged);
        let content = match (self.kept_page(path), found.needs) {
            (Some((generation, bucket)), _) => Content::Pages(of, generation, bucket),
            (None, Needs::Nothing) if !path.contains("&snapshot=") => return None,
            (None, Needs::Delta(from)) if !path.contains("&snapshot=") => {
                Content::Delta(of, from, newest)
            }
            (None, _) => {
                self.kept.insert(newest);
                Content::Pages(of, newest, 0)
            }
        };
        self.fleet.leave(&who, moment(now_ms).instant);
        Some(content)
    }

    fn kept_page(&self, path: &str) -> Option<(Generation, u32)> {
        let generation = Generation::new(parameter(path, "snapshot")?.parse().unwrap());
        let bucket = parameter(path, "bucket")?.parse().unwrap();
        self.kept
            .contains(&generation)
            .then_some((generation, bucket))
    }

    /// The wait of a held request is over.
    pub(crate) fn heartbeat(&mut self, path: &str, now_ms: u64) -> Content {
        self.hang_up(path, now_ms);
        let newest = self.history.newest();
        Content::Delta(self.history.epoch(), newest, newest)
    }

    /// The connection of a held request breaks.
    pub(crate) fn hang_up(&mut self, path: &str, now_ms: u64) {
        self.fleet
            .leave(&introduction(path), moment(now_ms).instant);
    }

    /// It is killed and started again.
    pub(crate) fn restart(&mut self, now_ms: u64) {
        self.kept.clear();
        let known = self
            .known
            .iter()
            .map(|(agent, (node, lease_s))| KnownEnvoy {
                introduction: who(agent, node, *lease_s),
                generation: None,
                heard_at: UnixMillis::new(0),
            });
        self.fleet = Fleet::remember(known.collect(), self.history.newest(), moment(now_ms));
    }

    /// Whether a change would be answered with `applied == envoys`.
    pub(crate) fn is_applied(&self, generation: Generation, now_ms: u64) -> bool {
        let now = moment(now_ms).instant;
        let left = self.fleet.awaited(&region(), generation, Awaited::All, now);
        left == 0
    }
}

fn region() -> RegionId {
    RegionId::parse("local").unwrap()
}

fn introduction(path: &str) -> Introduction {
    let text = |name| parameter(path, name).unwrap();
    who(
        text("agent"),
        text("node"),
        text("lease_s").parse().unwrap(),
    )
}

fn who(agent: &str, node: &str, lease_s: u64) -> Introduction {
    Introduction {
        region: region(),
        agent: AgentId::parse(agent).unwrap(),
        node: NodeName::parse(node).unwrap(),
        lease: Lease::Seconds(lease_s),
        version: None,
    }
}

fn position(path: &str) -> Option<(Epoch, Generation)> {
    let epoch = Epoch::parse(parameter(path, "epoch")?)?;
    let generation = parameter(path, "generation")?.parse().ok()?;
    Some((epoch, Generation::new(generation)))
}

/// A query parameter of a path.
fn parameter<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = path.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value)
}

fn moment(now_ms: u64) -> Moment {
    Moment {
        instant: *START + Duration::from_millis(now_ms),
        wall: UnixMillis::new(now_ms),
    }
}
