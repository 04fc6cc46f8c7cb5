//! What reading a body costs: CPU time of Envoy for a 10 MB request, without the filter, with a
//! key for everything (whose body is not read) and with a list-scoped key (whose body is).
//!
//! `cargo bench -p tests --bench readers` prints the table and writes it into docs/performance.md.
//! `-- --filter FILE.wasm` measures another build of the filter in the same rounds and says what this tree's
//! costs against it, `-- --rounds N` changes their number; both write nothing.
//! Variants are interleaved over several rounds; figures are Envoy's own user and system time, so
//! that client and upstream on the same machine do not count. Asserts nothing about time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use envoy::process::{Process, Program};
use envoy::{Stack, StackOptions, ports, provision, wait};
use serde_json::json;
use tests::measure::{self, cpu_us, spread};
use tests::{Admin, PATIENCE};

const BODY_BYTES: usize = 10 * 1024 * 1024;
const ROUNDS: usize = 7;
const REQUESTS: usize = 24;
const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data; boundary=bnd";
const NO_FILTER: &str = "no filter";
const UNREAD: &str = "key for everything";

/// One row of the table.
struct Variant {
    name: &'static str,
    url: String,
    pid: u32,
    key: String,
    content_type: &'static str,
    body: Vec<u8>,
    /// CPU milliseconds for each request, one figure a round.
    cpu_ms: Vec<f64>,
}

/// What the command line asks for.
struct Wish {
    other: Option<PathBuf>,
    rounds: usize,
}

fn main() {
    let wish = Wish::from_args();
    let writes = wish.other.is_none() && wish.rounds == ROUNDS;
    let (mut stack, admin) = start(None);
    let bare = BareEnvoy::start(&stack);
    let mut variants = variants(&mut stack, &admin, &bare);
    let mut other = wish.other.map(|file| start(Some(file)));
    let mut others = match &mut other {
        Some((stack, admin)) => variants_of(stack, admin, &bare),
        None => Vec::new(),
    };
    for round in 0..=wish.rounds {
        for variant in variants.iter_mut().chain(&mut others) {
            variant.run();
            if round == 0 {
                variant.cpu_ms.clear();
            }
        }
    }
    let table = table(&variants);
    println!("{table}");
    if !others.is_empty() {
        println!("{}", comparison(&variants, &others));
    }
    if writes {
        write_table(&table);
    }
}

fn start(filter_wasm: Option<PathBuf>) -> (Stack, Admin) {
    tests::start_with(StackOptions {
        concurrency: 1,
        filter_wasm,
        ..StackOptions::default()
    })
}

impl Wish {
    fn from_args() -> Self {
        let (mut other, mut rounds) = (None, ROUNDS);
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--filter" => other = Some(args.next().expect("--filter needs a file").into()),
                "--rounds" => {
                    let number = args.next().and_then(|text| text.parse().ok());
                    rounds = number.expect("--rounds needs a number");
                }
                // cargo says that this is a benchmark.
                "--bench" => {}
                other => panic!("{other}: the options are --filter, --rounds"),
            }
        }
        Self { other, rounds }
    }
}

/// What this tree's build costs of each variant against the other one: medians of rounds in which
/// both ran.
fn comparison(ours: &[Variant], others: &[Variant]) -> String {
    let mut out = String::from(
        "| variant | CPU of Envoy, ms for 10 MB: this tree's | the other's | ratio |\n|---|---|---|---|\n",
    );
    for other in others {
        let ours = ours.iter().find(|ours| ours.name == other.name).unwrap();
        let ratios = ours.cpu_ms.iter().zip(&other.cpu_ms);
        let ratios: Vec<f64> = ratios.map(|(ours, other)| ours / other).collect();
        let ((ours, ..), (theirs, ..)) = (spread(&ours.cpu_ms), spread(&other.cpu_ms));
        let (ratio, low, high) = spread(&ratios);
        let _ = writeln!(
            out,
            "| {} | {ours:.1} | {theirs:.1} | {ratio:.3} [{low:.3}-{high:.3}] |",
            other.name
        );
    }
    out
}

/// The variants that a build of the filter has a part in.
fn variants_of(stack: &mut Stack, admin: &Admin, bare: &BareEnvoy) -> Vec<Variant> {
    let mut variants = variants(stack, admin, bare);
    variants.retain(|variant| variant.name != NO_FILTER);
    variants
}

fn variants(stack: &mut Stack, admin: &Admin, bare: &BareEnvoy) -> Vec<Variant> {
    let all = admin.create("all", json!({})).value;
    let scope = json!({"scope": {"models": ["good-1"]}});
    let list = admin.create("list", scope).value;
    let url = stack.envoy_url();
    let pid = stack.envoy().unwrap().process().pid();
    let mut variants = Vec::new();
    for (name, content_type, body) in bodies() {
        let path = match content_type {
            JSON => "/v1/completions",
            _ => "/v1/audio/transcriptions",
        };
        let (url, pid, key) = match name {
            NO_FILTER => (&bare.url, bare.process.pid(), &all),
            UNREAD => (&url, pid, &all),
            _ => (&url, pid, &list),
        };
        variants.push(Variant {
            name,
            url: format!("{url}{path}"),
            pid,
            key: key.clone(),
            content_type,
            body: body.into_bytes(),
            cpu_ms: Vec::new(),
        });
    }
    variants
}

