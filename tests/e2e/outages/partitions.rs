//! Envoy and the sidecar do not hear each other and nobody tells them: no connection ends.
//!
//! `LATCHKEY_LEASE_S` (5, at most 25) sets the lease. Judged by the lease that Envoy itself shows, on the clock
//! that it shares with the test.

use std::fs;
use std::time::{Duration, Instant};

use envoy::{MaxStaleness, Stack};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tests::load::{Load, Told};
use tests::verdict::{Span, passed};
use tests::wire::Fault;
use tests::{number, stat, wait_for};

use super::world::{World, assert_settled};
use crate::streams;

const LEASE_UNTIL_MS: &str = "wasmcustom.latchkey.lease_until_ms";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Partition {
    /// Nothing passes.
    BothWays,
    /// The sidecar hears Envoy, Envoy hears nothing.
    Answers,
    /// The sidecar stands still, its sockets are open.
    Standstill,
}

impl Partition {
    fn begin(self, world: &mut World) {
        match self {
            Self::BothWays => world.wire.set(Fault::Stall),
            Self::Answers => world.wire.set(Fault::StallAnswers),
            Self::Standstill => world.stack.sidecar().unwrap().process().pause().unwrap(),
        }
    }

    fn end(self, world: &mut World) {
        match self {
            Self::BothWays | Self::Answers => world.wire.set(Fault::None),
            Self::Standstill => world.stack.sidecar().unwrap().process().resume().unwrap(),
        }
    }
}

fn lease() -> (MaxStaleness, Duration) {
    let seconds = u64::try_from(number("LATCHKEY_LEASE_S", 5)).unwrap();
    (MaxStaleness::Seconds(seconds), Duration::from_secs(seconds))
}

/// Waits until the lease that Envoy shows is over; gives when that was.
fn lapse(stack: &Stack) -> Instant {
    let mut lapsed = None;
    wait_for("the lease ends", || {
        let until = Duration::from_millis(stat(stack, LEASE_UNTIL_MS));
        let (clock, now) = (clock_gettime(ClockId::Monotonic), Instant::now());
        let clock = Duration::try_from(clock).unwrap();
        lapsed = clock.checked_sub(until).map(|ago| now - ago);
        lapsed.is_some()
    });
    lapsed.unwrap()
}

/// How many connections each of the two workers has taken.
fn taken(stack: &Stack) -> [u64; 2] {
    let listener = stack.envoy_url().replace("http://", "").replace(':', "_");
    ["worker_0", "worker_1"].map(|worker| {
        let name = format!("listener.{listener}.{worker}.downstream_cx_total");
        stat(stack, &name)
    })
}

/// Waits until each worker has been asked; a refusal ends its connection, so clients go round.
fn ask_both_workers(stack: &Stack, load: &Load) {
    let before = taken(stack);
    wait_for("both workers are asked", || {
        let now = taken(stack);
        now[0] > before[0] && now[1] > before[1]
    });
    load.settle();
}

/// One partition that lasts until behind the end of the lease.
fn outlast(world: &mut World, partition: Partition, lease: Duration) {
    let doomed = world.doomed(&format!("{partition:?}"));
    let load = world.load();
    let begun = Instant::now();
    partition.begin(world);
    if partition != Partition::Standstill {
        let answer = world.remove(&doomed, "wait=none");
        let pending = &answer["propagation"]["pending"][0];
        assert_eq!(pending["envoy"], "envoy", "{answer}");
        assert!(pending["may_serve_until"].is_string(), "{answer}");
    }
    let lapse = lapse(&world.stack);
    assert!(lapse < begun + lease, "counted from when it was asked");
    ask_both_workers(&world.stack, &load);
    let healed = Instant::now();
    partition.end(world);
    wait_for("traffic is back", || world.ask(&world.good).status == 200);
    let back = Instant::now();
    println!(
        "{partition:?}: back {} ms later",
        (back - healed).as_millis()
    );
    load.settle();
    let (serving, silent) = (
        Span {
            from: begun,
            until: lapse,
        },
        Span {
            from: lapse,
            until: healed,
        },
    );
    match partition {
        Partition::Standstill => world.delete(&doomed),
        _ => world.bury(&doomed, lapse),
    }
    let what = format!("{partition:?}");
    let told = world.judge(&what, load, &[serving, Span::since(back)]);
    let others: Vec<_> = silent.of(&told).filter(|told| told.status != 503).collect();
    assert!(
        silent.of(&told).count() > 0 && others.is_empty(),
        "{others:?}"
    );
    let recorded = world.stack.upstream().unwrap().requests();
    assert!(passed(silent.of(&told), &recorded).is_empty());
}

