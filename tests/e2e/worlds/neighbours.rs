//! Another plugin in the gate's shared data: it writes over the table, takes parts of it away, and
//! claims that there is one when there is none; and the same with no other rights than the gate's.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use keytable::{KeyHash, PresentedKey};
use serde_json::json;
use tests::raw::{head, send};
use tests::wait_for;
use tests::world::{Plan, World};

use super::Home;

const VANDAL: &str = include_str!("vandal.wat");
const HEAD: &str = "latchkey.head";
const CHANGES: &str = "latchkey.changes";
/// No part of a table.
const GARBAGE: &str = "x-value: LKH1 and what no table has";

/// A listener whose only filter is the vandal, with these capabilities or with all.
fn listener(port: u16, module: &Path, capabilities: Option<BTreeSet<String>>) -> String {
    let mut wasm = json!({
        "name": "vandal", "root_id": "vandal",
        "vm_config": {
            "vm_id": "latchkey", "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": module}},
        },
    });
    if let Some(names) = capabilities {
        let allowed: serde_json::Map<_, _> = names.into_iter().map(|n| (n, json!({}))).collect();
        wasm["capability_restriction_config"] = json!({"allowed_capabilities": allowed});
    }
    let of = |message| format!("type.googleapis.com/envoy.extensions.filters.{message}");
    let route = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}});
    let manager = json!({
        "@type": of("network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "vandal",
        "http_filters": [
            {"name": "vandal", "typed_config": {"@type": of("http.wasm.v3.Wasm"), "config": wasm}},
            {"name": "router", "typed_config": {"@type": of("http.router.v3.Router")}},
        ],
        "route_config": {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [route]}]},
    });
    let filter = json!({
        "name": "envoy.filters.network.http_connection_manager", "typed_config": manager,
    });
    let listener = json!({
        "name": "vandal",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [filter]}],
    });
    format!("  - {listener}\n")
}

/// An Envoy with the vandal in it, and where it is told what to do.
fn shared_with_a_vandal(home: &Home) -> (World, String) {
    shared_with(home, None)
}

fn shared_with(home: &Home, capabilities: Option<BTreeSet<String>>) -> (World, String) {
    let module = home.stack.run_dir().join("vandal.wasm");
    fs::write(&module, wat::parse_str(VANDAL).unwrap()).unwrap();
    let port = envoy::ports::free().unwrap();
    let mark = "  # place: listeners\n";
    let plan =
        Plan::of(&home.stack, "shared").edit(mark, &(listener(port, &module, capabilities) + mark));
    let mut world = plan.start();
    let url = format!("http://127.0.0.1:{port}");
    wait_for("the vandal listens", || {
        assert!(world.process.is_running(), "{}", world.log());
        std::net::TcpStream::connect(tests::raw::address_of(&url)).is_ok()
    });
    (world, url)
}

/// Has the vandal do something: header lines.
fn tell(vandal: &str, lines: &[&str]) {
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    assert_eq!(send(vandal, &head("GET", "/", &lines)).status, 200);
}

fn bucket_of(key: &str) -> String {
    let hash = KeyHash::of(&PresentedKey::parse(key.as_bytes()).unwrap());
    format!("x-slot: latchkey.{:04x}", hash.bucket())
}

/// W-15: what somebody else has left where the table will be is no table, whatever the gauges say,
/// and the first real one replaces it.
#[test]
fn a_foreign_table_is_refused_and_replaced() {
    let mut home = Home::start();
    home.stack.stop_sidecar().unwrap();
    let (world, vandal) = shared_with_a_vandal(&home);
    let traffic = home.traffic(&world.url());
    let slot = format!("x-slot: {HEAD}");
    let bucket = bucket_of(&home.good.value);
    let ways: [&[&str]; 4] = [
        &["x-gauge: latchkey.lease_until_ms"],
        &["x-gauge: latchkey.edition"],
        &[&slot, GARBAGE],
        &[&bucket, GARBAGE],
    ];
    for lines in ways {
        tell(&vandal, lines);
        assert_eq!(world.ask(&home.good.value), 503, "{lines:?}");
        traffic.go_on();
    }
    assert_eq!(home.stack.upstream().unwrap().count(), 0);
    home.stack.start_sidecar().unwrap();
    wait_for("the table is there", || world.ask(&home.good.value) == 200);
    home.end(traffic).assert_told(&[503]);
    assert_eq!(world.stat("wasm.gate.vm_reload_success"), 0);
}

