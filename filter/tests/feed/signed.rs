//! Starting from a signed table: when it is asked for, which one is put in force, and what follows.

use crate::support::rig::{INSTANCE, agent_config};
use crate::support::{FakeSidecar, Rig, held, record};
use filter::agent::Agent;
use filter::config::{AgentConfig, MaxStaleness, SignedTableConfig};
use filter::follower::Answer;
use filter::host::Gauge;
use keytable::limits::{FRAME_BYTES_MAX, SIGNED_TABLE_BYTES_MAX};
use keytable::signed::sign;
use keytable::{SigningKey, Status};

const STALENESS_S: u64 = 60;

fn key() -> SigningKey {
    SigningKey::from_seed([9; 32])
}

fn config() -> AgentConfig {
    AgentConfig {
        signed_table: Some(SignedTableConfig {
            cluster: "signed".to_owned(),
            public_key: key().public(),
        }),
        ..agent_config(STALENESS_S)
    }
}

/// An Envoy that may start from a signed table and has not asked anything yet.
fn cold(config: &AgentConfig) -> Rig {
    let mut rig = Rig::cold(FakeSidecar::with(&[record(1), record(2)]));
    rig.agent = Agent::new(config, "node 1".to_owned(), INSTANCE.to_owned());
    rig
}

/// The callout to a cluster that is open, if there is one.
fn open(rig: &Rig, cluster: &str) -> Option<u32> {
    let callouts = rig.host.shared.callouts.borrow();
    let ours = callouts.iter().rev().find(|call| call.cluster == cluster);
    ours.map(|call| call.token)
}

/// The sidecar does not answer; then the signed table is asked for.
fn strand(rig: &mut Rig) -> u32 {
    rig.agent.tick(&rig.host);
    assert_eq!(open(rig, "signed"), None, "the sidecar is asked first");
    let feed = open(rig, "sidecar").unwrap();
    rig.agent.answer(&rig.host, feed, Answer::Failed);
    open(rig, "signed").expect("the signed table is asked for")
}

/// The sidecar's table as a file that was made so long ago.
fn file(rig: &mut Rig, age_ms: u64, region: &str, key: &SigningKey) -> Vec<u8> {
    let made_at = rig.host.shared.unix_ms.get() - age_ms;
    let mut pages = vec![rig.sidecar.answer("/?")];
    for page in 1..16 {
        let generation = rig.sidecar.generation;
        let path = format!("/?snapshot={generation}&bucket={}", page * 4096);
        pages.push(rig.sidecar.answer(&path));
    }
    sign(key, made_at, region, &pages).unwrap()
}

fn hand_over(rig: &mut Rig, token: u32, body: &[u8]) {
    rig.agent
        .answer(&rig.host, token, Answer::Http { status: 200, body });
}

#[test]
fn a_stranded_agent_starts_from_it_for_what_is_left_of_its_lease() {
    let mut rig = cold(&config());
    let token = strand(&mut rig);
    let file = file(&mut rig, 20_000, "local", &key());
    hand_over(&mut rig, token, &file);
    assert_eq!(held(&rig.host), rig.sidecar.table);
    assert_eq!(rig.host.read_gauge(Gauge::Generation), 2);
    assert_eq!(rig.host.read_gauge(Gauge::Records), 2);
    assert_eq!(rig.lease_until_ms(), rig.now_ms() + 40_000);
    assert_eq!(rig.post().bearer(1).send_bodyless().status(), 200);
    rig.host.advance_ms(40_001);
    assert_eq!(rig.post().bearer(1).send_bodyless().status(), 503);
}

#[test]
fn what_the_sidecar_says_later_counts_on_top_of_it() {
    let mut rig = cold(&config());
    let token = strand(&mut rig);
    let file = file(&mut rig, 0, "local", &key());
    hand_over(&mut rig, token, &file);
    rig.sidecar.put(&keytable::Record {
        status: Status::Disabled,
        ..record(1)
    });
    rig.rest();
    rig.host.shared.callouts.borrow_mut().clear();
    rig.agent.tick(&rig.host);
    let call = rig.host.shared.callouts.borrow()[0].clone();
    assert!(call.path.contains("&generation=2"), "{}", call.path);
    let body = rig.sidecar.answer(&call.path);
    rig.deliver(&call, &body);
    assert_eq!(held(&rig.host), rig.sidecar.table);
    assert_eq!(rig.post().bearer(1).send_bodyless().status(), 401);
    assert_eq!(rig.post().bearer(2).send_bodyless().status(), 200);
}

