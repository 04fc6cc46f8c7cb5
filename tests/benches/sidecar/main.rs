//! What the sidecar can do: creating keys, listing and finding them, telling many Envoys, starting.
//!
//! `cargo bench -p tests --bench sidecar` writes its tables into docs/performance.md; `-- --quick`
//! takes a fiftieth of the keys and a tenth of the watchers, and writes nothing. The sidecar is the
//! released program with its database on disk; the load runs on the same machine, whose cores they
//! share. Does not judge: time on a shared machine proves nothing.
//!
//! Invariant: every call's answer is checked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed"
)]

mod watchers;

use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::Instant;

use envoy::{Stack, StackOptions};
use serde_json::{Value, json};
use tests::measure::{self, cpu_us, percentile, rss_kib};
use tests::{Admin, Key};

use watchers::Watchers;

const KEYS: usize = 100_000;
const WATCHERS: [usize; 4] = [1, 100, 1_000, 10_000];
/// Calls of each kind whose time is taken.
const CALLS: usize = 200;
const CHANGES: usize = 20;
const STARTS: usize = 3;

fn main() {
    let is_quick = std::env::args().any(|arg| arg == "--quick");
    let (keys, fewer) = if is_quick { (KEYS / 50, 10) } else { (KEYS, 1) };
    let limit = ["--key-limit-default".to_owned(), (keys * 2).to_string()];
    let options = StackOptions {
        sidecar_args: limit.to_vec(),
        ..StackOptions::default()
    };
    let mut stack = Stack::prepare(options).unwrap_or_else(|error| panic!("{error}"));
    start(&mut stack);
    let admin = Admin::of(&stack);
    let mut text = format!("{}; {keys} keys in one account.\n\n", measure::machine());
    text += "| what | figure |\n|---|---|\n";
    let first = admin.create("the first", json!({}));
    text += &create(&mut stack, &admin, keys);
    text += &read(&admin, &first);
    text += &restart(&mut stack);
    let watched = WATCHERS.map(|count| watch(&mut stack, &admin, &first, (count / fewer).max(1)));
    text += "\n| watchers | told, ms after the call: p50 | p99 | all | CPU of the sidecar for one change, ms |\n";
    text += "|---|---|---|---|---|\n";
    text += &watched.concat();
    println!("{text}");
    if !is_quick {
        measure::write_down("sidecar", &text);
    }
}

fn start(stack: &mut Stack) {
    stack
        .start_sidecar()
        .unwrap_or_else(|error| panic!("{error}"));
}

fn pid(stack: &mut Stack) -> u32 {
    stack.sidecar().unwrap().process().pid()
}

/// Creates by one client, then by 16; each key is on disk when its answer comes.
fn create(stack: &mut Stack, admin: &Admin, keys: usize) -> String {
    let pid = pid(stack);
    let before_kib = rss_kib(pid);
    let (alone, begin) = (keys / 100, Instant::now());
    (0..alone).for_each(|n| make(admin, 0, n));
    let alone_per_s = alone as f64 / begin.elapsed().as_secs_f64();
    let (threads, begin) = (16, Instant::now());
    let each = (keys - alone) / threads;
    thread::scope(|scope| {
        for thread in 1..=threads {
            let admin = admin.clone();
            scope.spawn(move || (0..each).for_each(|n| make(&admin, thread, n)));
        }
    });
    let together_per_s = (each * threads) as f64 / begin.elapsed().as_secs_f64();
    let kib = rss_kib(pid);
    let mut out = String::new();
    let _ = writeln!(out, "| creates a second, one client | {alone_per_s:.0} |");
    let _ = writeln!(
        out,
        "| creates a second, {threads} clients | {together_per_s:.0} |"
    );
    let _ = writeln!(
        out,
        "| resident memory with all keys | {:.0} MiB ({:.0} bytes for each) |",
        kib / 1024.0,
        (kib - before_kib) * 1024.0 / keys as f64
    );
    out
}

