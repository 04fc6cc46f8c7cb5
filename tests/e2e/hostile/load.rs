//! Bodies that are bombs, too long, too slow or too many: what they cost, and that what is honest
//! among them arrives as it was sent.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::thread;

use envoy::StackOptions;
use envoy::bootstrap::{Addition, Place};
use serde_json::json;
use tests::raw::{self, Answer};

use super::{Attempt, Framing, Range, head};

const MIB: usize = 1024 * 1024;
/// What the gate holds back at most.
const LIMIT: usize = 8 * MIB;
/// A body that is held to its end.
const HELD: usize = LIMIT / 10 * 9;
/// What Envoy may take for a body that it does not hold: windows and buffers on both sides.
const UNHELD_KIB_MAX: u64 = 1024;
const STRANGERS: usize = 200;
const HOLDERS: usize = 16;
const RANDOM_BODIES: usize = 1_000;

/// A body of exactly this size with the model at its end.
fn model_last(size: usize, name: &str) -> Vec<u8> {
    let end = format!("\",\"model\":\"{name}\"}}");
    let mut body = b"{\"m\":\"".to_vec();
    body.resize(size - end.len(), b'x');
    body.extend(end.bytes());
    body
}

/// Resident memory of Envoy: now, and the most since it was last asked, in KiB.
fn memory_kib(range: &Range) -> (u64, u64) {
    let pid = range.gate.envoy_pid;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let figure = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let found = (figure("VmRSS"), figure("VmHWM"));
    fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    found
}

#[test]
fn a_bomb_is_not_opened() {
    Range::in_both_settings(|range| {
        let script = "import gzip, sys; sys.stdout.buffer.write(gzip.compress(bytes(1 << 28), 9))";
        let bomb = Command::new("python3").args(["-c", script]).output();
        let bomb = Attempt::chat("E-04", bomb.unwrap().stdout).with("content-encoding", "gzip");
        assert!(bomb.body.len() > 100 * 1024);
        range.judge(&bomb, &[415]);
        let (before, _) = memory_kib(range);
        range.judge(&bomb, &[415]);
        let (_, most) = memory_kib(range);
        assert!(most <= before + 8 * UNHELD_KIB_MAX, "{before} {most}");
    });
}

#[test]
fn the_limit_is_where_it_is_said_to_be() {
    let range = Range::start();
    let attempt = |size, name| Attempt::post("E-10", "/v1/embeddings", model_last(size, name));
    for size in [LIMIT - 1, LIMIT] {
        range.judge(&attempt(size, "good-1"), &[200]);
        range.judge(&attempt(size, "bad-1"), &[403]);
    }
    // One byte more arrives in the last piece, with the name.
    range.judge(&attempt(LIMIT + 1, "good-1"), &[200, 413]);
    range.judge(&attempt(LIMIT + 1, "bad-1"), &[403, 413]);
    range.judge(&attempt(LIMIT + 2 * MIB, "good-1"), &[413]);
    range.judge(&attempt(10 * LIMIT, "bad-1"), &[413]);
    range.end();
}

#[test]
fn beyond_the_limit_a_body_flows_where_the_gate_is_told_so_but_for_its_end() {
    let settings = json!({"beyond_hold": "flow"});
    let range = Range::start_with(StackOptions {
        gate_settings: serde_json::from_value(settings).unwrap(),
        ..StackOptions::default()
    });
    let attempt = |size, name| Attempt::post("E-10", "/v1/embeddings", model_last(size, name));
    for size in [LIMIT, LIMIT + 1, LIMIT + 2 * MIB, 4 * LIMIT] {
        range.judge(&attempt(size, "good-1"), &[200]);
        range.judge(&attempt(size, "bad-1"), &[403]);
    }
    let unnamed = [
        b"{\"m\":\"".to_vec(),
        vec![b'x'; LIMIT + MIB],
        b"\"}".to_vec(),
    ]
    .concat();
    range.judge(&Attempt::post("E-10", "/v1/embeddings", unnamed), &[400]);
    range.end();
}

