//! Between Envoys and the feed of their sidecar: passes everything on as it is, and writes down what agents report
//! of limits and what they are told.
//!
//! Real sockets on both sides. Does not judge. Invariant: a report is timed before the sidecar has it, and written
//! down, with its answer, before the agent has that.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use envoy::{Stack, ports};
use keytable::{UsageAnswer, UsageBatch};

use crate::acceptor::Acceptor;
use crate::raw::read_whole;

const REPORT: &[u8] = b"POST /feed/v1/usage";

/// A report of an agent that was answered.
#[derive(Clone, Debug)]
pub struct Told {
    /// Of which Envoy, by the name of its node.
    pub node: String,
    /// What it told.
    pub batch: UsageBatch,
    /// When the sidecar was about to get it.
    pub told: Instant,
    /// When the agent was about to get the answer.
    pub heard: Instant,
}

/// The tap; ends when it is dropped.
#[derive(Debug)]
pub struct LedgerTap {
    log: Arc<Mutex<Log>>,
    _acceptor: Acceptor,
}

#[derive(Debug, Default)]
struct Log {
    /// The node of each agent.
    nodes: BTreeMap<String, String>,
    told: Vec<Told>,
}

impl LedgerTap {
    /// Takes the port at which Envoys look for the feed and moves the sidecar, which must not run yet, to
    /// another one.
    pub fn in_front_of(stack: &mut Stack) -> Self {
        let settings = stack.sidecar_settings();
        let (envoys_port, feed_port) = (settings.feed_port, ports::free().unwrap());
        settings.feed_port = feed_port;
        let listener = TcpListener::bind(("127.0.0.1", envoys_port)).expect("the port is free");
        let log = Arc::new(Mutex::new(Log::default()));
        let (to, shared) = (
            SocketAddr::from(([127, 0, 0, 1], feed_port)),
            Arc::clone(&log),
        );
        let acceptor = Acceptor::start(listener, move |client| {
            let _ = pass(client, to, &shared);
        });
        Self {
            log,
            _acceptor: acceptor,
        }
    }

    /// What was reported so far, in the order of the answers.
    pub fn told(&self) -> Vec<Told> {
        self.log.lock().unwrap().told.clone()
    }
}

/// One exchange after the other, until a side ends.
fn pass(mut client: TcpStream, to: SocketAddr, log: &Mutex<Log>) -> Option<()> {
    let mut server = TcpStream::connect(to).ok()?;
    client.set_nodelay(true).ok()?;
    server.set_nodelay(true).ok()?;
    loop {
        let request = read_request(&mut client)?;
        log.lock().unwrap().introduce(&request);
        let told = Instant::now();
        server.write_all(&request).ok()?;
        let answer = read_whole(&mut server)?;
        if request.starts_with(REPORT) {
            log.lock().unwrap().note(&request, &answer, told);
        }
        client.write_all(&answer).ok()?;
    }
}

fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let read = client.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let Some(head) = head_of(&bytes) else {
            continue;
        };
        let mut lines = head.lines();
        let length = lines.find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body_of(&bytes).len() >= length.unwrap_or(0) {
            return Some(bytes);
        }
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n")
}

fn head_of(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..end_of_head(bytes)?];
    Some(String::from_utf8_lossy(head).to_lowercase())
}

fn body_of(bytes: &[u8]) -> &[u8] {
    end_of_head(bytes).map_or(&[], |at| &bytes[at + 4..])
}

impl Log {
    /// An agent that asks for the table says who it is.
    fn introduce(&mut self, request: &[u8]) {
        let head = head_of(request).unwrap_or_default();
        let line = head.lines().next().unwrap_or_default();
        let parameter = |name: &str| {
            let (_, rest) = line.split_once(name)?;
            rest.split(['&', ' ']).next().map(str::to_owned)
        };
        if let (Some(agent), Some(node)) = (parameter("agent="), parameter("node=")) {
            self.nodes.insert(agent, node);
        }
    }

    fn note(&mut self, request: &[u8], answer: &[u8], told: Instant) {
        let Ok(batch) = UsageBatch::decode(body_of(request)) else {
            return;
        };
        // A refusal tells nothing.
        if UsageAnswer::decode(body_of(answer)).is_err() {
            return;
        }
        let agent: String = batch
            .source
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let node = self.nodes.get(&agent).cloned().unwrap_or_default();
        self.told.push(Told {
            node,
            batch,
            told,
            heard: Instant::now(),
        });
    }
}
