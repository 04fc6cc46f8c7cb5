//! Trouble: Envoy fails a call, the sidecar is away. Nothing is half in force, and it heals.

use crate::support::{Call, FakeSidecar, Rig, hash, held, parameter, record};
use filter::follower::Answer;
use filter::host::Gauge;

/// Advances time in small steps until a request is due; gives how long that took.
fn wait_for_request(rig: &mut Rig) -> u64 {
    let start = rig.now_ms();
    while rig.host.shared.callouts.borrow().is_empty() {
        rig.host.advance_ms(5);
        rig.agent.tick(&rig.host);
        assert!(rig.now_ms() < start + 200_000, "the agent fell silent");
    }
    rig.now_ms() - start
}

/// Heals, and lets agent and sidecar settle.
fn settle(rig: &mut Rig) {
    rig.host.heal();
    loop {
        wait_for_request(rig);
        if rig.exchange() {
            break;
        }
    }
    assert_eq!(held(&rig.host), rig.sidecar.table);
    let expected = u64::try_from(rig.sidecar.table.len()).unwrap();
    assert_eq!(rig.host.read_gauge(Gauge::Records), expected);
}

/// The head, and the gauges that gates go by.
fn in_force(rig: &Rig) -> (Option<Vec<u8>>, u64, u64) {
    let head = rig.host.shared.slots.borrow().get("latchkey.head").cloned();
    (head, rig.edition(), rig.lease_until_ms())
}

#[test]
fn a_slot_that_cannot_be_written_keeps_the_table_out_of_force() {
    for count in 0..5 {
        let mut rig = Rig::with(&[record(1), record(2)]);
        rig.host.advance_ms(10);
        let before = in_force(&rig);
        (3..7).for_each(|n| rig.sidecar.put(&record(n)));
        rig.sidecar.remove(&hash(1));
        rig.host.fail_after(Call::SetSlot, count);
        rig.exchange();
        assert_eq!(in_force(&rig), before, "{count}");
        assert!(rig.request().is_none(), "backed off");
        wait_for_request(&mut rig);
        let path = rig.host.shared.callouts.borrow()[0].path.clone();
        assert_eq!(
            parameter(&path, "generation"),
            None,
            "nothing is acknowledged"
        );
        settle(&mut rig);
    }
}

#[test]
fn a_snapshot_whose_writing_fails_starts_over() {
    let records: Vec<_> = (0..100).map(record).collect();
    for count in [0, 1, 50, 99, 100] {
        let mut rig = Rig::cold(FakeSidecar::with(&records));
        rig.host.fail_after(Call::SetSlot, count);
        for _ in 0..20 {
            let Some(request) = rig.request() else {
                break;
            };
            let body = rig.sidecar.answer(&request.path);
            rig.deliver(&request, &body);
        }
        assert_eq!(in_force(&rig), (None, 0, 0), "{count}");
        assert!(rig.find(1).is_err());
        settle(&mut rig);
    }
}

#[test]
fn each_failing_call_heals() {
    let calls = [
        Call::Slot,
        Call::SetSlot,
        Call::Gauge,
        Call::SetGauge,
        Call::Monotonic,
        Call::Get,
    ];
    for call in calls {
        for count in 0..6 {
            let mut rig = Rig::with(&[record(1), record(2)]);
            rig.sidecar.put(&record(3));
            rig.sidecar.remove(&hash(1));
            rig.host.fail_after(call, count);
            for _ in 0..4 {
                if let Some(request) = rig.request() {
                    let body = rig.sidecar.answer(&request.path);
                    rig.deliver(&request, &body);
                }
                rig.rest();
            }
            settle(&mut rig);
            assert!(rig.find(1).unwrap().is_none(), "{call:?} {count}");
        }
    }
}

#[test]
fn a_clock_that_fails_once_does_not_silence_the_agent() {
    for answer in [
        Answer::Failed,
        Answer::Http {
            status: 200,
            body: b"nonsense",
        },
    ] {
        let mut rig = Rig::with(&[record(1)]);
        let request = rig.request().unwrap();
        rig.host.fail(Call::Monotonic);
        rig.answer(&request, answer);
        settle(&mut rig);
    }
    let mut rig = Rig::with(&[record(1)]);
    rig.sidecar.put(&record(2));
    let request = rig.request().unwrap();
    let body = rig.sidecar.answer(&request.path);
    rig.host.fail(Call::Monotonic);
    rig.deliver(&request, &body);
    settle(&mut rig);
}