/// W-06, W-15: a head, a change log or a bucket that vanishes or is written over while requests run
/// lets nothing pass, and the next change puts right what the agent can see.
#[test]
fn a_table_that_is_damaged_lets_nothing_pass_and_is_put_right() {
    let home = Home::start();
    let (mut world, vandal) = shared_with_a_vandal(&home);
    world.wait_for_table();
    let traffic = home.traffic(&world.url());
    let (head, changes) = (format!("x-slot: {HEAD}"), format!("x-slot: {CHANGES}"));
    let bucket = bucket_of(&home.good.value);
    let brief = home.admin.create("in a damaged bucket", json!({}));
    let briefs = bucket_of(&brief.value);
    let ways: [&[&str]; 6] = [
        &[&head],
        &[&head, GARBAGE],
        &[&changes],
        &[&changes, GARBAGE],
        &[&bucket, GARBAGE],
        &[&briefs, GARBAGE],
    ];
    for (turn, lines) in ways.into_iter().enumerate() {
        tell(&vandal, lines);
        traffic.go_on();
        // Of the damaged bucket itself, so that the agent reads it.
        let changed = if lines[0] == bucket {
            &home.good
        } else {
            &brief
        };
        let description = json!({"description": format!("turn {turn}")});
        home.admin.patch(changed, &description);
        home.admin
            .patch(changed, &json!({"ip_allowlist": ["127.0.0.0/8"]}));
        home.admin.patch(changed, &json!({"ip_allowlist": []}));
        for key in [&home.good.value, &brief.value] {
            wait_for("all is right again", || world.ask(key) == 200);
        }
    }
    home.end(traffic).assert_told(&[503]);
    assert_eq!(world.stat("wasm.gate.vm_reload_success"), 0);
    assert_eq!(world.stat("wasm.gate.vm_reload_backoff"), 0);
}

/// W-21: a gate that was taken over has its rights and no others: what the other workers go by, and what
/// people see of it, is as the agent has set it.
#[test]
fn with_the_gates_rights_nothing_can_be_moved_that_others_go_by() {
    let home = Home::start();
    let (mut world, vandal) = shared_with(&home, Some(crate::capabilities::allowed()));
    world.wait_for_table();
    let gauges = ["edition", "lease_until_ms", "generation", "records"];
    let counter = "requests.allowed";
    let read =
        |world: &World| gauges.map(|gauge| world.stat(&format!("wasmcustom.latchkey.{gauge}")));
    let before = read(&world);
    let slots = [HEAD, CHANGES, "latchkey.lease", "latchkey.pulse"].map(str::to_owned);
    let bucket = bucket_of(&home.good.value).replace("x-slot: ", "");
    for slot in slots.iter().chain([&bucket]) {
        tell(&vandal, &[&format!("x-slot: {slot}")]);
        tell(&vandal, &[&format!("x-slot: {slot}"), GARBAGE]);
    }
    for gauge in gauges.into_iter().chain(["lease_left_s", counter]) {
        for how in ["x-gauge", "x-add", "x-take"] {
            tell(&vandal, &[&format!("{how}: latchkey.{gauge}")]);
        }
    }
    assert_eq!(world.ask(&home.good.value), 200);
    let [edition, lease_until_ms, generation, records] = read(&world);
    assert_eq!(
        [edition, generation, records],
        [before[0], before[2], before[3]]
    );
    // The agent may have renewed it meanwhile, by less than a lease.
    assert!(lease_until_ms - before[1] < 3_600_000, "{lease_until_ms}");
    assert!(world.stat("wasmcustom.latchkey.lease_left_s") <= 3_600);
    home.admin.patch(&home.good, &json!({"status": "disabled"}));
    wait_for("a change is in force", || {
        world.ask(&home.good.value) == 401
    });
}
