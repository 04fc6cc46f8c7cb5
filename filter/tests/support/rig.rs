//! An agent between a [`FakeHost`] and a [`FakeSidecar`].
//!
//! Invariant: time moves only when a test says so.

use std::cell::Cell;
use std::rc::Rc;

use filter::agent::Agent;
use filter::config::{AgentConfig, Config, MaxStaleness};
use filter::follower::Answer;
use filter::gate::{Gate, GateShared};
use filter::host::Gauge;
use filter::table::{CheckedRecord, Unavailable, look_up};
use keytable::{Frame, PresentedKey, Record, RecordView, Tokens, UsageBatch, UsageOutcome};

use super::host::Callout;
use super::request::Exchange;
use super::sidecar::Table;
use super::{FakeHost, FakeSidecar, hash, key};

/// Slots beside the buckets, behind `latchkey.`.
const OTHERS: [&str; 4] = ["head", "changes", "lease", "ledger"];
/// The agent's instance id.
pub(crate) const INSTANCE: &str = "0123456789abcdef0123456789abcdef";

/// One Envoy's agent and its sidecar.
pub(crate) struct Rig {
    pub(crate) host: FakeHost,
    pub(crate) agent: Agent,
    pub(crate) sidecar: FakeSidecar,
    pub(crate) shared: Rc<GateShared>,
    /// The number of the newest request.
    pub(crate) streams: Cell<u32>,
}

/// An agent's settings; `staleness_s` is how long the lease is.
pub(crate) fn agent_config(staleness_s: u64) -> AgentConfig {
    AgentConfig {
        region: "local".to_owned(),
        cluster: "sidecar".to_owned(),
        wait_s: 25,
        max_staleness: MaxStaleness::Seconds(staleness_s),
        signed_table: None,
    }
}

impl Rig {
    /// An agent that has asked nothing yet.
    pub(crate) fn cold(sidecar: FakeSidecar) -> Self {
        let host = FakeHost::default();
        host.advance_ms(1_000_000);
        let shared = gate_shared(r#""hold_bytes_max":4096"#);
        Self {
            host,
            agent: new_agent(),
            sidecar,
            shared,
            streams: Cell::new(0),
        }
    }

    /// An Envoy with these records in force.
    pub(crate) fn with(records: &[Record]) -> Self {
        let mut rig = Self::cold(FakeSidecar::with(records));
        rig.sync();
        rig
    }

    /// An Envoy with these records in force and these settings of the gate.
    pub(crate) fn configured(records: &[Record], settings: &str) -> Self {
        let mut rig = Self::cold(FakeSidecar::with(records));
        rig.shared = gate_shared(settings);
        rig.sync();
        rig
    }

    /// The request that waits for an answer; asks for one if it is time.
    pub(crate) fn request(&mut self) -> Option<Callout> {
        self.agent.tick(&self.host);
        let mut callouts = self.host.shared.callouts.borrow_mut();
        let newest = callouts.pop();
        callouts.clear();
        newest
    }

    /// Lets the sidecar answer one request. True if it had nothing new.
    pub(crate) fn exchange(&mut self) -> bool {
        let request = self.request().expect("a request is due");
        let body = self.sidecar.answer(&request.path);
        self.deliver(&request, &body);
        matches!(Frame::decode(&body), Ok(Frame::Delta(delta)) if delta.from == delta.to)
    }

    /// Hands a body with status 200 to the agent.
    pub(crate) fn deliver(&mut self, request: &Callout, body: &[u8]) {
        self.answer(request, Answer::Http { status: 200, body });
    }

    pub(crate) fn answer(&mut self, request: &Callout, answer: Answer<'_>) {
        self.agent.answer(&self.host, request.token, answer);
    }

    /// Until the sidecar has nothing new.
    pub(crate) fn sync(&mut self) {
        while !self.exchange() {}
    }

    /// Waits out any back-off.
    pub(crate) fn rest(&self) {
        self.host.advance_ms(7_000);
    }

    /// Changes the sidecar's table and brings it here.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut FakeSidecar)) {
        change(&mut self.sidecar);
        self.sync();
    }

    pub(crate) fn edition(&self) -> u64 {
        self.host.read_gauge(Gauge::Edition)
    }

    pub(crate) fn lease_until_ms(&self) -> u64 {
        self.host.read_gauge(Gauge::LeaseUntilMs)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.host.shared.monotonic_ns.get() / 1_000_000
    }

    /// What a worker finds of key `n`.
    pub(crate) fn find(&self, n: usize) -> Result<Option<CheckedRecord>, Unavailable> {
        self.shared.table.open(&self.host)?;
        look_up(&self.host, &hash(n))
    }

