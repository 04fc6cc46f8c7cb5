//! A new process takes over from a running one: Envoy's hot restart, whose shared data is empty.

use std::fs;

use serde_json::{Value, json};
use tests::wait_for;
use tests::world::{Plan, World};

use super::Home;

/// How the old process leaves: what it drains is over in a second, and so is itself in five.
const LEAVING: [&str; 6] = [
    "--drain-time-s",
    "1",
    "--drain-strategy",
    "immediate",
    "--parent-shutdown-time-s",
    "5",
];
/// Tries of a key that was just deleted: enough to meet every worker of both processes.
const TRIES: usize = 16;

/// W-16: while both run, and when the old one has gone, nothing passes without a live key; a good
/// request is refused only as long as the new process has no table, with the words for that.
#[test]
fn a_new_process_takes_over() {
    let home = Home::start();
    let plan = Plan::of(&home.stack, "taken-over");
    let id_file = home.stack.run_dir().join("base-id");
    let id_path = id_file.to_str().unwrap();
    let first = ["--use-dynamic-base-id", "--base-id-path", id_path];
    let first = [first.as_slice(), &LEAVING].concat();
    let mut old = plan.clone().with_args(&first).start_with_table();
    let traffic = home.traffic(&old.url());

    let base_id = fs::read_to_string(&id_file).unwrap();
    let next = ["--base-id", base_id.trim(), "--restart-epoch", "1"];
    let next = [next.as_slice(), &LEAVING].concat();
    let mut new = plan.with_args(&next).start();
    wait_for("the new process has its table", || followers(&home) == 2);
    let outcome = home.end(traffic);
    outcome.assert_told(&[503]);

    // From here on Envoy adds the old process's gauges to the new one's, until it is gone.
    assert!(old.process.is_running(), "both run");
    let traffic = home.traffic(&new.url());
    while old.process.is_running() {
        revoke(&home, &new);
    }
    traffic.go_on();
    revoke(&home, &new);
    new.wait_for_table();
    home.end(traffic).assert_clean();
}

/// How many processes have a table in force, as the sidecar knows.
fn followers(home: &Home) -> usize {
    let (_, fleet) = home.admin.call("GET", "/v1/envoys", None);
    let fleet = fleet["envoys"].as_array().unwrap().clone();
    let has_table = |envoy: &&Value| envoy["generation"].as_u64() > Some(0);
    fleet.iter().filter(has_table).count()
}

/// A key is made and used, dies, and is dead in every process that may still serve.
fn revoke(home: &Home, world: &World) {
    let brief = home.admin.create("brief", json!({}));
    wait_for("a new key passes", || world.ask(&brief.value) == 200);
    let answer = home.admin.delete(&brief);
    let propagation = &answer["propagation"];
    if propagation["applied"] == propagation["envoys"] {
        let told: Vec<u16> = (0..TRIES).map(|_| world.ask(&brief.value)).collect();
        assert_eq!(told, [401; TRIES], "{answer}");
    }
}
