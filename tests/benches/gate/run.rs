//! One run of one variant: a fresh Envoy, its answers checked, warmed up, loaded, and its
//! accounting read.
//!
//! Does not choose variants or judge figures. Invariant: a run whose answers are not the expected
//! ones ends the benchmark.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use envoy::files::RunDir;
use envoy::process::{Process, Program};
use envoy::{ports, wait};
use serde_json::{Value, json};
use tests::measure::{cpu_us, rss_kib};
use tests::raw;

use crate::feed::Feed;
use crate::filters::{Filter, Place};
use crate::keys::{MODEL, key};
use crate::table::Table;
use crate::variants::{Body, Keys, Load, Variant};

/// How long an Envoy with a million keys may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two changes of the table that changes 100 times a second.
const CHANGE_EVERY: Duration = Duration::from_millis(10);
const PATH: &str = "/v1/chat/completions";
const CONNECTIONS: &str = "32";

/// The programs that a run needs.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) envoy: PathBuf,
    pub(crate) filter_wasm: PathBuf,
    pub(crate) wrk: PathBuf,
    pub(crate) taskset: PathBuf,
    pub(crate) warm_up_s: u64,
    pub(crate) measured_s: u64,
}

/// What one run gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// CPU time of Envoy for each request.
    pub(crate) cpu_us: f64,
    /// The same of the server that is asked, of `ext_authz` alone.
    pub(crate) server_cpu_us: f64,
    pub(crate) requests_per_s: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) rss_mib: f64,
}

/// An Envoy that is measured. Fields are dropped in this order.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) envoy: Process,
    server: Option<Process>,
    pub(crate) feed: Option<Feed>,
    pub(crate) url: String,
    pub(crate) admin_url: String,
    pub(crate) dir: RunDir,
}

impl Running {
    /// Starts the Envoy of a variant, and what it needs, and waits until it listens.
    pub(crate) fn start(tools: &Tools, variant: &Variant, table: Option<Arc<Table>>) -> Self {
        let dir = RunDir::temporary().unwrap();
        let feed = table.map(Feed::serve);
        let server = match variant.filter {
            Filter::ExtAuthz(keys) => {
                let place = place(tools, &dir, "server", 0);
                Some((
                    start(tools, Filter::ApiKeyAuth(keys), &place, "1", 1),
                    place,
                ))
            }
            _ => None,
        };
        let served = server.as_ref().map(|(_, place)| place.listen_port);
        let other = feed.as_ref().map(Feed::port).or(served).unwrap_or(0);
        let mut place = place(tools, &dir, "envoy", other);
        place.is_observing = variant.is_observing;
        place.has_bodies = variant.load.body == Body::Json;
        if let Some(file) = &variant.build {
            place.filter_wasm.clone_from(file);
            place.is_restricted = false;
        }
        let envoy = start(
            tools,
            variant.filter,
            &place,
            variant.envoy_cores,
            variant.workers,
        );
        Self {
            envoy,
            server: server.map(|(process, _)| process),
            feed,
            url: format!("http://127.0.0.1:{}", place.listen_port),
            admin_url: format!("http://127.0.0.1:{}", place.admin_port),
            dir,
        }
    }

    /// Waits until the key table, if there is one, is in force; gives the time since the agent
    /// asked for it.
    pub(crate) fn wait_until_loaded(&self) -> Duration {
        let feed = self.feed.as_ref();
        feed.map_or(Duration::ZERO, |feed| feed.wait_until_loaded(PATIENCE))
    }

