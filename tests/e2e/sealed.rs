//! An Envoy that starts from a sealed table while the sidecar is away, with the recipe as it stands.

use std::fs;
use std::process::Command;

use envoy::{Stack, StackOptions};
use serde_json::json;
use tests::raw::post_chat_with;
use tests::recipes::recipe;
use tests::{Admin, Key, chat, wait_for};

fn status(stack: &Stack, key: &Key) -> u16 {
    post_chat_with(&stack.envoy_url(), &key.value, &chat("glm-5.1")).status
}

/// A stack whose sidecar has made a sealed table and is gone, and two keys of that table.
fn stranded() -> (Stack, Admin, Key, Key) {
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    stack.start_sidecar().unwrap();
    let admin = Admin::of(&stack);
    let kept = admin.create("kept", json!({}));
    let off = admin.create("off", json!({"status": "disabled"}));
    let file = stack.run_dir().join("table.sealed");
    let mut seal = Command::new(&stack.sidecar_settings().binary);
    seal.args(["snapshot", "--region", stack.region(), "--data"]);
    seal.arg(stack.run_dir()).arg("--to").arg(&file);
    let output = seal.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (_, public_key) = said.trim().rsplit_once("public_key: ").expect(&said);
    stack.stop_sidecar().unwrap();

    let socket = format!(
        "@latchkey-{}",
        stack.run_dir().file_name().unwrap().display()
    );
    let values = [
        ("@latchkey-sealed-table", socket.as_str()),
        ("/etc/latchkey/table.sealed", file.to_str().unwrap()),
    ];
    let bootstrap = &mut stack.envoy_settings().bootstrap;
    bootstrap.sealed_table_key = Some(public_key.to_owned());
    bootstrap.additions = recipe("Start without the sidecar", &values);
    (stack, admin, kept, off)
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
    let file = stack.run_dir().join("table.sealed");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    stack.start_envoy().unwrap();
    let log = stack.envoy_log().to_owned();
    wait_for("the agent has seen the file", || {
        let said = "the sealed table is not used: its signature is not of the configured key";
        fs::read_to_string(&log).is_ok_and(|text| text.contains(said))
    });
    assert_eq!(status(&stack, &kept), 503);
}
