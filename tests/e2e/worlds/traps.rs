//! Machines that crash: a worker's, under either policy of Envoy, the agent's, and one that runs out
//! of memory.

use std::thread;
use std::time::Instant;

use envoy::{MaxStaleness, StackOptions};
use serde_json::json;
use tests::impostor::Impostor;
use tests::load::Client;
use tests::raw::{post_chat, post_chat_with};
use tests::trap::{TRAP_BYTES, with_little_memory, with_traps};
use tests::world::{Plan, World};
use tests::{chat, wait_for};

use super::Home;

/// Connections that are spread over both workers.
const CONNECTIONS: usize = 8;
/// What a machine may have above what it begins with, in pages of 64 KiB, and what is sent to it.
const LITTLE_PAGES: usize = 32;
const LARGE_BYTES: usize = 7 << 20;
/// Envoy gives each worker as many connections as the other.
const BALANCED: &str = "connection_balance_config: { exact_balance: {} }";

/// An Envoy whose gate can be trapped; the agent's module is the shipped one (W-14).
fn trappable(home: &Home) -> Plan {
    let plan = Plan::of(&home.stack, "traps");
    let shipped = plan.settings().bootstrap.filter_wasm.clone();
    let module = with_traps(&shipped, home.stack.run_dir());
    let limit = "per_connection_buffer_limit_bytes: 1048576\n";
    plan.with_module("gate", &module)
        .edit(limit, &format!("{limit}    {BALANCED}\n"))
}

/// Springs the trap with a request of its own; gives the status, 0 if there was no answer.
fn spring(world: &World, key: &str) -> u16 {
    let bearer = format!("authorization: Bearer {key}");
    let lines: [&[u8]; 2] = [bearer.as_bytes(), b"x-trap: 1"];
    post_chat(&world.url(), &lines, chat("glm-5.1").as_bytes()).status
}

/// Connections to both workers: four to each.
fn connections(world: &World, key: &str) -> Vec<Client> {
    let mut clients: Vec<Client> = (0..CONNECTIONS)
        .map(|_| Client::new(&world.url()))
        .collect();
    for client in &mut clients {
        assert_eq!(client.ask(key).status, 200);
    }
    clients
}

fn ask_all(clients: &mut [Client], key: &str) -> Vec<u16> {
    clients
        .iter_mut()
        .map(|client| client.ask(key).status)
        .collect()
}

/// W-11, W-13, W-14: a worker whose VM trapped refuses, the other one goes on, and it comes back by
/// itself; agent and gate are different modules throughout.
#[test]
fn a_worker_that_crashed_refuses_and_comes_back_and_the_other_never_notices() {
    let home = Home::start();
    let world = trappable(&home).start_with_table();
    let key = &home.good.value;
    let mut clients = connections(&world, key);
    for turn in 1..=3 {
        let traffic = home.traffic(&world.url());
        let begin = Instant::now();
        assert_eq!(spring(&world, key), 503, "the request that trapped");
        wait_for("the worker is back", || {
            world.stat("wasm.gate.vm_reload_success") >= turn
        });
        println!("turn {turn}: back after {:?}", begin.elapsed());
        traffic.go_on();
        let told = ask_all(&mut clients, key);
        assert_eq!(told, [200; CONNECTIONS], "both workers");
        let outcome = home.end(traffic);
        outcome.assert_told(&[503]);
        // Half of the clients are the other worker's, one more or less.
        let away = outcome.turned_away.len();
        assert!(away <= CONNECTIONS / 2 + 1, "{outcome:?}");
    }
}

/// W-10: without replacement a worker that crashed answers 503 until its configuration is replaced;
/// nobody hangs, nothing passes, and the other worker goes on.
#[test]
fn a_worker_that_is_not_replaced_stays_closed_and_answers() {
    let home = Home::start();
    let reload = "reload_config: { backoff: { base_interval: 0.1s, max_interval: 1s } }";
    let plan = trappable(&home)
        .edit("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_CLOSED")
        .edit(reload, "");
    let world = plan.with_pushed_listeners().start_with_table();
    let key = &home.good.value;
    let traffic = home.traffic(&world.url());
    let mut clients = connections(&world, key);
    assert_eq!(spring(&world, key), 503, "the request that trapped");
    for round in 0..20 {
        // Envoy ends the connection of who is refused; the next one may be the other worker's.
        let told = ask_all(&mut clients, key);
        let refused = told.iter().filter(|status| **status == 503).count();
        let other = told.iter().filter(|status| **status == 200).count();
        assert!(refused > 0 && other > 0, "round {round}: {told:?}");
        assert_eq!(refused + other, CONNECTIONS, "round {round}: {told:?}");
    }
    let other = world.listeners().replace(
        r#"{"role":"gate"}"#,
        r#"{"role":"gate","stream_check_ms":300}"#,
    );
    world.push(&other, true);
    wait_for("both workers are open", || {
        let mut clients: Vec<Client> = (0..CONNECTIONS)
            .map(|_| Client::new(&world.url()))
            .collect();
        ask_all(&mut clients, key)
            .iter()
            .all(|status| *status == 200)
    });
    home.end(traffic).assert_told(&[503]);
}