#[test]
fn a_table_that_is_old_forged_damaged_or_of_another_region_is_not_used() {
    let mut rig = cold(&config());
    let mut token = strand(&mut rig);
    let good = file(&mut rig, 0, "local", &key());
    let mut damaged = good.clone();
    damaged[100] ^= 1;
    let files = [
        (
            file(&mut rig, STALENESS_S * 1000 + 1, "local", &key()),
            "older than",
        ),
        (
            file(&mut rig, 0, "local", &SigningKey::from_seed([1; 32])),
            "signature",
        ),
        (file(&mut rig, 0, "other", &key()), "another region"),
        (damaged, "signature"),
        (b"<html>".to_vec(), "no signed table"),
    ];
    for (file, said) in files {
        hand_over(&mut rig, token, &file);
        let log = rig.host.shared.log.borrow().join("\n");
        assert!(log.contains(said), "{said}: {log}");
        assert_eq!(rig.post().bearer(1).send_bodyless().status(), 503, "{said}");
        rig.host.advance_ms(1_500);
        rig.agent.tick(&rig.host);
        let again = open(&rig, "signed").unwrap();
        assert_ne!(again, token, "it is asked for again");
        token = again;
    }
    rig.host.shared.unix_ms.set(1);
    hand_over(&mut rig, token, &good);
    let log = rig.host.shared.log.borrow().join("\n");
    assert!(log.contains("later than this machine's clock"), "{log}");
    assert_eq!(rig.post().bearer(1).send_bodyless().status(), 503);
}

#[test]
fn the_sidecar_counts_more_when_both_answer() {
    let mut rig = cold(&config());
    let token = strand(&mut rig);
    let old = file(&mut rig, 0, "local", &key());
    rig.sidecar.remove(&record(1).key_hash);
    rig.rest();
    rig.sync();
    hand_over(&mut rig, token, &old);
    assert_eq!(held(&rig.host), rig.sidecar.table, "the file is too late");
    assert_eq!(rig.post().bearer(1).send_bodyless().status(), 401);
}

#[test]
fn a_lease_without_end_has_none_from_a_file_either_and_without_the_setting_nothing_is_asked() {
    let mut rig = cold(&AgentConfig {
        max_staleness: MaxStaleness::Never,
        ..config()
    });
    let token = strand(&mut rig);
    let file = file(&mut rig, 900_000, "local", &key());
    hand_over(&mut rig, token, &file);
    assert_eq!(rig.lease_until_ms(), u64::MAX);

    let mut plain = cold(&agent_config(STALENESS_S));
    plain.agent.tick(&plain.host);
    let feed = open(&plain, "sidecar").unwrap();
    plain.agent.answer(&plain.host, feed, Answer::Failed);
    plain.rest();
    plain.agent.tick(&plain.host);
    assert_eq!(open(&plain, "signed"), None);
}

#[test]
fn a_file_may_be_longer_than_any_frame_and_one_that_is_too_long_is_named() {
    let mut rig = cold(&config());
    let token = strand(&mut rig);
    let feed = open(&rig, "sidecar").unwrap();
    assert_eq!(rig.agent.answer_bytes_max(token), SIGNED_TABLE_BYTES_MAX);
    assert_eq!(rig.agent.answer_bytes_max(feed), FRAME_BYTES_MAX);
    let too_large = SIGNED_TABLE_BYTES_MAX + 1;
    rig.agent
        .answer(&rig.host, token, Answer::TooLarge(too_large));
    let log = rig.host.shared.log.borrow().join("\n");
    let said = format!("the signed table is not used: it has {too_large} bytes; Envoy can start");
    assert!(log.contains(&said), "{log}");
    assert_eq!(rig.agent.answer_bytes_max(token), FRAME_BYTES_MAX, "closed");
}

/// Envoy's word that a call is over may never come.
#[test]
fn a_call_for_the_file_that_hangs_is_given_up() {
    let mut rig = cold(&config());
    let first = strand(&mut rig);
    rig.host.advance_ms(19_000);
    rig.agent.tick(&rig.host);
    assert_eq!(open(&rig, "signed"), Some(first), "it may still come");
    rig.host.advance_ms(2_000);
    rig.agent.tick(&rig.host);
    let second = open(&rig, "signed").unwrap();
    assert_ne!(second, first);
    let file = file(&mut rig, 0, "local", &key());
    hand_over(&mut rig, first, &file);
    assert_eq!(
        rig.post().bearer(1).send_bodyless().status(),
        503,
        "too late"
    );
    hand_over(&mut rig, second, &file);
    assert_eq!(rig.post().bearer(1).send_bodyless().status(), 200);
}
