//! What the sidecar can do: creating keys, listing and finding them, telling many Envoys, starting.
//!
//! `cargo bench -p tests --bench sidecar` writes its tables into docs/performance.md; `-- --quick`
//! takes a fiftieth of the keys and a tenth of the watchers, `-- --watchers` the watchers alone, and
//! both write nothing. The sidecar is the
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

use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::Instant;

use envoy::build::{self, Profile};
use envoy::{Stack, StackOptions};
use serde_json::{Value, json};
use tests::measure::{self, allow_files, cpu_us, percentile, rss_kib};
use tests::watchers::{self, Watchers};
use tests::{Admin, Key};

const KEYS: usize = 100_000;
const WATCHERS: [usize; 4] = [1, 100, 1_000, 10_000];
/// Calls of each kind whose time is taken.
const CALLS: usize = 200;
const CHANGES: usize = 20;
const STARTS: usize = 3;

fn main() {
    let has = |word: &str| std::env::args().any(|arg| arg == word);
    let (is_quick, alone) = (has("--quick"), has("--watchers"));
    let (keys, fewer) = if is_quick { (KEYS / 50, 10) } else { (KEYS, 1) };
    // The sidecar inherits it.
    allow_files(2 * WATCHERS[3] as u64 + 1_000);
    let limit = ["--key-limit-default".to_owned(), (keys * 2).to_string()];
    let program = build::sidecar(Profile::Release).unwrap_or_else(|error| panic!("{error}"));
    let options = StackOptions {
        sidecar: Some(program),
        sidecar_args: limit.to_vec(),
        ..StackOptions::default()
    };
    let mut stack = Stack::prepare(options).unwrap_or_else(|error| panic!("{error}"));
    let first_ms = start(&mut stack);
    let admin = Admin::of(&stack);
    let first = admin.create("the first", json!({}));
    let mut text = format!("{}; ", measure::machine());
    if alone {
        text += "one key.\n";
    } else {
        text += &format!("{keys} keys in one account.\n\n| what | figure |\n|---|---|\n");
        text += &create(&mut stack, &admin, keys);
        text += &read(&admin, &first);
        text += &restart(&mut stack, first_ms);
    }
    text += &watch_all(&mut stack, &admin, &first, fewer);
    println!("{text}");
    if !is_quick && !alone {
        measure::write_down("sidecar", &text);
    }
}

/// The table of watchers.
fn watch_all(stack: &mut Stack, admin: &Admin, key: &Key, fewer: usize) -> String {
    let head = "\n| watchers | told, ms after the call: p50 | p99 | all | CPU of the sidecar for one \
                change, ms | all back after a crash, ms | ready again, ms |\n\
                |---|---|---|---|---|---|---|\n";
    let rows = WATCHERS.map(|count| watch(stack, admin, key, (count / fewer).max(1)));
    head.to_owned() + &rows.concat()
}

/// From the start of the process to its word that it is ready (looked for every 20 ms).
fn start(stack: &mut Stack) -> f64 {
    let begin = Instant::now();
    stack
        .start_sidecar()
        .unwrap_or_else(|error| panic!("{error}"));
    begin.elapsed().as_secs_f64() * 1e3
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

/// Starts of an empty directory, of one that was left in order, and of one that was not.
fn restart(stack: &mut Stack, first_ms: f64) -> String {
    let (mut stopped_ms, mut killed_ms) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        stack
            .stop_sidecar()
            .unwrap_or_else(|error| panic!("{error}"));
        stopped_ms.push(start(stack));
        stack
            .kill_sidecar()
            .unwrap_or_else(|error| panic!("{error}"));
        killed_ms.push(start(stack));
    }
    let kib = rss_kib(pid(stack));
    format!(
        "| start-up: the first, stopped before, killed before | {first_ms:.0}, {:.0}, {:.0} ms |\n\
         | resident memory after a start | {:.0} MiB |\n",
        percentile(&stopped_ms, 50),
        percentile(&killed_ms, 50),
        kib / 1024.0
    )
}

/// One row: so many watchers, what a change costs, and how they come back after a crash.
fn watch(stack: &mut Stack, admin: &Admin, key: &Key, count: usize) -> String {
    let token = fs::read_to_string(stack.feed_token_file()).unwrap();
    let feed = stack.feed_url();
    let position = watchers::newest(&feed, token.trim());
    let mut watchers = Watchers::open(&feed, token.trim(), count, Some(position));
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
    let (ready_ms, back_ms) = crash(stack, admin, key, &mut watchers);
    let row = format!(
        "| {count} | {:.1} | {:.1} | {:.1} | {used_ms:.1} | {back_ms:.0} | {ready_ms:.0} |\n",
        percentile(&told_ms, 50),
        percentile(&told_ms, 99),
        percentile(&last_ms, 50),
    );
    print!("{row}");
    row
}

/// Kills the sidecar and starts it; all watchers come back at once and are given a change that they
/// have missed. When it was ready, and when the last one had it, in milliseconds.
fn crash(stack: &mut Stack, admin: &Admin, key: &Key, watchers: &mut Watchers) -> (f64, f64) {
    stack
        .kill_sidecar()
        .unwrap_or_else(|error| panic!("{error}"));
    let ready_ms = start(stack);
    let generation = patch(admin, key, CHANGES + 1);
    let begin = Instant::now();
    watchers.reconnect(|_| false);
    (
        ready_ms,
        percentile(&watchers.wait_for(generation, begin), 100),
    )
}

/// Changes a key; when each watcher was told, in milliseconds after the call began.
fn change(admin: &Admin, key: &Key, number: usize, watchers: &mut Watchers) -> Vec<f64> {
    let begin = Instant::now();
    let generation = patch(admin, key, number);
    watchers.wait_for(generation, begin)
}

/// Switches a key off or on; the generation.
fn patch(admin: &Admin, key: &Key, number: usize) -> u64 {
    let status = if number.is_multiple_of(2) {
        "disabled"
    } else {
        "enabled"
    };
    let path = format!("/v1/keys/{}?wait=none", key.id);
    let (code, answer): (u16, Value) = admin.call("PATCH", &path, Some(&json!({"status": status})));
    assert_eq!(code, 200, "{answer}");
    answer["propagation"]["generation"].as_u64().unwrap()
}
