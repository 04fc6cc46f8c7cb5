//! What the end-to-end tests share: an admin's and a client's view of a running stack.
//!
//! Not a test itself and used by nothing else, so it may panic: a harness that cannot go on is a
//! failed test. Invariant: every wait is for a state, bounded, and says what it waited for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a harness that cannot go on is a failed test"
)]

pub mod acceptor;
pub mod admin;
pub mod browser;
pub mod certificate;
pub mod churn;
pub mod console;
pub mod counting_upstream;
pub mod http2;
pub mod http2_upstream;
pub mod impostor;
pub mod ledger_tap;
pub mod load;
pub mod made_keys;
pub mod measure;
pub mod name_server;
pub mod node;
pub mod patch;
pub mod promtool;
pub mod python;
pub mod raw;
pub mod raw_upstream;
pub mod recipes;
pub mod registry;
pub mod sdk;
pub mod stand_in;
pub mod time;
pub mod trap;
pub mod verdict;
pub mod watchers;
pub mod wire;
pub mod world;
pub mod yaml;

use std::path::PathBuf;
use std::time::Duration;

use envoy::{Envoy, Stack, StackOptions, wait};
use serde_json::Value;

pub use admin::{Admin, Key};
pub use raw::Answer;
pub use time::rfc3339;

/// How long a state may take to be reached, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running stack and its admin.
pub fn start() -> (Stack, Admin) {
    start_with(StackOptions::default())
}

/// A build of the filter to test instead of this tree's, as `E2E_FILTER` names it: one with a known
/// fault shows that a test finds it.
pub fn other_filter() -> Option<PathBuf> {
    std::env::var_os("E2E_FILTER").map(PathBuf::from)
}

/// The same with options.
pub fn start_with(mut options: StackOptions) -> (Stack, Admin) {
    options.filter_wasm = options.filter_wasm.or_else(other_filter);
    let stack = Stack::start(options).unwrap_or_else(|error| panic!("{error}"));
    let admin = Admin::of(&stack);
    (stack, admin)
}

/// Settings of a gate at which every body flows that is not refused at once, and only its end waits
/// until it is judged.
pub fn flowing() -> Value {
    serde_json::json!({"hold_bytes_max": 1, "beyond_hold": "flow"})
}

/// Another Envoy of a stack, whose gate has these settings besides; it has the table.
pub fn start_another(stack: &Stack, name: &str, gate_settings: Value) -> Envoy {
    let mut settings = stack.another_envoy(name).unwrap();
    let besides: serde_json::Map<_, _> = serde_json::from_value(gate_settings).unwrap();
    settings.bootstrap.gate_settings.extend(besides);
    let envoy = Envoy::start(settings).unwrap_or_else(|error| panic!("{error}"));
    let ready = format!("{}/latchkey/ready", envoy.settings().url());
    wait_for("the other gate has a table", || {
        ureq::get(&ready).call().is_ok()
    });
    envoy
}

/// A stack whose gate lets these headers go on, also of keys with a list.
pub fn start_passing(headers: &[&str]) -> (Stack, Admin) {
    let gate_settings = [("pass_headers".to_owned(), serde_json::json!(headers))];
    start_with(StackOptions {
        gate_settings: gate_settings.into_iter().collect(),
        ..StackOptions::default()
    })
}

/// Waits for a state; panics with `what` if it is not reached.
pub fn wait_for(what: &str, reached: impl FnMut() -> bool) {
    let mut reached = reached;
    wait::until(PATIENCE, || reached().then_some(())).unwrap_or_else(|| panic!("never: {what}"));
}

/// A chat request's body for a model.
pub fn chat(model: &str) -> String {
    serde_json::json!({"model": model, "messages": [{"role": "user", "content": "hi"}]}).to_string()
}

/// The value of one of Envoy's own figures; 0 if it does not exist.
pub fn stat(stack: &Stack, name: &str) -> u64 {
    stat_of(&stack.envoy_admin_url(), name)
}

/// The same by the address of Envoy's admin interface.
pub fn stat_of(admin_url: &str, name: &str) -> u64 {
    let url = format!("{admin_url}/stats?filter=^{}$", name.replace('.', "\\."));
    let text = raw::get_text(&url);
    text.trim()
        .rsplit(' ')
        .next()
        .and_then(|value| value.parse().ok())
        .unwrap_or(0)
}

/// A size that an environment variable sets; so many without it.
pub fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}
