//! A thousand Envoys on one sidecar: every change reaches all of them, they come back all at once,
//! and changes that wait for them cost nothing.
//!
//! The Envoys are plain clients of the feed (`tests::watchers`), so that there can be so many;
//! `LATCHKEY_ENVOYS` sets how many. Figures are printed, not judged: the clients and the sidecar share
//! the machine.

use std::thread;
use std::time::Instant;

use envoy::{Stack, StackOptions};
use serde_json::{Value, json};
use tests::measure::{allow_files, cpu_us, percentile};
use tests::watchers::Watchers;
use tests::{Admin, Key, number, raw, wait_for};

const ENVOYS: usize = 1_000;
const CHANGES: usize = 20;
/// More changes at once than a sidecar has threads.
const WAITING: usize = 200;

/// A sidecar with one key, and Envoys that have the table.
struct World {
    stack: Stack,
    admin: Admin,
    key: Key,
    envoys: usize,
    watchers: Watchers,
    generation: u64,
}

fn world(envoys: usize) -> World {
    allow_files(2 * envoys as u64 + 1_000);
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    stack.start_sidecar().unwrap();
    let admin = Admin::of(&stack);
    let key = admin.create_waiting("fleet", json!({}), "?wait=none");
    let token = std::fs::read_to_string(stack.feed_token_file()).unwrap();
    let mut watchers = Watchers::open(&stack.feed_url(), token.trim(), envoys, None);
    let begin = Instant::now();
    let told_ms = watchers.wait_for(1, begin);
    println!(
        "{envoys} Envoys without a table: all have it after {:.0} ms",
        percentile(&told_ms, 100)
    );
    World {
        stack,
        admin,
        key,
        envoys,
        watchers,
        generation: 1,
    }
}

impl World {
    /// Changes the key; the answer.
    fn change(&self, number: usize, query: &str) -> Value {
        change(&self.admin, &self.key, number, query)
    }

    /// Makes a change that waits until all have it in force; when each was told, and when it was
    /// answered, in milliseconds.
    fn change_everywhere(&mut self, number: usize) -> (Vec<f64>, f64) {
        self.generation += 1;
        let (generation, envoys, begin) = (self.generation, self.envoys, Instant::now());
        let (admin, key) = (self.admin.clone(), self.key.clone());
        let (answer, told_ms, answered_ms) = thread::scope(|scope| {
            let changing = scope.spawn(move || {
                let answer = change(&admin, &key, number, "?wait=applied&timeout_s=60");
                (answer, begin.elapsed().as_secs_f64() * 1e3)
            });
            let told_ms = self.watchers.wait_for(generation, begin);
            let (answer, answered_ms) = changing.join().unwrap();
            (answer, told_ms, answered_ms)
        });
        let applied =
            json!({"generation": generation, "envoys": envoys, "applied": envoys, "pending": []});
        assert_eq!(answer["propagation"], applied);
        (told_ms, answered_ms)
    }

    fn sidecar_pid(&mut self) -> u32 {
        self.stack.sidecar().unwrap().process().pid()
    }

    /// A figure of the sidecar's.
    fn metric(&self, name: &str) -> u64 {
        raw::sidecar_metric(&self.stack.console_url(), name)
    }
}

fn change(admin: &Admin, key: &Key, number: usize, query: &str) -> Value {
    let body = json!({"description": format!("change {number}")});
    let path = format!("/v1/keys/{}{query}", key.id);
    let (status, answer) = admin.call("PATCH", &path, Some(&body));
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Case R-19.
#[test]
fn a_change_is_acknowledged_by_all_and_after_a_crash_all_come_back_at_once() {
    let mut world = world(number("LATCHKEY_ENVOYS", ENVOYS));
    let envoys = world.envoys;
    assert_eq!(world.metric("snapshots_compiled_total"), 1, "one for all");
    let before_us = cpu_us(world.sidecar_pid());
    let (mut told_ms, mut answered_ms) = (Vec::new(), Vec::new());
    for number in 0..CHANGES {
        let (told, answered) = world.change_everywhere(number);
        told_ms.extend(told);
        answered_ms.push(answered);
    }
    let used_ms = (cpu_us(world.sidecar_pid()) - before_us) / 1e3 / CHANGES as f64;
    println!(
        "{envoys} Envoys: told after p50 {:.1}, p99 {:.1} ms; answered as applied after p50 {:.1}, \
         max {:.1} ms; {used_ms:.1} ms of CPU for one change",
        percentile(&told_ms, 50),
        percentile(&told_ms, 99),
        percentile(&answered_ms, 50),
        percentile(&answered_ms, 100),
    );

    world.stack.kill_sidecar().unwrap();
    world.stack.start_sidecar().unwrap();
    let lost = world.change(CHANGES, "?wait=none");
    world.generation += 1;
    let counts = (
        &lost["propagation"]["envoys"],
        &lost["propagation"]["applied"],
    );
    assert_eq!(
        counts,
        (&json!(envoys), &json!(0)),
        "none is forgotten, none is credited"
    );
    let (begin, taken) = (Instant::now(), world.watchers.snapshots());
    world.watchers.reconnect(|number| number % 2 == 0);
    let told_ms = world.watchers.wait_for(world.generation, begin);
    let used_ms = cpu_us(world.sidecar_pid()) / 1e3;
    println!(
        "{envoys} Envoys came back at once, half of them without a table: all served after {:.0} ms, \
         {used_ms:.0} ms of CPU since the start",
        percentile(&told_ms, 100)
    );
    assert_eq!(told_ms.len(), envoys);
    assert_eq!(
        world.watchers.snapshots() - taken,
        envoys.div_ceil(2),
        "others need a change only"
    );
    assert_eq!(world.metric("snapshots_compiled_total"), 1, "one for all");
    world.change_everywhere(CHANGES + 1);
}

#[test]
fn changes_that_wait_for_envoys_cost_no_thread_each() {
    let mut world = world(8);
    let begin = Instant::now();
    thread::scope(|scope| {
        let changes: Vec<_> = (0..WAITING)
            .map(|number| {
                let (admin, key) = (world.admin.clone(), world.key.clone());
                scope.spawn(move || change(&admin, &key, number, "?wait=applied&timeout_s=60"))
            })
            .collect();
        let all = 1 + WAITING as u64;
        wait_for("all are made", || world.metric("generation") == all);
        let threads = threads_of(world.sidecar_pid());
        println!("{WAITING} changes wait; the sidecar has {threads} threads");
        assert!(threads < WAITING, "{threads}");
        assert_eq!(world.admin.total(), 1, "others are answered meanwhile");
        assert!(
            changes.iter().all(|change| !change.is_finished()),
            "nobody has it in force"
        );
        world.watchers.wait_for(all, begin);
        for change in changes {
            let propagation = &change.join().unwrap()["propagation"];
            assert_eq!(propagation["applied"], 8, "{propagation}");
        }
    });
}

/// How many threads a process has.
fn threads_of(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Threads:"));
    line.unwrap().trim().parse().unwrap()
}
