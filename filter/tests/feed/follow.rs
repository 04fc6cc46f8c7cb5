//! What the agent asks, and how changes come in.

use crate::support::rig::{INSTANCE, agent_config};
use crate::support::{FakeHost, FakeSidecar, Rig, hash, held, list, parameter, record};
use filter::agent::Agent;
use filter::config::{AgentConfig, MaxStaleness};
use filter::follower::Answer;
use filter::host::Gauge;
use keytable::{Record, Status, TableHead};

fn path(rig: &mut Rig) -> String {
    rig.request().unwrap().path
}

#[test]
fn the_first_request_says_who_asks_and_acknowledges_nothing() {
    let mut rig = Rig::cold(FakeSidecar::new(1));
    let request = rig.request().unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let path = format!(
        "/feed/v1/table?region=local&agent={INSTANCE}&node=node%201&version={version}&lease_s=60\
         &wait_s=15&format=3&request=1"
    );
    assert_eq!(request.path, path);
    assert_eq!(request.timeout_ms, 25_000);
}

#[test]
fn no_two_requests_have_the_same_url() {
    let mut rig = Rig::with(&[record(1)]);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let request = rig.request().unwrap();
        let heartbeat = rig.sidecar.answer(&request.path);
        assert!(seen.insert(request.path.clone()), "{}", request.path);
        rig.deliver(&request, &heartbeat);
    }
}

#[test]
fn an_envoy_without_a_lease_says_so() {
    let host = FakeHost::default();
    let config = AgentConfig {
        max_staleness: MaxStaleness::Never,
        ..agent_config(60)
    };
    Agent::new(&config, "n".to_owned(), INSTANCE.to_owned()).tick(&host);
    let path = host.shared.callouts.borrow()[0].path.clone();
    assert_eq!(parameter(&path, "lease_s"), Some("never"));
}

/// How many answers a sidecar can give in 10 s that answers at once.
fn asked_in_10_s(mut answer: impl FnMut(&mut Rig) -> Vec<u8>) -> usize {
    let mut rig = Rig::with(&[record(1)]);
    let mut asked = 0;
    for _ in 0..10_000 {
        while let Some(request) = rig.request() {
            let body = answer(&mut rig);
            rig.deliver(&request, &body);
            asked += 1;
            assert!(asked < 100_000, "it spins");
        }
        rig.host.advance_ms(1);
    }
    asked
}

#[test]
fn a_sidecar_that_answers_at_once_does_not_make_the_agent_spin() {
    let heartbeats = asked_in_10_s(|rig| rig.sidecar.delta(rig.sidecar.generation));
    assert!((150..=220).contains(&heartbeats), "{heartbeats}");
    let news = asked_in_10_s(|rig| {
        rig.sidecar.put(&record(2));
        rig.sidecar.delta(rig.sidecar.generation - 1)
    });
    assert!((5_000..=10_100).contains(&news), "{news}");
}

#[test]
fn a_sidecar_that_holds_its_requests_is_never_kept_waiting() {
    let mut rig = Rig::with(&[record(1)]);
    for _ in 0..1_000 {
        let request = rig.request().expect("due at once");
        rig.host.advance_ms(1_000);
        let body = rig.sidecar.answer(&request.path);
        rig.deliver(&request, &body);
    }
}

#[test]
fn the_sidecar_hears_of_trouble_once() {
    let mut rig = Rig::with(&[record(1)]);
    let trouble = |rig: &mut Rig, answer: Answer<'_>| {
        let request = rig.request().unwrap();
        rig.answer(&request, answer);
        rig.rest();
        let next = rig.request().unwrap();
        let body = rig.sidecar.answer(&next.path);
        rig.deliver(&next, &body);
        parameter(&next.path, "trouble")
            .map(str::to_owned)
            .unwrap_or_default()
    };
    let status = Answer::Http {
        status: 503,
        body: b"",
    };
    assert_eq!(trouble(&mut rig, status), "status_503");
    assert_eq!(trouble(&mut rig, Answer::Failed), "no_answer");
    let nonsense = Answer::Http {
        status: 200,
        body: b"<html>",
    };
    assert_eq!(trouble(&mut rig, nonsense), "frame");
    assert_eq!(parameter(&path(&mut rig), "trouble"), None);
}

