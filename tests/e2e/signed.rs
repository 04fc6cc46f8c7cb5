//! An Envoy that starts from a signed table while the sidecar is away, with the recipe as it stands:
//! a small one, one as large as one may be, and what is too large.

use std::fs;
use std::path::Path;
use std::process::Command;

use envoy::{Stack, StackOptions};
use keytable::limits::{BUCKETS, PAGE_BUCKETS_MAX, SIGNED_TABLE_BYTES_MAX};
use keytable::signed::sign;
use keytable::{Epoch, Generation, KeyHash, Page, RecordView, SigningKey};
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};
use tests::made_keys::{MODEL, MadeKey};
use tests::raw::post_chat_with;
use tests::recipes::recipe;
use tests::{Admin, Key, chat, wait_for};

fn status(stack: &Stack, key: &Key) -> u16 {
    post_chat_with(&stack.envoy_url(), &key.value, &chat("glm-5.1")).status
}

/// A stack whose sidecar has made a signed table and is gone, and two keys of that table.
fn stranded() -> (Stack, Admin, Key, Key) {
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    stack.start_sidecar().unwrap();
    let admin = Admin::of(&stack);
    let kept = admin.create("kept", json!({}));
    let off = admin.create("off", json!({"status": "disabled"}));
    let file = stack.run_dir().join("table.signed");
    let mut snapshot = Command::new(&stack.sidecar_settings().binary);
    snapshot.args(["snapshot", "--region", stack.region(), "--data"]);
    snapshot.arg(stack.run_dir()).arg("--to").arg(&file);
    let output = snapshot.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (_, public_key) = said.trim().rsplit_once("public_key: ").expect(&said);
    stack.stop_sidecar().unwrap();
    may_start_from(&mut stack, &file, public_key);
    (stack, admin, kept, off)
}

/// Configures the Envoy by the recipe.
fn may_start_from(stack: &mut Stack, file: &Path, public_key: &str) {
    let socket = format!(
        "@latchkey-{}",
        stack.run_dir().file_name().unwrap().display()
    );
    let values = [
        ("@latchkey-signed-table", socket.as_str()),
        ("/etc/latchkey/table.signed", file.to_str().unwrap()),
    ];
    let bootstrap = &mut stack.envoy_settings().bootstrap;
    bootstrap.signed_table_key = Some(public_key.to_owned());
    bootstrap.additions = recipe("Start without the sidecar", &values);
}

#[test]
fn envoy_starts_from_it_and_goes_on_from_there_when_the_sidecar_is_back() {
    let (mut stack, admin, kept, off) = stranded();
    stack.start_envoy().unwrap();
    stack.wait_for_table().unwrap();
    assert_eq!((status(&stack, &kept), status(&stack, &off)), (200, 401));
    stack.start_sidecar().unwrap();
    admin.patch(&kept, &json!({"status": "disabled"}));
    wait_for("the change arrives", || status(&stack, &kept) == 401);
    let fresh = admin.create("fresh", json!({}));
    wait_for("a new key arrives", || status(&stack, &fresh) == 200);
}

#[test]
fn a_file_that_was_tampered_with_is_not_used() {
    let (mut stack, _, kept, _) = stranded();
    let file = stack.run_dir().join("table.signed");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    stack.start_envoy().unwrap();
    wait_for_refusal(&stack, "its signature is not of the configured key");
    assert_eq!(status(&stack, &kept), 503);
}

fn wait_for_refusal(stack: &Stack, why: &str) {
    let said = format!("the signed table is not used: {why}");
    wait_for("the agent has seen the file", || {
        fs::read_to_string(stack.envoy_log()).is_ok_and(|text| text.contains(&said))
    });
}

/// The recipe's number is true: so many keys are a file that an Envoy starts from.
const KEYS: usize = 300_000;

/// The pages of a table of keys for one model and one network.
fn pages() -> Vec<Vec<u8>> {
    let keys =
        MadeKey::all(0..KEYS).map(|key| (KeyHash::from_bytes(key.hash).bucket(), key.record));
    let mut records: Vec<(u16, Vec<u8>)> = keys.collect();
    records.sort_unstable();
    let page = |first_bucket: u32| {
        let end = first_bucket + PAGE_BUCKETS_MAX;
        let before = |end: u32| records.partition_point(|(bucket, _)| u32::from(*bucket) < end);
        let inside = &records[before(first_bucket)..before(end)];
        let views = inside.iter().map(|(_, bytes)| RecordView::parse(bytes));
        Page {
            epoch: Epoch::from_bytes([7; 16]),
            generation: Generation::new(1),
            first_bucket,
            buckets: PAGE_BUCKETS_MAX,
            records: views.collect::<Result<_, _>>().unwrap(),
        }
    };
    let firsts = (0..BUCKETS).step_by(usize::try_from(PAGE_BUCKETS_MAX).unwrap());
    firsts.map(|first| page(first).encode()).collect()
}

#[test]
fn a_table_of_as_many_keys_as_the_recipe_promises_is_started_from() {
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    let signing_key = SigningKey::from_seed([3; 32]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let made_at = u64::try_from(now.as_millis()).unwrap();
    let bytes = sign(&signing_key, made_at, stack.region(), &pages()).unwrap();
    let nearly = SIGNED_TABLE_BYTES_MAX / 100 * 95;
    assert!(
        bytes.len() > nearly,
        "{} bytes are near the limit",
        bytes.len()
    );
    let file = stack.run_dir().join("table.signed");
    fs::write(&file, bytes).unwrap();
    may_start_from(&mut stack, &file, &signing_key.public().to_string());
    stack.start_envoy().unwrap();
    stack.wait_for_table().unwrap();
    for number in [0, KEYS - 1] {
        let value = MadeKey::of(number).value;
        let served = post_chat_with(&stack.envoy_url(), &value, &chat(MODEL));
        assert_eq!(served.status, 200, "key {number}");
    }
}

/// Neither is what `sidecar snapshot` writes, but the file may be anything.
#[test]
fn what_is_too_large_is_named_and_does_not_keep_envoy_from_starting() {
    let above_envoys = "its cluster gives no answer, or one above the 32 MiB";
    for (bytes, why) in [
        (
            SIGNED_TABLE_BYTES_MAX + 1,
            "it has 32505857 bytes; Envoy can start",
        ),
        (33 * 1024 * 1024, above_envoys),
    ] {
        let mut stack = Stack::prepare(StackOptions::default()).unwrap();
        let file = stack.run_dir().join("table.signed");
        fs::write(&file, vec![0; bytes]).unwrap();
        may_start_from(&mut stack, &file, &"ab".repeat(32));
        stack.start_envoy().unwrap();
        wait_for_refusal(&stack, why);
    }
}
