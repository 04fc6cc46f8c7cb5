//! The filter as Proxy-Wasm plugin: entry point, contexts, and [`crate::host`] on real host calls.
//!
//! The only file that names `proxy_wasm`; what the gate does to one request is in `exchange`. Holds no
//! logic: each callback hands over to the agent or the gate. What the SDK may still panic on: a context
//! or callout id that Envoy never gave it, and a status other than those documented for
//! `dispatch_http_call` and `set_tick_period`.
//!
//! Invariant: a configuration that is not understood makes `on_configure` false, so that Envoy
//! refuses it.

mod exchange;

use std::rc::Rc;
use std::time::Duration;

use base16ct::HexDisplay;
use keytable::cell::CELLS;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

use crate::abi;
use crate::agent::Agent;
use crate::cells;
use crate::config::{AgentConfig, Config, GateConfig};
use crate::counts::{Counter, Counts};
use crate::follower::Answer;
use crate::gate::{Flow, Gate, GateShared};
use crate::headers::HeaderMap;
use crate::host::{FeedHost, Gauge, Host, HostError, Level};
use crate::metrics::Metrics;
use crate::outcome::Outcome;

/// How often a worker hands over what it counted.
const HAND_OVER_NS: u64 = 1_000_000_000;
/// The queue on which workers hand it over.
const USAGE_QUEUE: &str = "latchkey.usage";
/// The header by which the sidecar says to which request its answer is.
const ANSWERS: &[u8] = b"x-latchkey-answers";
/// How often the agent looks whether a request is due, and the first request's delay.
const TICK: Duration = Duration::from_millis(50);

#[allow(
    unsafe_code,
    reason = "the entry point must be exported under this very name"
)]
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|id| {
        Box::new(Root {
            id,
            role: Role::Unconfigured,
        })
    });
}

/// One plugin instance in one VM.
struct Root {
    /// Envoy's number for it.
    id: u32,
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
        /// When counts were handed over.
        handed_ns: u64,
    },
}

/// One HTTP request.
struct Request {
    gate: Option<(Gate, WasmHost)>,
}

/// Envoy, by host calls. Each request has one: two words.
#[derive(Clone)]
struct WasmHost {
    metrics: Rc<Metrics>,
    /// What was counted and not handed over yet.
    counts: Rc<Counts>,
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
                handed_ns: 0,
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
    let instance = format!("{:x}", HexDisplay(&random));
    // Configuring runs twice, once in a VM that is thrown away: the first tick does the asking.
    abi::register_queue(USAGE_QUEUE).map_err(|_| "Envoy refused the queue".to_owned())?;
    hostcalls::set_tick_period(TICK).map_err(|_| "Envoy refused the timer".to_owned())?;
    Ok(Agent::new(config, node, instance))
}

fn new_gate(config: GateConfig) -> Result<Rc<GateShared>, String> {
    let period = Duration::from_millis(config.stream_check_ms);
    hostcalls::set_tick_period(period).map_err(|_| "Envoy refused the timer".to_owned())?;
    let seed = abi::random::<16>().map_err(|_| "Envoy gave no random bytes".to_owned())?;
    GateShared::new(config, seed).map(Rc::new)
}

impl WasmHost {
    fn new() -> Result<Self, HostError> {
        let metrics = Rc::new(Metrics::define()?);
        let counts = Rc::default();
        Ok(Self { metrics, counts })
    }
}

/// Cuts running requests whose key has lost its right.
fn sweep(root: u32, shared: &GateShared, host: &WasmHost) {
    shared.sweep(host, |stream| {
        abi::set_effective_context(stream).ok().map(|()| host)
    });
    let _ = abi::set_effective_context(root);
}

/// The status of a callout's answer; 0 if there is none to read.
fn call_status(headers: &HeaderMap) -> u16 {
    let status = headers.get(b":status");
    status
        .and_then(|text| std::str::from_utf8(text).ok()?.parse().ok())
        .unwrap_or(0)
}

// === impl Root ===

