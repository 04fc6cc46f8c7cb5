//! The sidecar of the model: what it does with a request, by the product's own decisions.
//!
//! Invariant: an agent is counted, and remembered, before it is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use keytable::{Epoch, Generation};
use sidecar::domain::clock::UnixMillis;
use sidecar::domain::envoy::{AgentId, Introduction, KnownEnvoy, Lease, NodeName};
use sidecar::domain::region::RegionId;
use sidecar::feed::fleet::{Awaited, Fleet, Moment};
use sidecar::feed::position::{Needs, judge};

use crate::envoy::Content;
use crate::history::{History, epoch};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A request under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub(crate) token: u32,
    pub(crate) wanted: Arc<Wanted>,
}

/// What a request says, but for its counter and its trouble, which decide nothing.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    who: Introduction,
    position: Option<(Epoch, Generation)>,
    page: Option<(Generation, u32)>,
}

impl Wanted {
    /// The table that it goes on from.
    pub(crate) fn needs(&self) -> Option<Generation> {
        let position = self.position.map(|(_, generation)| generation);
        position.or(self.page.map(|(generation, _)| generation))
    }
}

/// The sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Side {
    pub(crate) history: History,
    fleet: Fleet,
    /// Which Envoys are on the disk: who, and what it had, by instance.
    known: BTreeMap<String, (Introduction, Option<Generation>)>,
    /// Snapshots whose further pages are kept.
    kept: BTreeSet<Generation>,
}

impl Asked {
    /// Reads the path of a request.
    pub(crate) fn new(token: u32, path: &str) -> Self {
        let number = |name| Some(parameter(path, name)?.parse().unwrap());
        let epoch = parameter(path, "epoch").map(|text| Epoch::parse(text).unwrap());
        let bucket = parameter(path, "bucket").map(|text| text.parse().unwrap());
        let wanted = Wanted {
            who: introduction(path),
            position: epoch.zip(number("generation").map(Generation::new)),
            page: number("snapshot").map(Generation::new).zip(bucket),
        };
        Self {
            token,
            wanted: Arc::new(wanted),
        }
    }
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
    pub(crate) fn arrive(&mut self, wanted: &Wanted, now_ms: u64) -> Option<Content> {
        let who = &wanted.who;
        let arrival = self.fleet.arrive(who, None, moment(now_ms));
        for (_, agent) in arrival.gone {
            self.known.remove(agent.as_str());
        }
        if let Some(newcomer) = arrival.newcomer {
            self.fleet.wrote(&newcomer);
            let agent = newcomer.agent.as_str().to_owned();
            self.known.insert(agent, (newcomer, None));
        }
        self.look(wanted, now_ms)
    }

    /// What there is for a request, now.
    pub(crate) fn look(&mut self, wanted: &Wanted, now_ms: u64) -> Option<Content> {
        let (of, newest) = (self.history.epoch(), self.history.newest());
        let found = judge(wanted.position, epoch(of), newest, true);
        self.fleet.acknowledge(&wanted.who, found.acknowledged);
        let kept = wanted
            .page
            .filter(|(generation, _)| self.kept.contains(generation));
        let content = match (kept, found.needs) {
            (Some((generation, bucket)), _) => Content::Pages(of, generation, bucket),
            (None, Needs::Nothing) if wanted.page.is_none() => return None,
            (None, Needs::Delta(from)) if wanted.page.is_none() => Content::Delta(of, from, newest),
            (None, _) => {
                self.kept.insert(newest);
                Content::Pages(of, newest, 0)
            }
        };
        self.hang_up(wanted, now_ms);
        Some(content)
    }

    /// The wait of a held request is over.
    pub(crate) fn heartbeat(&mut self, wanted: &Wanted, now_ms: u64) -> Content {
        self.hang_up(wanted, now_ms);
        let newest = self.history.newest();
        Content::Delta(self.history.epoch(), newest, newest)
    }

    /// A request has its answer, or its connection breaks.
    pub(crate) fn hang_up(&mut self, wanted: &Wanted, now_ms: u64) {
        self.fleet.leave(&wanted.who, moment(now_ms).instant);
    }

    /// Forgets tables and snapshots that nobody needs; `needed`: generations of any epoch.
    pub(crate) fn forget(&mut self, needed: &[Generation]) {
        self.kept.retain(|generation| needed.contains(generation));
        self.history.forget(needed);
    }

    /// It is killed and started again.
    pub(crate) fn kill(&mut self, now_ms: u64) {
        self.kept.clear();
        let known = self.known.values().map(|(who, generation)| KnownEnvoy {
            introduction: who.clone(),
            generation: *generation,
            heard_at: UnixMillis::new(0),
        });
        self.fleet = Fleet::remember(known.collect(), self.history.newest(), moment(now_ms));
    }

    /// It is stopped, whereby it writes down what it knows, and started again.
    pub(crate) fn restart(&mut self, now_ms: u64) {
        let known = self.fleet.known(moment(now_ms).instant).into_iter();
        self.known = known
            .map(|envoy| {
                let name = envoy.introduction.agent.as_str().to_owned();
                (name, (envoy.introduction, envoy.generation))
            })
            .collect();
        self.kill(now_ms);
    }

    /// A copy from before the last change is put in place: a new history, of which nobody has anything.
    pub(crate) fn restore(&mut self, now_ms: u64) {
        self.history.restore();
        for (_, generation) in self.known.values_mut() {
            *generation = None;
        }
        self.kill(now_ms);
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
    Introduction {
        region: region(),
        agent: AgentId::parse(text("agent")).unwrap(),
        node: NodeName::parse(text("node")).unwrap(),
        lease: Lease::parse(text("lease_s")).unwrap(),
        version: None,
    }
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