/// traffic does not notice a partition until the lease ends; then every worker
/// refuses everything; when it is over, what was revoked meanwhile is in force before anything is
/// served.
#[test]
fn a_partitioned_envoy_serves_until_its_lease_ends_and_then_nobody() {
    let (max_staleness, lease) = lease();
    let mut world = World::start(max_staleness);
    for partition in [
        Partition::BothWays,
        Partition::Answers,
        Partition::Standstill,
    ] {
        outlast(&mut world, partition, lease);
    }
}

/// an Envoy that stands still is not waited for longer than its lease, and what queued
/// up in front of it is not served by what it knew.
#[test]
fn an_envoy_that_stood_still_serves_nothing_before_it_has_heard_of_changes() {
    let (max_staleness, _) = lease();
    let mut world = World::start(max_staleness);
    let doomed = world.doomed("doomed");
    let load = world.load();
    let process = world.stack.envoy().unwrap().process();
    process.pause().unwrap();
    let stat_file = format!("/proc/{}/stat", process.pid());
    wait_for("Envoy stands still", || {
        fs::read_to_string(&stat_file).unwrap().contains(") T ")
    });
    let paused = Instant::now();
    world.wire.set(Fault::Stall);
    let answer = world.remove(&doomed, "wait=applied&timeout_s=60");
    assert_settled(&answer);
    assert_eq!(answer["propagation"]["envoys"], 0, "its lease is over");
    world.bury(&doomed, paused);
    let resumed = Instant::now();
    world.stack.envoy().unwrap().process().resume().unwrap();
    ask_both_workers(&world.stack, &load);
    let silent = Span::since(paused);
    world.wire.set(Fault::None);
    world.converge();
    let back = Instant::now();
    load.settle();
    let told = world.judge("Envoy stood still", load, &[Span::since(back)]);
    let queued = |told: &Told| told.begun < resumed && told.ended > resumed;
    assert!(told.iter().any(queued), "some had queued up");
    let others: Vec<_> = silent.of(&told).filter(|told| told.status != 503).collect();
    assert!(
        silent.of(&told).count() > 0 && others.is_empty(),
        "{others:?}"
    );
}

/// an answer that streams when its key is deleted goes on in an Envoy that cannot know, and
/// ends when it does.
#[test]
fn a_running_answer_ends_when_the_partition_does() {
    let mut world = World::start(MaxStaleness::default());
    let doomed = world.doomed("doomed");
    let mut of_doomed = streams::chat_stream(&world.stack, &doomed, 20);
    let mut of_good = streams::chat_stream(&world.stack, &world.good, 20);
    world.wire.set(Fault::Stall);
    let answer = world.remove(&doomed, "wait=none");
    assert_eq!(answer["propagation"]["applied"], 0, "{answer}");
    for stream in [&mut of_doomed, &mut of_good] {
        streams::read_until(stream, "word");
        streams::read_until(stream, "word");
    }
    world.wire.set(Fault::None);
    world.converge();
    let after = streams::end_of(of_doomed, Instant::now());
    println!(
        "ended {} ms after the change was in force",
        after.as_millis()
    );
    streams::read_until(&mut of_good, "word");
    assert_eq!(world.ask(&doomed).status, 401);
    world
        .admin
        .patch(&world.good, &json!({"status": "disabled"}));
    streams::end_of(of_good, Instant::now());
}
