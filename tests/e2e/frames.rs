//! Frames of another moment: whole, valid, of the right history, and not what comes next.

use envoy::Stack;
use keytable::limits::PAGE_BUCKETS_MAX;
use keytable::{
    AccountId, AddressList, Change, Delta, Epoch, Generation, KeyHash, KeyId, Page, PresentedKey,
    Record, RecordView, Scope, Status,
};
use serde_json::json;
use tests::impostor::Impostor;
use tests::raw::post_chat_with;
use tests::{Admin, Key, chat, start, stat, wait_for};

const GENERATION: &str = "wasmcustom.latchkey.generation";

/// A stack whose sidecar is gone, with a key that lives and one that was deleted.
struct Scene {
    stack: Stack,
    admin: Admin,
    live: Key,
    dead: Key,
    /// The record that the deleted key had.
    record: Vec<u8>,
    generation: u64,
}

impl Scene {
    fn new() -> Self {
        let (mut stack, admin) = start();
        let live = admin.create("live", json!({}));
        let dead = admin.create("dead", json!({}));
        admin.delete(&dead);
        let generation = stat(&stack, GENERATION);
        stack.stop_sidecar().unwrap();
        Self {
            record: record(&dead),
            stack,
            admin,
            live,
            dead,
            generation,
        }
    }

    fn status(&self, key: &Key) -> u16 {
        post_chat_with(&self.stack.envoy_url(), &key.value, &chat("glm-5.1")).status
    }

    /// The table is as it was, whatever was answered.
    fn assert_untouched(&self, what: &str) {
        assert_eq!(stat(&self.stack, GENERATION), self.generation, "{what}");
        let statuses = (self.status(&self.live), self.status(&self.dead));
        assert_eq!(statuses, (200, 401), "{what}");
    }

    /// The sidecar is back, and what it changes arrives.
    fn heal(mut self) {
        self.stack.start_sidecar().unwrap();
        self.admin.patch(&self.live, &json!({"status": "disabled"}));
        wait_for("the change arrives", || self.status(&self.live) == 401);
        assert_eq!(self.status(&self.dead), 401);
    }
}

fn record(key: &Key) -> Vec<u8> {
    let record = Record {
        key_hash: KeyHash::of(&PresentedKey::parse(key.value.as_bytes()).unwrap()),
        key_id: KeyId::parse(&key.id).unwrap(),
        account: AccountId::parse("demo").unwrap(),
        status: Status::Enabled,
        expires_at_unix_ms: None,
        addresses: AddressList::default(),
        scope: Scope::ALL,
        limits: None,
        is_account_limited: false,
    };
    record.encode().unwrap()
}

fn delta(epoch: Epoch, from: u64, to: u64, record: &[u8]) -> Vec<u8> {
    let delta = Delta {
        epoch,
        from: Generation::new(from),
        to: Generation::new(to),
        changes: vec![Change::Put(RecordView::parse(record).unwrap())],
    };
    delta.encode()
}

/// The first page of a snapshot; it holds the record if that is its place.
fn page(epoch: Epoch, generation: u64, record: &[u8]) -> Vec<u8> {
    let view = RecordView::parse(record).unwrap();
    let is_here = u32::from(view.key_hash().bucket()) < PAGE_BUCKETS_MAX;
    let page = Page {
        epoch,
        generation: Generation::new(generation),
        first_bucket: 0,
        buckets: PAGE_BUCKETS_MAX,
        records: is_here.then_some(view).into_iter().collect(),
    };
    page.encode()
}

/// Cases: deltas that come twice, late or with a gap before them, and pages of an
/// older snapshot, do not bring a deleted key back; the agent asks for the whole table, and goes by
/// what it has until that is there.
#[test]
fn nothing_of_another_moment_brings_a_deleted_key_back() {
    let scene = Scene::new();
    let newest = scene.generation;
    let impostor = Impostor::start(
        &scene.stack.feed_url(),
        ("503 Service Unavailable", Vec::new()),
    );
    wait_for("the agent asks", || impostor.answered() >= 1);
    let epoch = Epoch::parse(&impostor.asked("epoch").unwrap()).unwrap();
    assert_eq!(impostor.asked("generation"), Some(newest.to_string()));
    for (what, frame, trouble) in [
        (
            "a page of an older snapshot",
            page(epoch, newest - 1, &scene.record),
            "older",
        ),
        (
            "a delta from before",
            delta(epoch, newest - 2, newest - 1, &scene.record),
            "gap",
        ),
        (
            "one that came before",
            delta(epoch, newest - 1, newest, &scene.record),
            "snapshot_due",
        ),
        (
            "one after a gap",
            delta(epoch, newest + 1, newest + 2, &scene.record),
            "snapshot_due",
        ),
    ] {
        impostor.say(("200 OK", frame));
        wait_for("the agent has judged it", || {
            impostor.answered() >= 3 && impostor.asked("trouble").as_deref() == Some(trouble)
        });
        scene.assert_untouched(what);
    }
    assert_eq!(
        impostor.asked("generation"),
        None,
        "the whole table is asked for"
    );
    drop(impostor);
    scene.heal();
}
