//! The filter as Proxy-Wasm plugin: its contexts, and [`crate::host`] on real host calls.
//!
//! Holds no logic: each callback hands over to the agent or the gate. Which callback is about which
//! context is the business of [`crate::exports`].
//!
//! Invariant: a configuration that is not understood makes `on_configure` false, so that Envoy
//! refuses it.

use std::rc::Rc;

use crate::abi;
use crate::agent::Agent;
use crate::config::{AgentConfig, Config, GateConfig};
use crate::follower::Answer;
use crate::gate::{Flow, Gate, GateShared};
use crate::headers::HeaderMap;
use crate::host::{FeedHost, Gauge, Host, HostError, Level, RequestHost};
use crate::outcome::Outcome;
use crate::reply::Reply;

/// How often a worker hands over what it counted, in milliseconds.
const HAND_OVER_MS: u32 = 1_000;
/// The queue on which workers hand it over.
const USAGE_QUEUE: &str = "latchkey.usage";
/// How often the agent looks whether a request is due, and the first request's delay,
/// in milliseconds.
const TICK_MS: u32 = 50;

/// One plugin instance in one VM.
pub(crate) struct Root {
    role: Role,
}

enum Role {
    Unconfigured,
    Agent {
        agent: Box<Agent>,
        host: WasmHost,
    },
    Gate {
        shared: Rc<GateShared>,
        host: WasmHost,
    },
}

/// One HTTP request.
pub(crate) struct Request {
    gate: Gate,
    host: WasmHost,
}

/// What Envoy shall do with what it has in hand, in Proxy-Wasm's numbers.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    /// Pass it on.
    Continue = 0,
    /// Hold it.
    Pause = 1,
}

/// Envoy, by host calls. Each request has one: two words.
#[derive(Clone)]
struct WasmHost {
    metrics: Rc<Metrics>,
}

/// The ids of the filter's metrics.
struct Metrics {
    edition: u32,
    lease_until_ms: u32,
    generation: u32,
    records: u32,
    lease_left_s: u32,
    /// One for each outcome, by its number.
    outcomes: [u32; Outcome::COUNT],
}

impl Root {
    fn configure(&mut self, bytes: &[u8]) -> Result<(), String> {
        let config = Config::parse(bytes).map_err(|error| error.to_string())?;
        let host = WasmHost::new().map_err(|HostError(status)| {
            format!("Envoy refused to define the filter's metrics ({status})")
        })?;
        self.role = match config {
            Config::Agent(config) => Role::Agent {
                agent: Box::new(new_agent(&config)?),
                host,
            },
            Config::Gate(config) => Role::Gate {
                shared: new_gate(config)?,
                host,
            },
        };
        Ok(())
    }
}

fn new_agent(config: &AgentConfig) -> Result<Agent, String> {
    let node = abi::property(b"xds\0node\0id")
        .ok()
        .flatten()
        .unwrap_or_default();
    let node = String::from_utf8_lossy(&node).into_owned();
    if node.is_empty() {
        return Err("this Envoy has no node id: set 'node: {id: ..}' in the bootstrap".to_owned());
    }
    let random = abi::random::<16>().map_err(|_| "Envoy gave no random bytes".to_owned())?;
    let instance = random
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    // Configuring runs twice, once in a VM that is thrown away: the first tick does the asking.
    abi::register_queue(USAGE_QUEUE).map_err(|_| "Envoy refused the queue".to_owned())?;
    abi::set_tick_period(TICK_MS).map_err(|_| "Envoy refused the timer".to_owned())?;
    Ok(Agent::new(config, node, instance))
}

fn new_gate(config: GateConfig) -> Result<Rc<GateShared>, String> {
    abi::set_tick_period(HAND_OVER_MS).map_err(|_| "Envoy refused the timer".to_owned())?;
    let seed = abi::random::<16>().map_err(|_| "Envoy gave no random bytes".to_owned())?;
    GateShared::new(config, seed).map(Rc::new)
}

impl WasmHost {
    fn new() -> Result<Self, HostError> {
        let gauge = |name| abi::define_metric(abi::METRIC_GAUGE, name);
        let mut outcomes = [0; Outcome::COUNT];
        for (id, outcome) in outcomes.iter_mut().zip(Outcome::all()) {
            let name = format!("latchkey.requests.{}", outcome.word());
            *id = abi::define_metric(abi::METRIC_COUNTER, &name)?;
        }
        let metrics = Rc::new(Metrics {
            edition: gauge("latchkey.edition")?,
            lease_until_ms: gauge("latchkey.lease_until_ms")?,
            generation: gauge("latchkey.generation")?,
            records: gauge("latchkey.records")?,
            lease_left_s: gauge("latchkey.lease_left_s")?,
            outcomes,
        });
        Ok(Self { metrics })
    }