/// W-12: without its agent an Envoy goes on as without its sidecar: with the table that it has, until
/// the lease is over; the sidecar knows, and only a new process has an agent again.
#[test]
fn an_agent_that_crashed_is_the_same_as_a_sidecar_that_is_gone() {
    let mut home = Home::start_with(StackOptions {
        max_staleness: MaxStaleness::Seconds(5),
        ..StackOptions::default()
    });
    let plan = Plan::of(&home.stack, "no-agent");
    let shipped = plan.settings().bootstrap.filter_wasm.clone();
    let module = with_traps(&shipped, home.stack.run_dir());
    let plan = plan.with_module("agent", &module);
    let mut world = plan.clone().start_with_table();
    let traffic = home.traffic(&world.url());

    home.stack.stop_sidecar().unwrap();
    let impostor = Impostor::start(&home.stack.feed_url(), ("200 OK", vec![b'x'; TRAP_BYTES]));
    wait_for("the agent has crashed", || {
        world.log().contains("unreachable")
    });
    assert_eq!(world.ask(&home.good.value), 200, "the table is still there");
    drop(impostor);
    home.stack.start_sidecar().unwrap();
    let gauge = "wasmcustom.latchkey.lease_until_ms";
    let lease_until_ms = world.stat(gauge);
    wait_for("the lease is over", || world.ask(&home.good.value) == 503);
    let mut clients: Vec<Client> = (0..CONNECTIONS)
        .map(|_| Client::new(&world.url()))
        .collect();
    for _ in 0..5 {
        assert_eq!(ask_all(&mut clients, &home.good.value), [503; CONNECTIONS]);
    }
    assert_eq!(world.stat(gauge), lease_until_ms, "nobody renews it");
    wait_for("the sidecar knows", || {
        let (_, fleet) = home.admin.call("GET", "/v1/envoys", None);
        fleet["envoys"][0]["lease_over"] == json!(true)
    });
    home.end(traffic).assert_told(&[503]);

    world.process.stop().unwrap();
    let world = plan.start_with_table();
    assert_eq!(world.ask(&home.good.value), 200);
}

/// W-09: a machine whose memory is at its end is replaced like any that crashed: what it was reading
/// is refused, and no worker stays away.
#[test]
fn a_machine_without_memory_is_replaced() {
    let home = Home::start();
    let plan = Plan::of(&home.stack, "little");
    let shipped = plan.settings().bootstrap.filter_wasm.clone();
    let module = with_little_memory(&shipped, home.stack.run_dir(), LITTLE_PAGES);
    let world = plan.with_module("gate", &module).start_with_table();
    let limited = home
        .admin
        .create("limited", json!({"scope": {"models": ["glm-5.1"]}}));
    let traffic = home.traffic(&world.url());
    let text = "x".repeat(LARGE_BYTES);
    let body = json!({"text": text, "model": "kimi-k2.6"}).to_string();
    for _ in 0..3 {
        let told: Vec<u16> = thread::scope(|scope| {
            let send = || post_chat_with(&world.url(), &limited.value, &body).status;
            let senders: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(send)).collect();
            senders.into_iter().map(|one| one.join().unwrap()).collect()
        });
        println!("bodies of {LARGE_BYTES}: {told:?}");
        assert!(!told.contains(&200), "{told:?}");
        traffic.go_on();
    }
    let crashes = world.stat("wasm.gate.vm_reload_success");
    assert!(crashes > 0, "memory was at its end");
    let mut clients: Vec<Client> = (0..CONNECTIONS)
        .map(|_| Client::new(&world.url()))
        .collect();
    wait_for("every worker is back", || {
        ask_all(&mut clients, &home.good.value)
            .iter()
            .all(|status| *status == 200)
    });
    home.end(traffic).assert_told(&[0, 503]);
}