    /// What a worker finds of key `n`, if it remembers what it may.
    pub(crate) fn seen(&self, n: usize) -> Result<Option<CheckedRecord>, Unavailable> {
        see(&self.shared, &self.host, n)
    }

    /// From now on a worker looks at these keys after each write of the agent.
    pub(crate) fn look_on<const N: usize>(&self, keys: [usize; N]) {
        let shared = Rc::clone(&self.shared);
        let look = move |host: &FakeHost| keys.iter().for_each(|n| drop(see(&shared, host, *n)));
        *self.host.shared.onlooker.borrow_mut() = Some(Box::new(look));
    }

    /// The worker's tick comes, while these requests are running.
    pub(crate) fn tick(&self, running: &[&Exchange]) {
        let find = |stream| running.iter().find(|exchange| exchange.stream == stream);
        self.shared.sweep(&self.host, |stream| {
            find(stream).map(|exchange| &exchange.host)
        });
        running.iter().for_each(|exchange| exchange.play());
    }

    /// A new agent in the same Envoy process.
    pub(crate) fn restart_agent(&mut self) {
        self.agent = new_agent();
        self.host.shared.callouts.borrow_mut().clear();
    }

    /// What the gate has counted since the last time: resources and how often.
    pub(crate) fn counted(&self) -> Vec<(String, u64)> {
        let batches = self.shared.take_counts(0);
        let rows = batches
            .iter()
            .flat_map(|batch| UsageBatch::decode(batch).unwrap().rows);
        rows.map(|row| (row.resource, row.count)).collect()
    }

    /// What requests used since the last time: resources, how many requests, tokens.
    pub(crate) fn used(&self) -> Vec<(String, u64, Tokens)> {
        let batches = self.shared.take_counts(0);
        let rows = batches
            .iter()
            .flat_map(|batch| UsageBatch::decode(batch).unwrap().rows);
        rows.map(|row| (row.resource, row.count, row.tokens))
            .collect()
    }

    /// The same, and to which ends they came.
    pub(crate) fn outcomes(&self) -> Vec<(String, UsageOutcome, u64)> {
        let batches = self.shared.take_counts(0);
        let rows = batches
            .iter()
            .flat_map(|batch| UsageBatch::decode(batch).unwrap().rows);
        rows.map(|row| (row.resource, row.outcome, row.count))
            .collect()
    }

    /// A request that has not begun: a POST of JSON to an endpoint that names a model.
    pub(crate) fn post(&self) -> Exchange {
        let stream = self.streams.get() + 1;
        self.streams.set(stream);
        let gate = Gate::new(Rc::clone(&self.shared), stream);
        Exchange::new(self.host.sibling(), gate, stream)
    }
}

fn see(
    shared: &GateShared,
    host: &FakeHost,
    n: usize,
) -> Result<Option<CheckedRecord>, Unavailable> {
    let text = key(n);
    shared.table.open(host)?;
    let known = shared
        .table
        .find(host, &PresentedKey::parse(text.as_bytes()).unwrap())?;
    Ok(known.map(|known| known.record))
}

/// A gate with these settings, the members of a JSON object.
fn gate_shared(settings: &str) -> Rc<GateShared> {
    let text = format!(r#"{{"role":"gate",{settings}}}"#);
    match Config::parse(text.as_bytes()) {
        Ok(Config::Gate(config)) => Rc::new(GateShared::new(config, [7; 16]).unwrap()),
        other => panic!("{text}: {other:?}"),
    }
}

fn new_agent() -> Agent {
    Agent::new(&agent_config(60), "node 1".to_owned(), INSTANCE.to_owned())
}

/// Every record that the slots of an Envoy hold; each stands once, in its own bucket.
pub(crate) fn held(host: &FakeHost) -> Table {
    let mut table = Table::new();
    for (name, bytes) in host.shared.slots.borrow().iter() {
        let Some(bucket) = name
            .strip_prefix("latchkey.")
            .filter(|rest| !OTHERS.contains(rest))
        else {
            assert!(name.starts_with("latchkey."), "{name}");
            continue;
        };
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (view, behind) = RecordView::split_first(rest).unwrap();
            assert_eq!(format!("{:04x}", view.key_hash().bucket()), bucket);
            let earlier = table.insert(*view.key_hash().as_bytes(), view.as_bytes().to_vec());
            assert!(earlier.is_none(), "a key stands twice");
            rest = behind;
        }
    }
    table
}