impl Context for Root {
    fn on_http_call_response(
        &mut self,
        token: u32,
        num_headers: usize,
        body_size: usize,
        _: usize,
    ) {
        let Role::Agent { agent, host } = &mut self.role else {
            return;
        };
        // A failed call has no header map at all, and asking for one is an error. What is too large is
        // not copied: the memory of a VM never shrinks.
        if num_headers == 0 {
            return agent.answer(host, token, Answer::Failed);
        }
        if body_size > agent.answer_bytes_max(token) {
            return agent.answer(host, token, Answer::TooLarge(body_size));
        }
        let headers = abi::header_map(abi::CALL_RESPONSE_HEADERS).ok();
        let headers = headers.and_then(HeaderMap::parse).unwrap_or_default();
        if agent.is_replayed(token, headers.get(ANSWERS)) {
            return agent.answer(host, token, Answer::Replayed);
        }
        match abi::buffer(abi::CALL_RESPONSE_BODY, 0, body_size) {
            Ok(body) => {
                let status = call_status(&headers);
                agent.answer(
                    host,
                    token,
                    Answer::Http {
                        status,
                        body: &body,
                    },
                );
            }
            Err(_) => agent.answer(host, token, Answer::Failed),
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, configuration_size: usize) -> bool {
        let bytes = abi::buffer(abi::PLUGIN_CONFIGURATION, 0, configuration_size);
        match self.configure(&bytes.unwrap_or_default()) {
            Ok(()) => true,
            Err(message) => {
                abi::log(LogLevel::Critical as u32, &format!("latchkey: {message}"));
                false
            }
        }
    }

    fn on_tick(&mut self) {
        match &mut self.role {
            Role::Agent { agent, host } => agent.tick(host),
            Role::Gate {
                shared,
                host,
                handed_ns,
            } => {
                sweep(self.id, shared, host);
                let now_ns = host.monotonic_ns().unwrap_or(u64::MAX);
                shared.limits.tell(host, now_ns);
                if now_ns.saturating_sub(*handed_ns) >= HAND_OVER_NS {
                    *handed_ns = now_ns;
                    shared.hand_over(host);
                }
            }
            Role::Unconfigured => {}
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        if let Role::Agent { agent, host } = &mut self.role {
            while let Ok(Some(bytes)) = abi::dequeue(queue) {
                agent.gather(host, &bytes);
            }
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        let gate = match &self.role {
            Role::Gate { shared, host, .. } => {
                Some((Gate::new(Rc::clone(shared), id), host.clone()))
            }
            Role::Agent { .. } | Role::Unconfigured => None,
        };
        Some(Box::new(Request { gate }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

// === impl Request ===

impl Request {
    /// Hands a callback to the gate; without a gate nothing goes on.
    fn ask(&mut self, question: impl FnOnce(&mut Gate, &WasmHost) -> Flow) -> Action {
        match self.gate.as_mut().map(|(gate, host)| question(gate, host)) {
            Some(Flow::Continue) => Action::Continue,
            Some(Flow::Hold) | None => Action::Pause,
        }
    }
}

impl Context for Request {}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        self.ask(|gate, host| gate.on_headers(host, end_of_stream))
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.ask(|gate, host| gate.on_body(host, size, end_of_stream))
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        self.ask(|gate, host| gate.on_trailers(host))
    }

    fn on_http_response_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        self.ask(|gate, host| gate.on_response_headers(host, end_of_stream))
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.ask(|gate, host| gate.on_response_body(host, size, end_of_stream))
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        self.ask(|gate, host| gate.on_response_trailers(host))
    }
}

/// Envoy deletes the context when the request is over, however it ended.
impl Drop for Request {
    fn drop(&mut self) {
        if let Some((gate, host)) = &mut self.gate {
            gate.on_end(host);
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

    fn cell(&self, index: u16) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        abi::numbered_shared_data(&cells::name(index))
    }

    fn set_cell(&self, index: u16, value: &[u8], number: u32) -> Result<bool, HostError> {
        abi::set_numbered_shared_data(&cells::name(index), value, number)
    }

    fn gauge(&self, gauge: Gauge) -> Result<u64, HostError> {
        abi::metric(self.metrics.gauge(gauge))
    }

    fn set_gauge(&self, gauge: Gauge, value: u64) -> Result<(), HostError> {
        abi::record_metric(self.metrics.gauge(gauge), value)
    }

    fn count(&self, outcome: Outcome) {
        self.counts.add(Counter::Requests(outcome), 1);
    }

    fn count_cut(&self) {
        self.counts.add(Counter::StreamsCut, 1);
    }

    fn count_lost(&self, requests: u64) {
        self.counts.add(Counter::UsageLost, requests);
    }

    fn count_refused_question(&self) {
        self.counts.add(Counter::QuestionsRefused, 1);
    }

    fn count_removed_header(&self, word: &str) {
        self.counts.add(Counter::HeadersRemoved(word), 1);
    }

    fn take_counts(&self) -> Option<Vec<u8>> {
        self.counts.take()
    }

    fn hand_over(&self, message: &[u8]) -> Result<(), HostError> {
        let vm_id = abi::property(b"plugin_vm_id")?.unwrap_or_default();
        abi::enqueue(abi::resolve_queue(&vm_id, USAGE_QUEUE)?, message)
    }

    fn monotonic_ns(&self) -> Result<u64, HostError> {
        abi::monotonic_ns()
    }

    fn unix_ms(&self) -> Result<u64, HostError> {
        abi::unix_ns().map(|ns| ns / 1_000_000)
    }

    fn log(&self, level: Level, message: &str) {
        let level = match level {
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        abi::log(level as u32, message);
    }
}

impl FeedHost for WasmHost {
    fn make_cells(&self, value: &[u8]) -> Result<(), HostError> {
        for name in (0..CELLS).map(cells::name) {
            if abi::shared_data(&name)?.is_none() {
                abi::set_shared_data(&name, value)?;
            }
        }
        Ok(())
    }

    fn add(&self, counter: Counter<'_>, by: u64) {
        self.metrics.add(counter, by);
    }

    fn get(&self, cluster: &str, path: &str, timeout_ms: u64) -> Result<u32, HostError> {
        let headers = vec![(":method", "GET"), (":path", path), (":authority", cluster)];
        let timeout = Duration::from_millis(timeout_ms);
        hostcalls::dispatch_http_call(cluster, headers, None, vec![], timeout)
            .map_err(|status| HostError(status as u32))
    }

    fn post(
        &self,
        cluster: &str,
        path: &str,
        body: &[u8],
        timeout_ms: u64,
    ) -> Result<u32, HostError> {
        let headers = vec![
            (":method", "POST"),
            (":path", path),
            (":authority", cluster),
            ("content-type", "application/octet-stream"),
        ];
        let timeout = Duration::from_millis(timeout_ms);
        hostcalls::dispatch_http_call(cluster, headers, Some(body), vec![], timeout)
            .map_err(|status| HostError(status as u32))
    }
}