    fn id(&self, gauge: Gauge) -> u32 {
        match gauge {
            Gauge::Edition => self.metrics.edition,
            Gauge::LeaseUntilMs => self.metrics.lease_until_ms,
            Gauge::Generation => self.metrics.generation,
            Gauge::Records => self.metrics.records,
            Gauge::LeaseLeftS => self.metrics.lease_left_s,
        }
    }
}

/// Gives the agent what this worker counted. Without an agent the counts are lost, no more.
fn hand_over(shared: &GateShared) {
    let Ok(now_unix_ms) = abi::unix_ns().map(|ns| ns / 1_000_000) else {
        return;
    };
    let vm_id = abi::property(b"plugin_vm_id")
        .ok()
        .flatten()
        .unwrap_or_default();
    for batch in shared.take_counts(now_unix_ms) {
        if let Ok(queue) = abi::resolve_queue(&vm_id, USAGE_QUEUE) {
            let _ = abi::enqueue(queue, &batch);
        }
    }
}

/// The status of a callout's answer; 0 if there is none to read.
fn call_status() -> u16 {
    let map = abi::header_map(abi::CALL_RESPONSE_HEADERS)
        .ok()
        .and_then(HeaderMap::parse);
    let status = map.as_ref().and_then(|headers| headers.get(b":status"));
    status
        .and_then(|text| std::str::from_utf8(text).ok()?.parse().ok())
        .unwrap_or(0)
}

// === impl Root ===

impl Root {
    pub(crate) fn new() -> Self {
        let role = Role::Unconfigured;
        Self { role }
    }

    /// A new request; `None` if this plugin is no gate: then nothing goes on.
    pub(crate) fn request(&self) -> Option<Request> {
        match &self.role {
            Role::Gate { shared, host } => Some(Request {
                gate: Gate::new(Rc::clone(shared)),
                host: host.clone(),
            }),
            Role::Agent { .. } | Role::Unconfigured => None,
        }
    }

    pub(crate) fn on_configure(&mut self, size: usize) -> bool {
        let bytes = abi::buffer(abi::PLUGIN_CONFIGURATION, 0, size);
        match self.configure(&bytes.unwrap_or_default()) {
            Ok(()) => true,
            Err(message) => {
                abi::log(abi::LOG_CRITICAL, &format!("latchkey: {message}"));
                false
            }
        }
    }

    pub(crate) fn on_tick(&mut self) {
        match &mut self.role {
            Role::Agent { agent, host } => agent.tick(host),
            Role::Gate { shared, .. } => hand_over(shared),
            Role::Unconfigured => {}
        }
    }

    pub(crate) fn on_queue_ready(&mut self, queue: u32) {
        if let Role::Agent { agent, .. } = &mut self.role {
            while let Ok(Some(bytes)) = abi::dequeue(queue) {
                agent.gather(&bytes);
            }
        }
    }

    pub(crate) fn on_http_call_response(&mut self, token: u32, headers: usize, body_size: usize) {
        let Role::Agent { agent, host } = &mut self.role else {
            return;
        };
        // A failed call has no header map at all, and asking for one is an error.
        if headers == 0 {
            return agent.answer(host, token, Answer::Failed);
        }
        match abi::buffer(abi::CALL_RESPONSE_BODY, 0, body_size) {
            Ok(body) => {
                agent.answer(
                    host,
                    token,
                    Answer::Http {
                        status: call_status(),
                        body: &body,
                    },
                );
            }
            Err(_) => agent.answer(host, token, Answer::Failed),
        }
    }
}

// === impl Request ===

impl Request {
    pub(crate) fn on_request_headers(&mut self, end_of_stream: bool) -> Action {
        self.gate.on_headers(&self.host, end_of_stream).into()
    }

    pub(crate) fn on_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.gate.on_body(&self.host, size, end_of_stream).into()
    }

    pub(crate) fn on_request_trailers(&mut self) -> Action {
        self.gate.on_trailers(&self.host).into()
    }

    pub(crate) fn on_response_headers(&mut self, end_of_stream: bool) -> Action {
        let flow = self.gate.on_response_headers(&self.host, end_of_stream);
        flow.into()
    }

    pub(crate) fn on_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let flow = self.gate.on_response_body(&self.host, size, end_of_stream);
        flow.into()
    }
}

// === impl Action ===

impl From<Flow> for Action {
    fn from(flow: Flow) -> Self {
        match flow {
            Flow::Continue => Self::Continue,
            Flow::Hold => Self::Pause,
        }
    }
}

// === impl WasmHost ===

impl Host for WasmHost {
    fn slot(&self, name: &str) -> Result<Option<Vec<u8>>, HostError> {
        abi::shared_data(name).map(|value| value.filter(|bytes| !bytes.is_empty()))
    }