#[test]
fn names_are_percent_encoded() {
    let host = FakeHost::default();
    let node = "a/b&c=d é".to_owned();
    let mut agent = Agent::new(&agent_config(60), node, INSTANCE.to_owned());
    agent.tick(&host);
    let path = host.shared.callouts.borrow()[0].path.clone();
    assert_eq!(parameter(&path, "node"), Some("a%2Fb%26c%3Dd%20%C3%A9"));
}

#[test]
fn one_request_is_open_at_a_time() {
    let mut rig = Rig::cold(FakeSidecar::new(1));
    for _ in 0..5 {
        rig.agent.tick(&rig.host);
        rig.host.advance_ms(50);
    }
    assert_eq!(rig.host.shared.callouts.borrow().len(), 1);
}

#[test]
fn a_cold_start_loads_a_snapshot_and_then_acknowledges_it() {
    let mut rig = Rig::cold(FakeSidecar::with(&[record(1), record(2)]));
    assert!(rig.find(1).is_err());
    rig.sync();
    assert_eq!(held(&rig.host), rig.sidecar.table);
    assert!(rig.find(1).unwrap().is_some() && rig.find(3).unwrap().is_none());
    assert_eq!(rig.host.read_gauge(Gauge::Generation), 2);
    assert_eq!(rig.host.read_gauge(Gauge::Records), 2);
    let path = path(&mut rig);
    assert_eq!(parameter(&path, "epoch"), Some("01".repeat(16).as_str()));
    assert_eq!(parameter(&path, "generation"), Some("2"));
}

#[test]
fn an_empty_table_is_a_table() {
    let mut rig = Rig::cold(FakeSidecar::new(1));
    rig.sync();
    assert!(rig.find(1).unwrap().is_none());
    let slots = rig.host.shared.slots.borrow().len();
    assert_eq!(slots, 3, "head, change log and lease alone");
    assert_eq!(rig.post().bearer(1).send_bodyless().status(), 401);
}

#[test]
fn changes_come_in_as_deltas() {
    let mut rig = Rig::with(&[record(1)]);
    let before = rig.edition();
    rig.change(|sidecar| {
        sidecar.put(&record(2));
        sidecar.put(&Record {
            status: Status::Disabled,
            ..record(1)
        });
        sidecar.put(&record(3));
        sidecar.remove(&hash(3));
        sidecar.put(&Record {
            scope: list(&["m"]),
            ..record(2)
        });
    });
    assert_eq!(held(&rig.host), rig.sidecar.table);
    assert_eq!(rig.host.read_gauge(Gauge::Records), 2);
    assert_eq!(rig.host.read_gauge(Gauge::Generation), 6);
    assert_eq!(rig.edition(), before + 1, "one delta, one edition");
    assert_eq!(parameter(&path(&mut rig), "generation"), Some("6"));
}

#[test]
fn removing_a_key_that_is_not_there_changes_nothing() {
    let mut rig = Rig::with(&[record(1)]);
    rig.change(|sidecar| sidecar.remove(&hash(9)));
    assert_eq!(held(&rig.host), rig.sidecar.table);
    assert_eq!(rig.host.read_gauge(Gauge::Records), 1);
}

#[test]
fn keys_of_one_bucket_do_not_disturb_each_other() {
    let with_hash = |last: u8| {
        let mut bytes = [7; 32];
        bytes[31] = last;
        Record {
            key_hash: keytable::KeyHash::from_bytes(bytes),
            ..record(1)
        }
    };
    let mut rig = Rig::with(&[with_hash(1), with_hash(2), with_hash(3)]);
    assert_eq!(held(&rig.host), rig.sidecar.table);
    rig.change(|sidecar| sidecar.remove(&with_hash(2).key_hash));
    rig.change(|sidecar| sidecar.put(&with_hash(4)));
    rig.change(|sidecar| {
        sidecar.put(&Record {
            scope: list(&[]),
            ..with_hash(1)
        })
    });
    assert_eq!(held(&rig.host), rig.sidecar.table);
    assert_eq!(rig.host.read_gauge(Gauge::Records), 3);
}

