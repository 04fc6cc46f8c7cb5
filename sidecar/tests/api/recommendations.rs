//! `GET /v1/recommendations`
//!
//! What keys did long ago is written by the store's own code, with acts and reports of that time,
//! before the sidecar is started on it.

use keytable::{
    AccountId, AddressList, KeyId, Scope, Status, Tokens, UsageBatch, UsageOutcome, UsageRow,
};
use serde_json::{Value, json};
use sidecar::domain::act::Act;
use sidecar::domain::audit::{Actor, AuditAction};
use sidecar::domain::clock::{Clock, SystemClock, UnixMillis};
use sidecar::domain::key::{KeyEdit, NewKey, Policy};
use sidecar::domain::name::KeyName;
use sidecar::domain::origin::Origin;
use sidecar::domain::region::RegionId;
use sidecar::domain::secrets::secret::{KeyPrefix, Secret};
use sidecar::store::{CreateOptions, Minted, Store, Target};

use crate::support::{Scratch, Sidecar};

const DAY_MS: u64 = 86_400_000;

/// An installation whose past is written before it is started.
struct Past {
    store: Store,
    batches: u64,
}

impl Past {
    fn new(scratch: &Scratch) -> Self {
        let store = Store::open(&scratch.data(), 50).unwrap();
        let begin = ago(200);
        store.seed_account(&account(), begin).unwrap();
        store
            .seed_region(&RegionId::parse("local").unwrap(), begin)
            .unwrap();
        Self { store, batches: 0 }
    }

    /// A key for everything, made so many days ago.
    fn make(&self, name: &str, days: u64, members: impl FnOnce(&mut NewKey)) -> KeyId {
        let act = act(days);
        let secret = Secret::mint(&KeyPrefix::standard()).unwrap();
        let minted = Minted {
            id: KeyId::parse(&format!("ak-{name}")).unwrap(),
            hash: secret.hash(),
            masked: secret.mask(),
            sealed: None,
            predecessor: None,
            creator: act.actor.to_string(),
        };
        let mut new = NewKey {
            account: account(),
            region: RegionId::parse("local").unwrap(),
            origin: Origin::Standard,
            name: KeyName::parse(&format!("{name} 100%")).unwrap(),
            team: None,
            policy: Policy {
                description: Default::default(),
                status: Status::Enabled,
                scope: Scope::ALL,
                addresses: AddressList::default(),
                expires_at: None,
                labels: Default::default(),
            },
            limits: Default::default(),
        };
        members(&mut new);
        let manner = CreateOptions {
            action: AuditAction::KeyCreated,
            allow_unlisted: true,
        };
        let id = minted.id.clone();
        self.store.insert(new, minted, &manner, None, &act).unwrap();
        id
    }

    fn disable(&self, key: &KeyId, days: u64) {
        let target = Target {
            id: key.clone(),
            account: None,
            revisions: None,
        };
        let edit = KeyEdit {
            status: Some(Status::Disabled),
            ..KeyEdit::default()
        };
        self.store.edit(&target, edit, true, &act(days)).unwrap();
    }

    /// Requests of a key that were passed on so many days ago.
    fn used(&mut self, key: &KeyId, days: u64, resource: &str, count: u64) {
        self.batches += 1;
        let row = UsageRow {
            key_id: key.clone(),
            resource: resource.into(),
            outcome: UsageOutcome::Permitted,
            count,
            tokens: Tokens::default(),
            last_at_unix_ms: ago(days).get(),
            last_address: Some("192.0.2.7".parse().unwrap()),
        };
        let batch = UsageBatch {
            source: [3; 16],
            sequence: self.batches,
            rows: vec![row],
            charges: Vec::new(),
        };
        self.store.count_usage(&batch, ago(days)).unwrap();
    }
}

fn account() -> AccountId {
    AccountId::parse("demo").unwrap()
}

fn ago(days: u64) -> UnixMillis {
    UnixMillis::new(SystemClock.now().get() - days * DAY_MS)
}

fn act(days: u64) -> Act {
    Act {
        actor: Actor::System,
        address: None,
        at: ago(days),
    }
}

fn advice(sidecar: &Sidecar) -> Vec<Value> {
    let answer = sidecar.get("/v1/recommendations?account=demo");
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["recommendations"].as_array().unwrap().clone()
}

/// One key for each kind of advice; `busy` gives cause for two.
fn write_past(scratch: &Scratch) {
    let mut past = Past::new(scratch);
    let idle = past.make("idle", 60, |_| {});
    past.used(&idle, 40, "glm-5.1", 5);
    past.make("never", 10, |_| {});
    let old = past.make("old", 100, |_| {});
    past.used(&old, 0, "", 5);
    let plan = past.make("plan", 100, |new| new.origin = Origin::TokenPlan);
    past.used(&plan, 0, "", 5);
    let busy = past.make("busy", 20, |_| {});
    past.used(&busy, 15, "glm-5.1", 150);
    past.used(&busy, 0, "ep-chat", 50);
    let off = past.make("off", 60, |_| {});
    past.disable(&off, 45);
    past.make("expired", 60, |new| new.policy.expires_at = Some(ago(35)));
}

