//! `POST /feed/v1/usage`, as far as it charges: what is lost, doubled or restarted, and what agents are told.

use std::time::{Duration, Instant};

use keytable::{
    Charge, CounterId, KeyId, LedgerFigure, LimitSubject, Unit, UsageAnswer, UsageBatch, WindowKind,
};
use serde_json::{Value, json};

use crate::support::agent::Agent;
use crate::support::{FEED_TOKEN, Scratch, Sidecar};

/// A key with a lifetime's limit of 100 tokens.
pub(crate) fn limited(sidecar: &Sidecar) -> Value {
    let limits = json!([{"unit": "tokens", "window": "lifetime", "amount": 100}]);
    let body = json!({"account": "demo", "region": "local", "name": "limited", "limits": limits});
    let answer = sidecar.post("/v1/keys?wait=none", &body);
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

/// The counter of a key's lifetime, by its number.
pub(crate) fn lifetime(key: &Value, resets: u32) -> CounterId {
    let id = KeyId::parse(key["id"].as_str().unwrap()).unwrap();
    CounterId {
        subject: LimitSubject::Key(id),
        unit: Unit::Tokens,
        window: WindowKind::Lifetime,
        start_unix_ms: 0,
        resets,
    }
}

/// An agent that follows the feed, and charges.
pub(crate) struct Charging {
    agent: Agent,
    source: [u8; 16],
    sequence: u64,
}

impl Charging {
    pub(crate) fn new(sidecar: &Sidecar, digit: char, node: &str) -> Self {
        let mut agent = Agent::new(sidecar, digit, node, "local");
        agent.more = "&format=3";
        agent.catch_up();
        let nibble = digit.to_digit(16).unwrap();
        Self {
            agent,
            source: [u8::try_from(nibble * 17).unwrap(); 16],
            sequence: 0,
        }
    }

    /// Says what it has charged, holds now, and takes for the ledger's figure.
    pub(crate) fn charge(
        &mut self,
        sidecar: &Sidecar,
        counter: &CounterId,
        (charged, held, base): (u64, u64, u64),
    ) -> Option<u64> {
        self.sequence += 1;
        let batch = self.batch(counter, (charged, held, base));
        post(sidecar, &batch)
    }

    fn batch(&self, counter: &CounterId, (charged, held, base): (u64, u64, u64)) -> UsageBatch {
        let charge = Charge {
            counter: counter.clone(),
            charged,
            held,
            base,
        };
        UsageBatch {
            source: self.source,
            sequence: self.sequence,
            rows: Vec::new(),
            charges: vec![charge],
        }
    }
}

/// Posts a batch of one charge; the figure that is told of it, if one is.
fn post(sidecar: &Sidecar, batch: &UsageBatch) -> Option<u64> {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent = ureq::Agent::new_with_config(config.proxy(None).build());
    let request = agent.post(format!("{}/feed/v1/usage", sidecar.feed()));
    let answer = request
        .header("authorization", FEED_TOKEN)
        .send(&batch.encode()[..]);
    let mut answer = answer.unwrap();
    assert_eq!(answer.status(), 200);
    let bytes = answer.body_mut().read_to_vec().unwrap();
    let answer = UsageAnswer::decode(&bytes).unwrap();
    assert_eq!(answer.sequence, batch.sequence);
    assert!(answer.ledger_unix_ms > 1_600_000_000_000 && answer.next_ms >= 1_000);
    match answer.figures[..] {
        [] => None,
        [LedgerFigure { charge: 0, figure }] => Some(figure),
        _ => panic!("{answer:?}"),
    }
}

pub(crate) fn standing(sidecar: &Sidecar, key: &Value) -> Value {
    let path = format!("/v1/keys/{}/limits", key["id"].as_str().unwrap());
    let answer = sidecar.get(&path);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["limits"][0].clone()
}

fn figures(sidecar: &Sidecar, key: &Value) -> [u64; 3] {
    let standing = standing(sidecar, key);
    ["used", "held", "remaining"].map(|name| standing[name].as_u64().unwrap())
}

#[test]
fn each_agent_is_told_what_the_others_use_and_hold() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = limited(&sidecar);
    let counter = lifetime(&key, 1);
    let mut one = Charging::new(&sidecar, 'a', "edge-1");
    let mut other = Charging::new(&sidecar, 'b', "edge-2");
    assert_eq!(
        one.charge(&sidecar, &counter, (10, 5, 0)),
        None,
        "as it knows"
    );
    assert_eq!(other.charge(&sidecar, &counter, (0, 2, 0)), Some(15));
    assert_eq!(one.charge(&sidecar, &counter, (5, 0, 10)), Some(17));
    assert_eq!(other.charge(&sidecar, &counter, (2, 0, 15)), None);
    assert_eq!(figures(&sidecar, &key), [17, 0, 83]);
    assert_eq!(standing(&sidecar, &key)["exhausted"], false);
    other.charge(&sidecar, &counter, (83, 7, 17));
    assert_eq!(figures(&sidecar, &key), [100, 7, 0]);
    assert_eq!(standing(&sidecar, &key)["exhausted"], true);
}

