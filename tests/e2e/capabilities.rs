//! What the bootstrap lets the gate do is what the filter's sources need: a callback that is left
//! out is silently never called, and a call that is left out fails when it is made.
//!
//! Reads the sources as text. Does not start Envoy.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Calls that the agent alone makes.
const AGENTS: [&str; 5] = [
    "proxy_dequeue_shared_queue",
    "proxy_increment_metric",
    "proxy_record_metric",
    "proxy_register_shared_queue",
    "proxy_set_shared_data",
];

/// What the SDK does for a gate besides: its contexts, and the timer.
const SDKS: [&str; 5] = [
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_vm_start",
    "proxy_set_tick_period_milliseconds",
];

fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// The names that follow `before` at the beginning of a line.
fn names<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        let name = line.trim().strip_prefix(before)?;
        name.split(['(', '<', ':']).next()
    })
}

/// The host calls of `abi.rs` and the callbacks of `wasm.rs` that a gate has.
fn needed() -> BTreeSet<String> {
    let (abi, wasm) = (source("filter/src/abi.rs"), source("filter/src/wasm.rs"));
    let is_call = |name: &&str| name.starts_with("proxy_") || name.contains("_get");
    let calls = names(&abi, "fn ").filter(is_call);
    let of_requests = wasm.split("impl HttpContext for Request").nth(1).unwrap();
    let of_requests = of_requests.split("\n}\n").next().unwrap();
    let callbacks = names(of_requests, "fn on_").map(|name| {
        let name = name.strip_prefix("http_").unwrap_or(name);
        format!("proxy_on_{name}")
    });
    let mut needed: BTreeSet<String> = calls.map(str::to_owned).chain(callbacks).collect();
    needed.insert("proxy_on_tick".to_owned());
    needed.retain(|name| !AGENTS.contains(&name.as_str()));
    needed.extend(SDKS.map(str::to_owned));
    needed
}

/// What the bootstrap lets the gate do.
pub(crate) fn allowed() -> BTreeSet<String> {
    let bootstrap = source("envoy/bootstrap.yaml");
    let allowed = bootstrap.split("allowed_capabilities:").nth(1).unwrap();
    let names = allowed.lines().skip(1);
    names
        .map_while(|line| line.trim().strip_suffix(": {}"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_gate_may_do_what_it_needs_and_no_more() {
    assert_eq!(allowed(), needed());
}

#[test]
fn what_each_call_could_do_is_written_down_once() {
    let page = source("docs/gate-rights.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let calls = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(", "));
    let mut calls: Vec<String> = calls.map(|call| call.trim().replace('`', "")).collect();
    calls.sort_unstable();
    assert_eq!(calls, allowed().into_iter().collect::<Vec<_>>());
}
