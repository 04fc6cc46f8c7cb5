//! The sidecar as a process: started, asked, measured.
//!
//! Does not seed. Invariant: the process is gone when its handle is.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use keytable::Frame;
use keytable::limits::BUCKETS;
use serde_json::Value;

pub(crate) const FEED_TOKEN: &str = "Bearer feed-token-of-the-benchmark";

/// A running sidecar.
pub(crate) struct Program {
    child: Child,
    directory: PathBuf,
    admin: String,
    feed: String,
    /// From its start until it said that it was ready.
    pub(crate) ready_s: f64,
}

/// The arguments of a sidecar in this directory.
pub(crate) fn flags(directory: &Path) -> Vec<String> {
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let pairs = [
        ("--data", path("data")),
        ("--admin", "127.0.0.1:0".into()),
        ("--feed", "127.0.0.1:0".into()),
        ("--feed-token-file", path("feed-token")),
        ("--operator-token-file", path("operator-token")),
        ("--seed-region", "local".into()),
        ("--key-limit-default", "10000000".into()),
    ];
    let flags = ["serve".to_owned(), "--json".to_owned()].into_iter();
    let pairs = pairs
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value]);
    flags.chain(pairs).collect()
}

pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

impl Program {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(directory: &Path) -> Self {
        let begin = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sidecar"))
            .args(flags(directory))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let events = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let ready = events.into_iter().find(|event| event["event"] == "ready");
        let ready = ready.expect("the sidecar did not start");
        let text = |member: &str| ready[member].as_str().unwrap().to_owned();
        Self {
            child,
            directory: directory.into(),
            admin: text("admin"),
            feed: text("feed"),
            ready_s: begin.elapsed().as_secs_f64(),
        }
    }

    /// Ends it without a chance to tidy up.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What it has in memory.
    pub(crate) fn resident_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.unwrap().trim().trim_end_matches(" kB").trim();
        mib(1024 * kib.parse::<u64>().unwrap())
    }

    /// A call with the operator's token that has to succeed.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Vec<u8> {
        let token = fs::read_to_string(self.directory.join("operator-token")).unwrap();
        let token = format!("Bearer {}", token.trim());
        let body = body.map(Value::to_string).unwrap_or_default();
        ask(method, &format!("{}{path}", self.admin), &token, body)
    }

    /// Reads the table as an Envoy that starts does: seconds, and MiB.
    pub(crate) fn whole_table(&self) -> (f64, f64) {
        let begin = Instant::now();
        let agent = "a".repeat(32);
        let url = format!(
            "{}/feed/v1/table?region=local&agent={agent}&node=bench&wait_s=0",
            self.feed
        );
        let (mut bytes, mut place) = (0, String::new());
        loop {
            let frame = ask("GET", &format!("{url}{place}"), FEED_TOKEN, String::new());
            bytes += frame.len();
            let Frame::Page(page) = Frame::decode(&frame).unwrap() else {
                panic!("no page of a snapshot");
            };
            if page.end_bucket() >= BUCKETS {
                return (begin.elapsed().as_secs_f64(), mib(bytes as u64));
            }
            let (generation, bucket) = (page.generation.get(), page.end_bucket());
            place = format!("&snapshot={generation}&bucket={bucket}");
        }
    }
}

fn ask(method: &str, url: &str, token: &str, body: String) -> Vec<u8> {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(url)
        .header("authorization", token)
        .header("content-type", "application/json")
        .body(body)
        .unwrap();
    let mut bytes = Vec::new();
    let answer = ureq::run(request).unwrap_or_else(|error| panic!("{url}: {error}"));
    answer
        .into_body()
        .into_reader()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

// === impl Program ===

impl Drop for Program {
    fn drop(&mut self) {
        // SIGTERM, so that it puts its log away.
        if matches!(self.child.try_wait(), Ok(None)) {
            let id = self.child.id().to_string();
            let _ = Command::new("kill").arg(id).status();
        }
        let _ = self.child.wait();
    }
}