#[test]
fn a_batch_whose_answer_was_lost_is_answered_again_and_charged_once() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = limited(&sidecar);
    let counter = lifetime(&key, 1);
    let mut one = Charging::new(&sidecar, 'a', "edge-1");
    let mut other = Charging::new(&sidecar, 'b', "edge-2");
    other.charge(&sidecar, &counter, (4, 1, 0));
    assert_eq!(one.charge(&sidecar, &counter, (10, 5, 0)), Some(15));
    let again = one.batch(&counter, (10, 5, 0));
    assert_eq!(post(&sidecar, &again), Some(15));
    drop(sidecar);
    let sidecar = Sidecar::restart(&scratch);
    // What the other holds is not known for a moment: it is never told as less than was known.
    assert_eq!(post(&sidecar, &again), Some(14));
    assert_eq!(figures(&sidecar, &key), [14, 5, 81]);
    one.sequence += 1;
    let knows_more = one.batch(&counter, (0, 5, 15));
    assert_eq!(post(&sidecar, &knows_more), None);
}

#[test]
fn what_a_replaced_envoy_held_is_charged_once_and_what_it_settles_above_that_alone() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = limited(&sidecar);
    let counter = lifetime(&key, 1);
    let mut dead = Charging::new(&sidecar, 'a', "edge-1");
    dead.charge(&sidecar, &counter, (10, 20, 0));
    let mut fresh = Charging::new(&sidecar, 'b', "edge-1");
    let begun = Instant::now();
    while figures(&sidecar, &key) != [30, 0, 70] {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it is not charged"
        );
        fresh.charge(&sidecar, &counter, (0, 0, 0));
    }
    // It was not dead after all.
    dead.agent.catch_up();
    dead.charge(&sidecar, &counter, (15, 5, 10));
    assert_eq!(figures(&sidecar, &key), [30, 0, 70]);
    dead.charge(&sidecar, &counter, (7, 0, 25));
    assert_eq!(figures(&sidecar, &key), [32, 0, 68]);
}

#[test]
fn an_exhausted_counter_is_marked_for_those_that_never_asked() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = limited(&sidecar);
    let mut agent = Charging::new(&sidecar, 'a', "edge-1");
    let mut idle = Charging::new(&sidecar, 'b', "edge-2").agent;
    agent.charge(&sidecar, &lifetime(&key, 1), (100, 0, 0));
    let begun = Instant::now();
    loop {
        let record = idle.limits_of(key["key"].as_str().unwrap());
        if record[0].full_until_unix_ms.is_some() {
            assert_eq!(record[0].used, 100);
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it is not marked"
        );
        idle.poll(1);
    }
    // A higher amount takes the mark away.
    let path = format!("/v1/keys/{}?wait=none", key["id"].as_str().unwrap());
    let limits = json!([{"unit": "tokens", "window": "lifetime", "amount": 101}]);
    assert_eq!(sidecar.patch(&path, &json!({"limits": limits})).status, 200);
    idle.catch_up();
    let record = idle.limits_of(key["key"].as_str().unwrap());
    assert_eq!((record[0].used, record[0].full_until_unix_ms), (100, None));
}