    fn set_slot(&self, name: &str, value: &[u8]) -> Result<(), HostError> {
        abi::set_shared_data(name, value)
    }

    fn gauge(&self, gauge: Gauge) -> Result<u64, HostError> {
        abi::metric(self.id(gauge))
    }

    fn set_gauge(&self, gauge: Gauge, value: u64) -> Result<(), HostError> {
        abi::record_metric(self.id(gauge), value)
    }

    fn count(&self, outcome: Outcome) {
        // A count that cannot be kept must not decide about a request.
        if let Some(id) = self.metrics.outcomes.get(outcome as usize) {
            let _ = abi::count(*id);
        }
    }

    fn monotonic_ns(&self) -> Result<u64, HostError> {
        abi::monotonic_ns()
    }

    fn unix_ms(&self) -> Result<u64, HostError> {
        abi::unix_ns().map(|ns| ns / 1_000_000)
    }

    fn log(&self, level: Level, message: &str) {
        let level = match level {
            Level::Info => abi::LOG_INFO,
            Level::Warn => abi::LOG_WARN,
            Level::Error => abi::LOG_ERROR,
        };
        abi::log(level, message);
    }
}

impl FeedHost for WasmHost {
    fn get(&self, cluster: &str, path: &str, timeout_ms: u64) -> Result<u32, HostError> {
        let headers = HeaderMap::from_pairs(&[
            (b":method", b"GET"),
            (b":path", path.as_bytes()),
            (b":authority", cluster.as_bytes()),
        ]);
        abi::http_call(cluster, headers.as_bytes(), &[], timeout_ms)
    }

    fn post(
        &self,
        cluster: &str,
        path: &str,
        body: &[u8],
        timeout_ms: u64,
    ) -> Result<u32, HostError> {
        let headers = HeaderMap::from_pairs(&[
            (b":method", b"POST"),
            (b":path", path.as_bytes()),
            (b":authority", cluster.as_bytes()),
            (b"content-type", b"application/octet-stream"),
        ]);
        abi::http_call(cluster, headers.as_bytes(), body, timeout_ms)
    }
}

impl RequestHost for WasmHost {
    fn request_headers(&self) -> Result<HeaderMap, HostError> {
        let buffer = abi::header_map(abi::REQUEST_HEADERS)?;
        HeaderMap::parse(buffer).ok_or(HostError(u32::MAX))
    }

    fn set_request_header(&self, name: &[u8], value: &[u8]) -> Result<(), HostError> {
        abi::set_header(abi::REQUEST_HEADERS, name, value)
    }

    fn remove_request_header(&self, name: &[u8]) -> Result<(), HostError> {
        abi::remove_header(abi::REQUEST_HEADERS, name)
    }

    fn request_trailers(&self) -> Result<HeaderMap, HostError> {
        let buffer = abi::header_map(abi::REQUEST_TRAILERS)?;
        HeaderMap::parse(buffer).ok_or(HostError(u32::MAX))
    }

    fn remove_request_trailer(&self, name: &[u8]) -> Result<(), HostError> {
        abi::remove_header(abi::REQUEST_TRAILERS, name)
    }

    fn request_body(&self, start: usize, len: usize) -> Result<Vec<u8>, HostError> {
        abi::buffer(abi::REQUEST_BODY, start, len)
    }

    fn response_headers(&self) -> Result<HeaderMap, HostError> {
        let buffer = abi::header_map(abi::RESPONSE_HEADERS)?;
        HeaderMap::parse(buffer).ok_or(HostError(u32::MAX))
    }

    fn remove_response_header(&self, name: &[u8]) -> Result<(), HostError> {
        abi::remove_header(abi::RESPONSE_HEADERS, name)
    }

    fn response_body(&self, start: usize, len: usize) -> Result<Vec<u8>, HostError> {
        abi::buffer(abi::RESPONSE_BODY, start, len)
    }

    fn replace_response_body(&self, size: usize, body: &[u8]) -> Result<(), HostError> {
        abi::set_buffer(abi::RESPONSE_BODY, 0, size, body)
    }

    fn source_address(&self) -> Result<Vec<u8>, HostError> {
        abi::property(b"source\0address").map(Option::unwrap_or_default)
    }

    fn set_filter_state(&self, name: &str, value: &[u8]) -> Result<(), HostError> {
        abi::set_property(name.as_bytes(), value)
    }

    fn reply(&self, reply: &Reply) -> Result<(), HostError> {
        let pairs: Vec<(&[u8], &[u8])> = reply
            .headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        let headers = HeaderMap::from_pairs(&pairs);
        abi::send_local_response(reply.status, reply.details, headers.as_bytes(), &reply.body)
    }
}
