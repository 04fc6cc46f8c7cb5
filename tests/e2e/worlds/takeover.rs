//! A new process takes over from a running one: Envoy's hot restart, whose shared data is empty.

use std::fs;

use serde_json::json;
use tests::wait_for;
use tests::world::Plan;

use super::Home;

/// How the old process leaves: what it drains is over in a second, and so is itself in three.
const LEAVING: [&str; 6] = [
    "--drain-time-s",
    "1",
    "--drain-strategy",
    "immediate",
    "--parent-shutdown-time-s",
    "3",
];
/// Tries of a key that was just deleted: enough to meet every worker of both processes.
const TRIES: usize = 16;

/// W-16: while both run, and when the old one has gone, nothing passes without a live key; a good
/// request is refused only by a process that has no table yet, with the words for that.
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
    let mut turn = 0;
    while old.process.is_running() {
        turn += 1;
        let brief = home.admin.create(&format!("brief {turn}"), json!({}));
        wait_for("a new key passes", || old.ask(&brief.value) == 200);
        let answer = home.admin.delete(&brief);
        let propagation = &answer["propagation"];
        if propagation["applied"] == propagation["envoys"] {
            let told: Vec<u16> = (0..TRIES).map(|_| old.ask(&brief.value)).collect();
            assert!(!told.contains(&200), "turn {turn}: {told:?} {answer}");
        }
    }
    assert!(
        turn > 1,
        "keys were made and deleted while both ran: {turn}"
    );
    new.wait_for_table();
    traffic.go_on();
    let outcome = home.end(traffic);
    outcome.assert_told(&[200, 401, 503]);
    let brief = home.admin.create("afterwards", json!({}));
    assert_eq!(new.ask(&brief.value), 200);
}