#[test]
fn the_head_says_what_is_in_force() {
    let mut rig = Rig::with(&[record(1)]);
    rig.change(|sidecar| sidecar.put(&record(2)));
    let head = TableHead::decode(&rig.host.shared.slots.borrow()["latchkey.head"]).unwrap();
    assert_eq!((head.epoch, head.generation.get()), (rig.sidecar.epoch, 2));
    assert_eq!((head.edition, head.records), (rig.edition(), 2));
}

#[test]
fn a_heartbeat_changes_the_lease_and_neither_table_nor_edition() {
    let mut rig = Rig::with(&[record(1)]);
    let (mut slots, gauges) = rig.host.table();
    rig.host.advance_ms(100);
    rig.sync();
    rig.sync();
    let (mut slots_after, gauges_after) = rig.host.table();
    let lease = "latchkey.lease";
    assert_ne!(slots_after.remove(lease), slots.remove(lease));
    assert_eq!((slots_after, gauges_after[0]), (slots, gauges[0]));
}

#[test]
fn editions_rise_over_epochs_and_agents() {
    let mut rig = Rig::with(&[record(1)]);
    let mut last = rig.edition();
    for epoch in 2..6 {
        let mut restored = FakeSidecar::new(epoch);
        restored.put(&record(usize::from(epoch)));
        rig.sidecar = restored;
        if epoch % 2 == 0 {
            rig.restart_agent();
        }
        rig.rest();
        rig.exchange();
        rig.rest();
        rig.sync();
        assert!(
            rig.edition() > last,
            "the generation is the same, the edition is not"
        );
        last = rig.edition();
        assert_eq!(held(&rig.host), rig.sidecar.table);
        assert!(rig.find(1).unwrap().is_none());
    }
}

#[test]
fn an_edition_is_above_all_that_a_head_has_shown_and_no_matter_what_the_gauge_says() {
    let mut rig = Rig::with(&[record(1)]);
    rig.host.shared.share.set([100, 0]);
    rig.change(|sidecar| sidecar.put(&record(2)));
    assert_eq!(rig.edition(), 2);
    let head = TableHead {
        edition: 500,
        ..decode_head(&rig)
    };
    rig.host
        .shared
        .slots
        .borrow_mut()
        .insert("latchkey.head".to_owned(), head.encode());
    rig.restart_agent();
    rig.sync();
    assert_eq!(rig.edition(), 501);
}

fn decode_head(rig: &Rig) -> TableHead {
    TableHead::decode(&rig.host.shared.slots.borrow()["latchkey.head"]).unwrap()
}

#[test]
fn the_wait_is_bounded_by_the_lease() {
    let wait_of = |wait_s: u64, max_staleness: MaxStaleness| {
        let host = FakeHost::default();
        let config = filter::config::AgentConfig {
            wait_s,
            max_staleness,
            ..agent_config(60)
        };
        Agent::new(&config, "n".to_owned(), INSTANCE.to_owned()).tick(&host);
        let callout = host.shared.callouts.borrow()[0].clone();
        (
            parameter(&callout.path, "wait_s").unwrap().to_owned(),
            callout.timeout_ms,
        )
    };
    assert_eq!(
        wait_of(25, MaxStaleness::Seconds(3600)),
        ("25".to_owned(), 35_000)
    );
    assert_eq!(
        wait_of(25, MaxStaleness::Seconds(20)),
        ("5".to_owned(), 9_000)
    );
    assert_eq!(
        wait_of(25, MaxStaleness::Seconds(5)),
        ("1".to_owned(), 2_000)
    );
    assert_eq!(wait_of(60, MaxStaleness::Never), ("60".to_owned(), 70_000));
    assert_eq!(wait_of(2, MaxStaleness::Never), ("2".to_owned(), 12_000));
}