    /// Waits for the table, checks the answers, warms up, measures.
    pub(crate) fn measure(&self, tools: &Tools, variant: &Variant) -> Sample {
        self.wait_until_loaded();
        self.check(variant);
        self.load(tools, variant, tools.warm_up_s);
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            if let Some(feed) = self.feed.as_ref().filter(|_| variant.is_changing) {
                scope.spawn(|| keep_changing(feed, &over));
            }
            let sample = self.sample(tools, variant);
            over.store(true, Ordering::SeqCst);
            sample
        })
    }

    fn sample(&self, tools: &Tools, variant: &Variant) -> Sample {
        let server = self.server.as_ref();
        let server_cpu = || server.map_or(0.0, |process| cpu_us(process.pid()));
        let before = (cpu_us(self.envoy.pid()), server_cpu());
        let said = self.load(tools, variant, tools.measured_s);
        let after = (cpu_us(self.envoy.pid()), server_cpu());
        let number = |member: &str| said[member].as_f64().unwrap();
        let requests = number("requests");
        let refused = if variant.load.is_refused {
            requests
        } else {
            0.0
        };
        assert_eq!(
            (number("broken"), number("refused")),
            (0.0, refused),
            "{}",
            variant.name
        );
        Sample {
            cpu_us: (after.0 - before.0) / requests,
            server_cpu_us: (after.1 - before.1) / requests,
            requests_per_s: requests / number("duration_us") * 1e6,
            p50_us: number("p50_us"),
            p99_us: number("p99_us"),
            rss_mib: rss_kib(self.envoy.pid()) / 1024.0,
        }
    }

    /// One request with a key of the load, and one with a key that nobody has.
    fn check(&self, variant: &Variant) {
        let known = match variant.load.keys {
            Keys::Unknown => key(usize::MAX / 2),
            Keys::Warm | Keys::EachInTurn => key(0),
        };
        let send = |key: &str| {
            let body = body(variant.load).unwrap_or_default();
            raw::post_chat_with(&self.url, key, &body).status
        };
        let is_refused = send(&known) >= 400;
        assert_eq!(is_refused, variant.load.is_refused, "{}", variant.name);
        let checks_keys = !matches!(variant.filter, Filter::None | Filter::NoopWasm);
        let unknown = send(&key(usize::MAX / 2));
        assert_eq!(unknown == 401, checks_keys, "{}: {unknown}", variant.name);
    }

    fn load(&self, tools: &Tools, variant: &Variant, seconds: u64) -> Value {
        let keys = self.dir.file("load-keys.txt");
        if !keys.exists() {
            fs::write(&keys, lines(variant)).unwrap();
        }
        let (method, body) = match body(variant.load) {
            Some(text) => {
                let file = self.dir.file("load-body.json");
                fs::write(&file, text).unwrap();
                ("POST", file)
            }
            None => ("GET", "-".into()),
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/gate/load.lua");
        let mut wrk = Command::new(&tools.taskset);
        wrk.args(["-c", variant.load_cores]).arg(&tools.wrk);
        wrk.args(["-t", &variant.workers.to_string(), "-c", CONNECTIONS, "-d"]);
        wrk.arg(format!("{seconds}s")).arg("-s").arg(script);
        wrk.arg(&self.url)
            .arg("--")
            .arg(keys)
            .args([method, PATH])
            .arg(body);
        let output = wrk.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let last = text.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|_| panic!("wrk said {text}"))
    }
}

/// The keys that the load takes in turn.
fn lines(variant: &Variant) -> String {
    let keys = variant.keys.max(1);
    let taken: Vec<usize> = match variant.load.keys {
        Keys::Unknown => (0..1_000).map(|n| usize::MAX / 2 + n).collect(),
        Keys::EachInTurn => (0..keys).collect(),
        Keys::Warm => {
            let count = keys.min(1_000);
            (0..count).map(|n| n * (keys / count)).collect()
        }
    };
    taken.into_iter().map(|n| key(n) + "\n").collect()
}

/// A chat request of about 1 KB.
fn body(load: Load) -> Option<String> {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(20);
    let chat = json!({"model": MODEL, "messages": [{"role": "user", "content": text}]});
    (load.body == Body::Json).then(|| chat.to_string())
}

fn keep_changing(feed: &Feed, over: &AtomicBool) {
    let mut next = Instant::now();
    while !over.load(Ordering::SeqCst) {
        feed.change(PATIENCE);
        next += CHANGE_EVERY;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

fn place(tools: &Tools, dir: &RunDir, name: &str, other_port: u16) -> Place {
    let dir = dir.file(name);
    fs::create_dir(&dir).unwrap();
    Place {
        listen_port: ports::free().unwrap(),
        admin_port: ports::free().unwrap(),
        other_port,
        dir,
        filter_wasm: tools.filter_wasm.clone(),
        is_restricted: true,
        is_observing: true,
        has_bodies: false,
    }
}

/// Starts an Envoy on these cores and waits until it listens.
fn start(tools: &Tools, filter: Filter, place: &Place, cores: &str, workers: u32) -> Process {
    let config = place.dir.join("envoy.yaml");
    fs::write(&config, filter.bootstrap(place)).unwrap();
    let workers = workers.to_string();
    let options = [
        "--disable-hot-restart",
        "--log-level",
        "error",
        "--concurrency",
        &workers,
    ];
    let mut args: Vec<_> = ["-c", cores].map(Into::into).to_vec();
    args.push(tools.envoy.clone().into());
    args.extend(options.map(Into::into));
    args.extend(["--config-path".into(), config.into()]);
    let mut process = Process::start(Program {
        name: format!("{filter:?}"),
        path: tools.taskset.clone(),
        args,
        stdout: place.dir.join("envoy.out"),
        stderr: place.dir.join("envoy.log"),
    })
    .unwrap();
    let ready = format!("http://127.0.0.1:{}/ready", place.admin_port);
    let is_ready = || {
        assert!(
            process.is_running(),
            "Envoy ended: see {}",
            process.stderr().display()
        );
        ureq::get(&ready).call().ok().map(drop)
    };
    wait::until(PATIENCE, is_ready).expect("Envoy listens");
    process
}
