//! Answers that are none: garbage, damage, cuts, repetitions, a drip, and too much of everything.
//!
//! `LATCHKEY_CUTS` (24) sets at how many places an answer is cut and damaged.

use std::time::{Duration, Instant};

use envoy::MaxStaleness;
use keytable::{Delta, Epoch, Frame, Generation, Page};
use serde_json::json;
use tests::verdict::Span;
use tests::wire::{Fault, answer};
use tests::{Key, number, wait_for};

use super::world::World;

/// Above the 32 MiB that Envoy keeps of an answer: the agent is told of a failure without a head.
const MORE_THAN_ENVOY_KEEPS: usize = 33 * 1024 * 1024;

const FOREIGN: Epoch = Epoch::from_bytes([7; 16]);

/// A whole and valid answer, "nothing new", of a history that is not the sidecar's.
pub(super) fn of_another_history(world: &World) -> Vec<u8> {
    let now = Generation::new(world.generation());
    let heartbeat = Delta {
        epoch: FOREIGN,
        from: now,
        to: now,
        changes: Vec::new(),
    };
    answer("200 OK", &heartbeat.encode())
}

/// A key that is switched off and on, each time behind a fault.
struct Switch {
    key: Key,
    is_on: bool,
}

impl Switch {
    fn new(world: &World) -> Self {
        Self {
            key: world.admin.create("switch", json!({})),
            is_on: true,
        }
    }

    /// Does something to the answer that brings the next change. The change arrives all the same.
    fn throw(&mut self, world: &World, fault: Fault) {
        let what: String = format!("{fault:?}").chars().take(60).collect();
        let faulted = world.wire.faulted();
        world.wire.once(fault);
        self.is_on = !self.is_on;
        let (state, status) = match self.is_on {
            true => ("enabled", 200),
            false => ("disabled", 401),
        };
        world.change(&self.key, &json!({"status": state}));
        assert!(world.wire.faulted() > faulted, "{what}");
        assert_eq!(world.ask(&self.key).status, status, "{what}");
    }
}