#[test]
fn each_kind_has_its_numbers_and_a_call_that_settles_it() {
    let scratch = Scratch::in_file();
    write_past(&scratch);
    let sidecar = Sidecar::start(&scratch);
    let found = advice(&sidecar);
    let kinds: Vec<_> = found
        .iter()
        .map(|advice| {
            (
                advice["key_id"].clone(),
                advice["kind"].clone(),
                advice["numbers"].clone(),
            )
        })
        .collect();
    let wide = json!({"requests": 200, "resources": 2, "days": 30});
    let open = json!({"requests": 200, "addresses": 1, "days": 30});
    let wanted = [
        ("ak-idle", "idle", json!({"days": 40})),
        ("ak-never", "never_used", json!({"days": 10})),
        ("ak-old", "never_rotated", json!({"days": 100})),
        ("ak-plan", "never_rotated", json!({"days": 100})),
        ("ak-busy", "wide_scope", wide),
        ("ak-busy", "no_ip_allowlist", open),
        ("ak-off", "disabled_for_long", json!({"days": 45})),
        ("ak-expired", "expired_for_long", json!({"days": 35})),
    ];
    let wanted = wanted.map(|(key, kind, numbers)| (json!(key), json!(kind), numbers));
    assert_eq!(kinds, wanted);
    for advice in &found {
        says_its_numbers(advice);
        settle(&sidecar, advice);
        let left = self::advice(&sidecar);
        let same =
            |other: &Value| other["key_id"] == advice["key_id"] && other["kind"] == advice["kind"];
        assert!(!left.iter().any(same), "{advice} is not settled: {left:?}");
    }
    assert_eq!(advice_kinds(&sidecar), Vec::<Value>::new());
}

fn advice_kinds(sidecar: &Sidecar) -> Vec<Value> {
    advice(sidecar)
        .iter()
        .map(|advice| advice["kind"].clone())
        .collect()
}

/// The reason is a sentence with every number in it.
fn says_its_numbers(advice: &Value) {
    let reason = advice["reason"].as_str().unwrap();
    for number in advice["numbers"].as_object().unwrap().values() {
        let words: Vec<&str> = reason.split(|c: char| !c.is_ascii_digit()).collect();
        assert!(
            words.contains(&number.to_string().as_str()),
            "{reason}: {number}"
        );
    }
}

/// Sends the call as it is told.
fn settle(sidecar: &Sidecar, advice: &Value) {
    let fix = &advice["fix"];
    let (method, path) = (
        fix["method"].as_str().unwrap(),
        fix["path"].as_str().unwrap(),
    );
    let body = fix.get("body").map(Value::to_string);
    let answer = sidecar.call(method, path, &[], body.as_deref());
    assert!(
        (200..300).contains(&answer.status),
        "{fix}: {}",
        answer.text
    );
}

#[test]
fn what_a_remedy_sets_is_what_was_used() {
    let scratch = Scratch::in_file();
    write_past(&scratch);
    let sidecar = Sidecar::start(&scratch);
    for kind in ["wide_scope", "no_ip_allowlist"] {
        let found = advice(&sidecar);
        settle(
            &sidecar,
            found.iter().find(|advice| advice["kind"] == kind).unwrap(),
        );
    }
    let key = sidecar.get("/v1/keys/ak-busy").json();
    assert_eq!(
        key["scope"],
        json!({"models": ["glm-5.1"], "services": ["ep-chat"]})
    );
    assert_eq!(key["ip_allowlist"], json!(["192.0.2.7"]));
}

#[test]
fn new_keys_need_no_advice_and_the_account_has_to_be_named() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    sidecar.make("a key", "local");
    let answer = sidecar.get("/v1/recommendations?account=demo");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.json(),
        json!({"recommendations": [], "next_cursor": null})
    );
    assert_eq!(sidecar.get("/v1/recommendations").fields(), ["account"]);
    assert_eq!(
        sidecar.get("/v1/recommendations?account=nobody").status,
        404
    );
}

#[test]
fn many_keys_are_examined_part_by_part() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for number in 0..3 {
        sidecar.make(&format!("key {number}"), "local");
    }
    let first = sidecar
        .get("/v1/recommendations?account=demo&limit=2")
        .json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/v1/recommendations?account=demo&limit=2&cursor={cursor}");
    assert_eq!(sidecar.get(&path).json()["next_cursor"], json!(null));
}