#[test]
fn a_damaged_bucket_heals_by_a_snapshot() {
    let mut rig = Rig::with(&[record(1), record(2)]);
    let name = format!("latchkey.{:04x}", hash(1).bucket());
    rig.host
        .shared
        .slots
        .borrow_mut()
        .insert(name, b"damage".to_vec());
    rig.sidecar.remove(&hash(1));
    rig.exchange();
    settle(&mut rig);
}

#[test]
fn back_off_grows_is_bounded_and_ends_with_success() {
    let mut rig = Rig::with(&[record(1)]);
    let mut waits = Vec::new();
    for _ in 0..30 {
        let request = rig.request().unwrap();
        rig.answer(&request, Answer::Failed);
        waits.push(wait_for_request(&mut rig));
    }
    assert!((75..=130).contains(&waits[0]), "{waits:?}");
    assert!(
        waits[..6].windows(2).all(|pair| pair[0] < pair[1]),
        "{waits:?}"
    );
    assert!(
        waits[6..].iter().all(|wait| (3750..=6255).contains(wait)),
        "{waits:?}"
    );
    rig.sync();
    assert_eq!(wait_for_request(&mut rig), 0);
    let request = rig.request().unwrap();
    rig.answer(&request, Answer::Failed);
    assert!(wait_for_request(&mut rig) <= 130);
}

#[test]
fn two_agents_do_not_come_back_at_the_same_moment() {
    let waits = |instance: String| {
        let mut rig = Rig::cold(FakeSidecar::new(1));
        let config = crate::support::rig::agent_config(60);
        rig.agent = filter::agent::Agent::new(&config, "n".to_owned(), instance);
        (0..12).fold(0, |sum, _| {
            let request = rig.request().unwrap();
            rig.answer(&request, Answer::Failed);
            sum + wait_for_request(&mut rig)
        })
    };
    let sums: std::collections::BTreeSet<u64> =
        (0..20).map(|n| waits(format!("{n:032x}"))).collect();
    assert!(sums.len() > 15, "{sums:?}");
}

#[test]
fn a_request_that_cannot_be_sent_is_tried_again() {
    let mut rig = Rig::with(&[record(1)]);
    let request = rig.request().unwrap();
    rig.host.fail(Call::Get);
    let before = rig.host.table();
    rig.answer(&request, Answer::Failed);
    for _ in 0..100 {
        rig.host.advance_ms(500);
        rig.agent.tick(&rig.host);
    }
    assert_eq!(rig.host.table(), before);
    rig.host.heal();
    wait_for_request(&mut rig);
    let path = rig.host.shared.callouts.borrow()[0].path.clone();
    assert_eq!(
        parameter(&path, "generation"),
        Some("1"),
        "the table is still whole"
    );
    settle(&mut rig);
}

#[test]
fn a_request_that_is_never_answered_is_given_up() {
    let mut rig = Rig::with(&[record(1)]);
    let lost = rig.request().unwrap();
    rig.host.advance_ms(2 * lost.timeout_ms);
    assert!(rig.request().is_none(), "not yet");
    rig.host.advance_ms(1);
    let next = rig.request().unwrap();
    let position = |path| (parameter(path, "epoch"), parameter(path, "generation"));
    assert_eq!(position(&next.path), position(&lost.path));
    let before = rig.host.table();
    let body = rig.sidecar.answer(&lost.path);
    rig.deliver(&lost, &body);
    assert_eq!(rig.host.table(), before, "too late");
    rig.deliver(&next, &body);
    assert!(rig.find(1).unwrap().is_some());
}

#[test]
fn a_lasting_trouble_is_one_line() {
    let mut rig = Rig::with(&[record(1)]);
    let log = |rig: &Rig| rig.host.shared.log.take();
    assert!(log(&rig).is_empty(), "all went well");
    for _ in 0..20 {
        let request = rig.request().unwrap();
        rig.answer(
            &request,
            Answer::Http {
                status: 503,
                body: b"",
            },
        );
        rig.rest();
    }
    let lines = log(&rig);
    assert!(
        lines.len() == 1 && lines[0].contains("status 503"),
        "{lines:?}"
    );
    let request = rig.request().unwrap();
    rig.deliver(&request, b"<html>");
    assert_eq!(log(&rig).len(), 1, "another trouble is another line");
    rig.rest();
    rig.sync();
    let lines = log(&rig);
    assert!(
        lines.len() == 1 && lines[0].contains("current again at generation 1"),
        "{lines:?}"
    );
    rig.sync();
    assert!(log(&rig).is_empty());
}