/// What is no HTTP answer with a frame in it.
fn no_frames() -> Vec<Vec<u8>> {
    let text = |text: &str| text.as_bytes().to_vec();
    let endless = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{MORE_THAN_ENVOY_KEEPS:x}\r\n"
    );
    let mut endless = endless.into_bytes();
    endless.resize(endless.len() + MORE_THAN_ENVOY_KEEPS, b'x');
    vec![
        Vec::new(),
        text("\0\0\0\0"),
        text("SSH-2.0-OpenSSH_9.2\r\n"),
        text("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"),
        text("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nlonger than it says"),
        text("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
        text("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
        text("HTTP/1.1 204 No Content\r\n\r\n"),
        text("HTTP/1.1 304 Not Modified\r\n\r\n"),
        text("HTTP/1.1 301 Moved Permanently\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"),
        answer("200 OK", b""),
        answer("200 OK", b"[]"),
        answer("200 OK", b"{\"keys\":[]}"),
        answer("200 OK", b"<html><body>502 Bad Gateway</body></html>"),
        answer("200 OK", &vec![0; 1024 * 1024]),
        answer("200 OK", &vec![0; MORE_THAN_ENVOY_KEEPS]),
        endless,
        answer("401 Unauthorized", b"{}"),
        answer("404 Not Found", b""),
        answer("500 Internal Server Error", b"{}"),
        answer("503 Service Unavailable", b""),
    ]
}

/// Whole frames that do not belong here; the first is the one that belongs, in other wrappings.
fn wrong_frames(world: &World) -> Vec<Vec<u8>> {
    let whole = world.wire.before();
    let at = whole.windows(4).position(|four| four == b"\r\n\r\n");
    let genuine = &whole[at.unwrap() + 4..];
    let epoch = match Frame::decode(genuine).unwrap() {
        Frame::Delta(delta) => delta.epoch,
        Frame::Page(page) => page.epoch,
    };
    let generation = world.generation();
    let delta = |epoch, from, to| {
        let (from, to) = (Generation::new(from), Generation::new(to));
        let changes = Vec::new();
        Delta {
            epoch,
            from,
            to,
            changes,
        }
        .encode()
    };
    let page = |generation, first_bucket| {
        Page {
            epoch,
            generation: Generation::new(generation),
            first_bucket,
            buckets: 4096,
            records: Vec::new(),
        }
        .encode()
    };
    let frames = [
        delta(FOREIGN, generation, generation + 1),
        delta(epoch, generation + 1, generation + 2),
        delta(epoch, 1, generation + 1),
        page(1, 0),
        page(generation + 1, 4096),
        genuine[..genuine.len() - 1].to_vec(),
        [genuine, b"x"].concat(),
    ];
    let whole = frames.iter().map(|frame| answer("200 OK", frame));
    whole
        .chain([answer("206 Partial Content", genuine)])
        .collect()
}

/// whatever is answered in the sidecar's place, the table stays, traffic goes on, and
/// the change arrives with the next answer.
#[test]
fn garbage_in_the_place_of_an_answer_changes_nothing() {
    let world = World::start(MaxStaleness::default());
    let mut switch = Switch::new(&world);
    let load = world.load();
    let begun = Instant::now();
    for bytes in no_frames() {
        switch.throw(&world, Fault::Say(bytes));
    }
    for turn in 0..wrong_frames(&world).len() {
        let bytes = wrong_frames(&world).swap_remove(turn);
        switch.throw(&world, Fault::Say(bytes));
    }
    let (_, envoys) = world.admin.call("GET", "/v1/envoys", None);
    let error = envoys["envoys"][0]["last_error"].to_string();
    assert!(error.contains("status_206"), "it is told: {envoys}");
    world.judge("garbage", load, &[Span::since(begun)]);
}

/// an answer may be cut and damaged anywhere, and may come twice or late.
#[test]
fn an_answer_that_is_cut_damaged_or_repeated_anywhere_is_got_over() {
    let world = World::start(MaxStaleness::default());
    let mut switch = Switch::new(&world);
    let load = world.load();
    let begun = Instant::now();
    switch.throw(&world, Fault::Twice);
    switch.throw(&world, Fault::Repeat);
    let (length, places) = (world.wire.before().len(), number("LATCHKEY_CUTS", 24));
    for place in 0..places {
        let at = length * place / places;
        switch.throw(&world, Fault::Cut(at));
        switch.throw(&world, Fault::Flip(at));
        switch.throw(&world, Fault::Repeat);
    }
    println!("an answer of {length} bytes, {places} places");
    world.judge("damage", load, &[Span::since(begun)]);
}

/// a sidecar that answers by the byte or refuses is asked less and less often, and nobody
/// else notices.
#[test]
fn a_sidecar_that_drips_or_refuses_is_left_alone_for_longer_and_longer() {
    let world = World::start(MaxStaleness::Seconds(20));
    let mut switch = Switch::new(&world);
    let load = world.load();
    let begun = Instant::now();
    world.wire.set(Fault::Drip(Duration::from_secs(1)));
    world.admin.create_waiting("news", json!({}), "?wait=none");
    let asked = world.wire.asked().len();
    wait_for("Envoy gives up and asks anew", || {
        world.wire.faulted() > 0 && world.wire.asked().len() > asked
    });
    switch.throw(&world, Fault::Twice);

    let refusal = answer("503 Service Unavailable", b"");
    let before = world.wire.asked().len();
    world.wire.set(Fault::Say(refusal));
    world
        .admin
        .create_waiting("more-news", json!({}), "?wait=none");
    wait_for("it is refused again and again", || {
        world.wire.asked().len() >= before + 6
    });
    let asked = world.wire.asked();
    // Doubled from 100 ms, a quarter less at the least; half of it, since times are the wire's.
    for (turn, pair) in asked[before..].windows(2).enumerate() {
        let gap = pair[1] - pair[0];
        assert!(gap >= Duration::from_millis(50 << turn), "{turn}: {gap:?}");
    }
    world.wire.set(Fault::None);
    switch.throw(&world, Fault::Twice);
    world.judge("slow and refusing", load, &[Span::since(begun)]);
}

/// a proxy that has kept an answer, "nothing new", and gives it again whatever the URL. Each is whole,
/// valid and of this history, and the sidecar is never asked: it takes this Envoy for lost.
#[test]
fn an_answer_that_is_kept_and_repeated_renews_no_lease() {
    let world = World::start(MaxStaleness::Seconds(5));
    let load = world.load();
    let of = |answer: &[u8]| {
        let end = answer.windows(4).position(|at| at == b"\r\n\r\n");
        end.map(|end| answer[end + 4..].to_vec())
            .unwrap_or_default()
    };
    let is_heartbeat = |answer: &[u8]| {
        let body = of(answer);
        matches!(Frame::decode(&body), Ok(Frame::Delta(delta)) if delta.from == delta.to)
    };
    wait_for("nothing is new", || is_heartbeat(&world.wire.before()));
    world.wire.set(Fault::Say(world.wire.before()));
    wait_for("the lease ends", || world.ask(&world.good).status == 503);
    world.wire.set(Fault::None);
    world.converge();
    world.judge("repeated", load, &[]);
}

/// garbage renews no lease: a sidecar that answers nothing else is as good as none.
#[test]
fn garbage_renews_no_lease() {
    let world = World::start(MaxStaleness::Seconds(5));
    let load = world.load();
    world.wire.set(Fault::Say(of_another_history(&world)));
    wait_for("the lease ends", || world.ask(&world.good).status == 503);
    let ended = Instant::now();
    let faulted = world.wire.faulted();
    wait_for("more of it", || world.wire.faulted() > faulted);
    load.settle();
    let silent = Span::since(ended);
    world.wire.set(Fault::None);
    world.converge();
    let told = world.judge("only garbage", load, &[]);
    assert!(silent.of(&told).all(|told| told.status == 503));
}

/// the sidecar is killed while the agent's request is open, again and again; and the agent
/// is alive each time.
#[test]
fn a_sidecar_that_is_killed_under_an_open_request_is_found_again() {
    let mut world = World::start(MaxStaleness::default());
    let load = world.load();
    let begun = Instant::now();
    for turn in 0..5 {
        wait_for("a request is open", || world.wire.open() > 0);
        world.stack.kill_sidecar().unwrap();
        load.settle();
        world.stack.start_sidecar().unwrap();
        let doomed = world.doomed(&format!("doomed-{turn}"));
        load.settle();
        world.delete(&doomed);
        load.settle();
    }
    world.judge("killed", load, &[Span::since(begun)]);
}
