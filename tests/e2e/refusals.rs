//! No false refusal: as long as something is left after everything that runs, no request is refused, also right
//! after a limit was raised, a worker's VM was killed, the sidecar was killed and started, clients left in the
//! middle of their answers, and a window began.
//!
//! `LATCHKEY_REFUSALS` sets the number of requests: with 100,000 it runs for minutes. Judge: the clients.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread;
use std::time::UNIX_EPOCH;

use envoy::Stack;
use serde_json::{Value, json};
use tests::admin::assert_applied;
use tests::counting_upstream::CountingUpstream;
use tests::load::Client;
use tests::raw::{Answer, address_of};
use tests::{Admin, Key, chat, number, trap, wait_for};

use crate::limits::keeping;

const CLIENTS: usize = 16;

/// What is asked in all; clients that leave are a hundredth besides.
fn requests() -> usize {
    number("LATCHKEY_REFUSALS", 8_000)
}

fn leavers() -> usize {
    requests() / 100
}

/// A midnight at this offset comes with the next minute.
fn next_midnight() -> String {
    let minutes = UNIX_EPOCH.elapsed().unwrap().as_secs() / 60 + 1;
    let left = i64::try_from(24 * 60 - minutes % (24 * 60)).unwrap() % (24 * 60);
    let offset = if left > 12 * 60 { left - 24 * 60 } else { left };
    let sign = if offset < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
}

fn limits(amount: usize) -> Value {
    let most = 10_000_000_000_u64;
    json!({"limits": [
        {"unit": "requests", "window": "lifetime", "amount": amount},
        {"unit": "requests", "window": "day", "amount": requests() * 2, "utc_offset": next_midnight()},
        {"unit": "tokens", "window": "day", "amount": most, "utc_offset": next_midnight()},
        {"unit": "tokens", "window": "month", "amount": most},
    ]})
}

fn is_refusal(answer: &Answer) -> bool {
    answer.status == 429 || answer.code() == "limits_unavailable"
}

/// So many requests of several clients; those that were refused because of limits.
fn ask(url: &str, key: &Key, count: usize) -> Vec<String> {
    let (left, refused) = (Mutex::new(count), Mutex::new(Vec::new()));
    let take = || {
        let mut left = left.lock().unwrap();
        let is_left = *left > 0;
        *left = left.saturating_sub(1);
        is_left
    };
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = Client::new(url);
                while take() {
                    let answer = client.ask(&key.value);
                    if is_refusal(&answer) {
                        refused
                            .lock()
                            .unwrap()
                            .push(format!("{:?}", answer.refusal()));
                    }
                }
            });
        }
    });
    refused.into_inner().unwrap()
}

/// A client leaves in the middle of its answer.
fn leave(url: &str, key: &Key) -> u16 {
    let body = chat("glm-5.1");
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\nx-end: stay\r\ncontent-length: {}\r\n\r\n{body}",
        key.value,
        body.len()
    );
    let mut stream = TcpStream::connect(address_of(url)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut some = [0; 12];
    stream.read_exact(&mut some).unwrap();
    String::from_utf8_lossy(&some[9..]).parse().unwrap()
}

fn leave_all(url: &str, key: &Key) {
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                for _ in (client..leavers()).step_by(CLIENTS) {
                    assert_eq!(leave(url, key), 200);
                }
            });
        }
    });
}

/// A worker's VM is killed by a request that traps it.
fn kill_worker(url: &str, key: &Key) {
    let head = format!("authorization: Bearer {}", key.value);
    let lines: [&[u8]; 2] = [head.as_bytes(), b"x-trap: 1"];
    let answer = tests::raw::post_chat(url, &lines, chat("glm-5.1").as_bytes());
    assert_ne!(answer.status, 200, "it was to trap");
}

fn start() -> (CountingUpstream, Stack, Admin) {
    let upstream = CountingUpstream::start();
    let mut stack = Stack::prepare(keeping(upstream.behind())).unwrap();
    let wasm = stack.envoy_settings().bootstrap.filter_wasm.clone();
    let wasm = tests::other_filter().unwrap_or(wasm);
    let trapped = trap::with_traps(&wasm, stack.run_dir());
    stack.envoy_settings().bootstrap.filter_wasm = trapped;
    stack.start_sidecar().unwrap();
    stack.start_envoy().unwrap();
    stack.wait_for_table().unwrap();
    let admin = Admin::of(&stack);
    (upstream, stack, admin)
}

fn held(admin: &Admin, key: &Key) -> Vec<u64> {
    let (_, told) = admin.call("GET", &format!("/v1/keys/{}/limits", key.id), None);
    let limits = told["limits"].as_array().unwrap().iter();
    limits
        .map(|limit| limit["held"].as_u64().unwrap())
        .collect()
}

#[test]
fn nothing_is_refused_as_long_as_something_is_left() {
    let (_upstream, mut stack, admin) = start();
    let url = stack.envoy_url();
    let part = requests() / 5;
    let none: Vec<String> = Vec::new();
    let key = admin.create("limited", limits(part));
    assert_eq!(ask(&url, &key, part), none, "all that there is");
    assert_eq!(ask(&url, &key, 1).len(), 1, "and no more");

    // Those of the killed VM count, too; those that Envoy answers before there is another do not.
    assert_applied(&admin.patch(&key, &limits(requests() + 2 * leavers() + 1)));
    assert_eq!(ask(&url, &key, part), none, "right after it was raised");

    let refused = thread::scope(|scope| {
        let asked = scope.spawn(|| ask(&url, &key, part));
        kill_worker(&url, &key);
        asked.join().unwrap()
    });
    assert_eq!(refused, none, "while a worker's VM is killed");

    let refused = thread::scope(|scope| {
        let asked = scope.spawn(|| ask(&url, &key, part));
        stack.kill_sidecar().unwrap();
        stack.start_sidecar().unwrap();
        asked.join().unwrap()
    });
    assert_eq!(refused, none, "while the sidecar is killed and started");

    let refused = thread::scope(|scope| {
        let asked = scope.spawn(|| ask(&url, &key, part));
        leave_all(&url, &key);
        asked.join().unwrap()
    });
    assert_eq!(refused, none, "while clients leave");
    wait_for("nothing is held", || {
        held(&admin, &key).iter().all(|held| *held == 0)
    });
}