#[test]
fn a_body_that_stops_is_given_up() {
    let route = "- match: { prefix: /v1/chat }\n  \
                 route: { cluster: upstream, timeout: 0s, idle_timeout: 1s }";
    let options = StackOptions {
        additions: vec![Addition {
            place: Place::Routes,
            yaml: route.to_owned(),
        }],
        ..StackOptions::default()
    };
    Range::in_both_settings_of(options, |range| {
        let bearer = [b"authorization: ".as_slice(), &range.bearer()].concat();
        let length = b"content-type: application/json\r\ncontent-length: 100".to_vec();
        let mut bytes = head("POST", "/v1/chat/completions", &[bearer, length]);
        bytes.extend(br#"{"x":"#);
        range.judge_raw("E-12", &bytes, &[408, 504]);
        assert!(!range.gate.holds || range.upstream().count() == 0, "E-12");
    });
}

#[test]
fn strangers_make_nothing_be_held() {
    Range::in_both_settings(|range| {
        let body = model_last(HELD, "good-1");
        let stranger = range.create("gone", json!({}));
        range.admin.delete(&stranger);
        let (before, _) = memory_kib(range);
        let statuses = send_together(range, STRANGERS, &stranger.value, &body);
        let (_, most) = memory_kib(range);
        // Who still writes when the connection is reset may not see the answer.
        let answered = statuses.iter().filter(|status| **status == 401).count();
        let unseen = statuses.iter().filter(|status| **status == 0).count();
        assert!(
            answered > 0 && answered + unseen == STRANGERS,
            "{statuses:?}"
        );
        println!("E-13: {STRANGERS} bodies of {HELD}: {before} KiB, at most {most}");
        let each_kib = 2 * UNHELD_KIB_MAX;
        assert!(most <= before + STRANGERS as u64 * each_kib, "E-13");
        assert_eq!(range.upstream().count(), 0, "E-13");
    });
}

#[test]
fn what_is_held_is_bounded_and_given_back() {
    Range::in_both_settings(|range| {
        let body = model_last(HELD, "good-1");
        send_together(range, HOLDERS, &range.key.value, &body);
        let (before, _) = memory_kib(range);
        let statuses = send_together(range, HOLDERS, &range.key.value, &body);
        let (_, most) = memory_kib(range);
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        println!("E-14: {HOLDERS} bodies of {HELD}: {before} KiB, at most {most}");
        // The buffer, the copy that is being read, and windows.
        let each_kib = 2 * (LIMIT / 1024) as u64 + 8 * UNHELD_KIB_MAX;
        assert!(most <= before + HOLDERS as u64 * each_kib, "E-14");
    });
}

#[test]
fn random_bodies_arrive_as_they_were_sent() {
    Range::in_both_settings(|range| {
        let mut state = 1;
        let mut draw = move |end: usize| {
            state = u64::wrapping_mul(state, 6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % end
        };
        for number in 0..RANDOM_BODIES {
            let most = 1 << draw(24);
            let mut text = Vec::new();
            text.resize_with(draw(most), || b' ' + u8::try_from(draw(64)).unwrap());
            text.retain(|byte| *byte != b'"' && *byte != b'\\');
            let text = String::from_utf8(text).unwrap();
            let body = format!("{{\"model\":\"good-1\",\"x\":\"{text}\"}}");
            let id = format!("E-20 {number}: {} bytes", body.len());
            let split = 1 + draw(body.len() - 1);
            let attempt = Attempt::post(&id, "/v1/embeddings", body);
            let attempt = attempt.with("authorization", range.bearer());
            let framing = [
                Framing::Whole,
                Framing::Halves,
                Framing::Http2,
                Framing::SplitAt(split),
            ][draw(4)];
            range.judge_framed(&attempt, framing, &[200]);
        }
    });
}

/// The same request many times at once; gives the statuses.
fn send_together(range: &Range, count: usize, key: &str, body: &[u8]) -> Vec<u16> {
    let url = range.url();
    let lines = [
        format!("authorization: Bearer {key}").into_bytes(),
        format!("content-length: {}", body.len()).into_bytes(),
        b"content-type: application/json".to_vec(),
    ];
    let head = head("POST", "/v1/embeddings", &lines);
    thread::scope(|scope| {
        let each = || scope.spawn(|| send_slowly(&url, &head, body).status);
        let all: Vec<_> = (0..count).map(|_| each()).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// Sends most of a body before it looks for an answer, and the end then.
fn send_slowly(url: &str, head: &[u8], body: &[u8]) -> Answer {
    let mut reading = TcpStream::connect(raw::address_of(url)).unwrap();
    reading.set_read_timeout(Some(tests::PATIENCE)).unwrap();
    let mut writing = reading.try_clone().unwrap();
    thread::scope(|scope| {
        // The gate may answer, and close, before it has everything.
        scope.spawn(move || {
            writing
                .write_all(head)
                .and_then(|()| writing.write_all(body))
        });
        raw::read_answer(&mut reading)
    })
}