fn make(admin: &Admin, thread: usize, n: usize) {
    let scope = json!({"scope": {"models": ["good-*"], "services": []}});
    let query = "?wait=none&allow_unlisted=true";
    admin.create_waiting(&format!("service {thread} key {n}"), scope, query);
}

/// Lists, searches and gets.
fn read(admin: &Admin, key: &Key) -> String {
    let calls = [
        (
            "list: first page of 50",
            "/v1/keys?account=demo&limit=50".to_owned(),
            50,
        ),
        (
            "search: name contains, 1 found",
            "/v1/keys?account=demo&name_contains=the%20first".to_owned(),
            1,
        ),
        (
            "search: name contains, none found",
            "/v1/keys?account=demo&name_contains=nobody".to_owned(),
            0,
        ),
        ("get one", format!("/v1/keys/{}", key.id), 0),
    ];
    let mut out = String::new();
    for (name, path, found) in calls {
        let mut ms = Vec::new();
        for _ in 0..CALLS {
            let begin = Instant::now();
            let (status, answer) = admin.call("GET", &path, None);
            ms.push(begin.elapsed().as_secs_f64() * 1e3);
            let count = answer["keys"].as_array().map_or(0, Vec::len);
            assert_eq!((status, count), (200, found), "{path}");
        }
        let at = |hundredths| percentile(&ms, hundredths);
        let _ = writeln!(out, "| {name} | p50 {:.1}, p99 {:.1} ms |", at(50), at(99));
    }
    out
}

/// From the start of the process to its word that it is ready (looked for every 20 ms).
fn restart(stack: &mut Stack) -> String {
    let mut ms = Vec::new();
    for _ in 0..STARTS {
        stack
            .stop_sidecar()
            .unwrap_or_else(|error| panic!("{error}"));
        let begin = Instant::now();
        start(stack);
        ms.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    let kib = rss_kib(pid(stack));
    format!(
        "| start-up | {:.0} ms |\n| resident memory after a start | {:.0} MiB |\n",
        percentile(&ms, 50),
        kib / 1024.0
    )
}

/// One row: so many watchers, and what a change costs.
fn watch(stack: &mut Stack, admin: &Admin, key: &Key, count: usize) -> String {
    // Watchers of an earlier round would be waited for.
    stack
        .stop_sidecar()
        .unwrap_or_else(|error| panic!("{error}"));
    start(stack);
    let token = fs::read_to_string(stack.feed_token_file()).unwrap();
    let mut watchers = Watchers::open(&stack.feed_url(), token.trim(), count);
    let _ = change(admin, key, 0, &mut watchers);
    let pid = pid(stack);
    let before_us = cpu_us(pid);
    let mut told_ms = Vec::new();
    let mut last_ms = Vec::new();
    for number in 1..=CHANGES {
        let told = change(admin, key, number, &mut watchers);
        last_ms.push(percentile(&told, 100));
        told_ms.extend(told);
    }
    let used_ms = (cpu_us(pid) - before_us) / 1e3 / CHANGES as f64;
    format!(
        "| {count} | {:.1} | {:.1} | {:.1} | {used_ms:.1} |\n",
        percentile(&told_ms, 50),
        percentile(&told_ms, 99),
        percentile(&last_ms, 50),
    )
}

/// Switches a key off or on; when each watcher was told, in milliseconds after the call began.
fn change(admin: &Admin, key: &Key, number: usize, watchers: &mut Watchers) -> Vec<f64> {
    let status = if number.is_multiple_of(2) {
        "disabled"
    } else {
        "enabled"
    };
    let begin = Instant::now();
    let path = format!("/v1/keys/{}?wait=none", key.id);
    let (code, answer): (u16, Value) = admin.call("PATCH", &path, Some(&json!({"status": status})));
    assert_eq!(code, 200, "{answer}");
    let generation = answer["propagation"]["generation"].as_u64().unwrap();
    watchers.wait_for(generation, begin)
}