/// Name, content type and body of each variant.
fn bodies() -> [(&'static str, &'static str, String); 6] {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(BODY_BYTES / 45);
    let long = format!(r#"{{"model":"good-1","messages":[{{"content":"{text}"}}]}}"#);
    let accents = "na\u{ef}ve caf\u{e9} \u{4f60}\u{597d} ".repeat(BODY_BYTES / 21);
    let accents = format!(r#"{{"model":"good-1","messages":"{accents}"}}"#);
    let tokens = r#"{"a":1,"b":[true,null,"x"],"c":2.5},"#.repeat(BODY_BYTES / 36);
    let tokens = format!(r#"{{"model":"good-1","messages":[{tokens}0]}}"#);
    let form = format!(
        "--bnd\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngood-1\r\n--bnd\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n{text}\r\n--bnd--\r\n"
    );
    [
        (NO_FILTER, JSON, long.clone()),
        (UNREAD, JSON, long.clone()),
        ("list-scoped, JSON, one long ASCII string", JSON, long),
        ("list-scoped, JSON, one long UTF-8 string", JSON, accents),
        ("list-scoped, JSON, small tokens only", JSON, tokens),
        ("list-scoped, multipart with a file", FORM, form),
    ]
}

impl Variant {
    fn run(&mut self) {
        let before_us = cpu_us(self.pid);
        for _ in 0..REQUESTS {
            let sent = ureq::post(&self.url)
                .header("authorization", format!("Bearer {}", self.key))
                .header("content-type", self.content_type)
                .send(&self.body);
            let status = sent.map(|answer| answer.status().as_u16());
            assert_eq!(status.expect(self.name), 200, "{}", self.name);
        }
        let used_us = cpu_us(self.pid) - before_us;
        self.cpu_ms.push(used_us / 1_000.0 / REQUESTS as f64);
    }
}

fn table(variants: &[Variant]) -> String {
    let (base, ..) = spread(&variants[0].cpu_ms);
    let (unread, ..) = spread(&variants[1].cpu_ms);
    let mut out = String::from(
        "| variant | CPU of Envoy, ms for 10 MB: median [min-max] | against no filter | reading, MB/s |\n\
         |---|---|---|---|\n",
    );
    for variant in variants {
        let (median, low, high) = spread(&variant.cpu_ms);
        let reading = match variant.name.starts_with("list") && median > unread {
            true => format!(
                "{:.0}",
                variant.body.len() as f64 / 1e6 / (median - unread) * 1000.0
            ),
            false => "-".to_owned(),
        };
        let _ = writeln!(
            out,
            "| {} | {median:.1} [{low:.1}-{high:.1}] | {:.2} | {reading} |",
            variant.name,
            median / base
        );
    }
    out
}

/// Says on which machine, and writes it into docs/performance.md.
fn write_table(table: &str) {
    let machine = measure::machine();
    let said = format!("{machine}; Envoy with one worker; {ROUNDS} rounds of {REQUESTS}.");
    measure::write_down("readers", &format!("{said}\n\n{table}"));
}

/// An Envoy with the same upstream and no filter.
struct BareEnvoy {
    url: String,
    process: Process,
}

impl BareEnvoy {
    fn start(stack: &Stack) -> Self {
        let port = ports::free().unwrap();
        let upstream = stack.upstream().unwrap().address().port();
        let config = stack.run_dir().join("bare.yaml");
        fs::write(&config, bare_config(port, upstream)).unwrap();
        let program = Program {
            name: "bare-envoy".to_owned(),
            path: provision::find_envoy().unwrap().path,
            args: [
                "--concurrency",
                "1",
                "--disable-hot-restart",
                "--config-path",
            ]
            .map(Into::into)
            .into_iter()
            .chain([config.into()])
            .collect(),
            stdout: stack.run_dir().join("bare.out"),
            stderr: stack.run_dir().join("bare.log"),
        };
        let process = Process::start(program).unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let begin = Instant::now();
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).ok();
        wait::until(PATIENCE, listens)
            .unwrap_or_else(|| panic!("no Envoy in {:?}", begin.elapsed()));
        Self { url, process }
    }
}

fn bare_config(port: u16, upstream: u16) -> String {
    let address = |port| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
    let manager = "type.googleapis.com/envoy.extensions.filters.network.\
                   http_connection_manager.v3.HttpConnectionManager";
    let route =
        json!({"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "0s"}});
    json!({"static_resources": {
        "listeners": [{"address": address(port), "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": manager, "stat_prefix": "bare", "use_remote_address": true,
                "route_config": {"virtual_hosts": [
                    {"name": "all", "domains": ["*"], "routes": [route]}
                ]},
                "http_filters": [
                    {"name": "router", "typed_config": {"@type": router}}
                ]
            }
        }]}]}],
        "clusters": [{
            "name": "upstream", "type": "STATIC", "connect_timeout": "5s",
            "load_assignment": {"cluster_name": "upstream", "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": address(upstream)}}]}
            ]}
        }]
    }})
    .to_string()
}
