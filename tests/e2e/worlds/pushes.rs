//! Configuration that is pushed while requests run: filter chains and listeners that are replaced,
//! taken away and given back, and a push that is no good.

use serde_json::json;
use tests::admin::assert_applied;
use tests::wait_for;
use tests::world::{Plan, World};

use super::Home;

/// Envoy gives what it replaces a second to end.
const DRAINING: [&str; 5] = [
    "--disable-hot-restart",
    "--drain-time-s",
    "1",
    "--drain-strategy",
    "immediate",
];
const SETTINGS: &str = r#"{"role":"gate"}"#;
const PUSHES: u64 = 8;

/// Other settings of the gate: Envoy replaces the filter chain and keeps the listener.
fn with_settings(listeners: &str, settings: &str) -> String {
    assert!(listeners.contains(SETTINGS));
    listeners.replace(SETTINGS, settings)
}

/// Another buffer: Envoy replaces the listener.
fn with_buffer(listeners: &str, more: u64) -> String {
    let limit = "per_connection_buffer_limit_bytes: 1048576";
    assert!(listeners.contains(limit));
    let other = format!("per_connection_buffer_limit_bytes: {}", 1_048_576 + more);
    listeners.replace(limit, &other)
}

fn wait_until_drained(world: &World) {
    for name in ["total_filter_chains_draining", "total_listeners_draining"] {
        wait_for(name, || {
            world.stat(&format!("listener_manager.{name}")) == 0
        });
    }
}

/// W-16: whatever is pushed, every good request is permitted and nothing else passes, and a key
/// that dies meanwhile is dead when the answer says so.
#[test]
fn listeners_are_replaced_and_no_request_notices() {
    let home = Home::start();
    let plan = Plan::of(&home.stack, "pushed").with_args(&DRAINING);
    let world = plan.with_pushed_listeners().start_with_table();
    let first = world.listeners();
    let traffic = home.traffic(&world.url());
    for turn in 1..=PUSHES {
        let settings = json!({"role": "gate", "stream_check_ms": 250 + turn}).to_string();
        let pushed = match turn % 2 {
            0 => with_buffer(&first, turn),
            _ => with_settings(&first, &settings),
        };
        let brief = home.admin.create(&format!("brief {turn}"), json!({}));
        world.push(&pushed, true);
        assert_eq!(world.ask(&brief.value), 200);
        assert_applied(&home.admin.delete(&brief));
        assert_eq!(world.ask(&brief.value), 401);
        traffic.go_on();
        wait_until_drained(&world);
    }
    world.push(&with_settings(&first, r#"{"role":"gate","none":1}"#), false);
    traffic.go_on();
    home.end(traffic).assert_clean();
    let in_place = world.stat("listener_manager.listener_in_place_updated");
    let replaced = world.stat("listener_manager.listener_modified");
    assert!(
        in_place > 0 && replaced >= in_place + PUSHES / 2,
        "{in_place} {replaced}"
    );
}

/// W-06: before the first table, and when every gate was taken away and is given back, a request
/// is permitted by a table or not at all.
#[test]
fn a_gate_that_is_new_has_a_table_or_refuses() {
    let home = Home::start();
    let plan = Plan::of(&home.stack, "new").with_args(&DRAINING);
    let plan = plan.with_pushed_listeners();
    // They knock before anybody listens.
    let traffic = home.traffic(&plan.settings().url());
    let world = plan.start_with_table();
    let listeners = world.listeners();
    for _ in 0..3 {
        wait_for("a good key passes", || world.ask(&home.good.value) == 200);
        traffic.go_on();
        world.push("resources: []\n", true);
        wait_until_drained(&world);
        assert_eq!(world.stat("listener_manager.total_listeners_active"), 0);
        world.push(&listeners, true);
    }
    wait_for("a good key passes", || world.ask(&home.good.value) == 200);
    let outcome = home.end(traffic);
    outcome.assert_told(&[0, 503]);
}
