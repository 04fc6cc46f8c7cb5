//! `latchkey apply`

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::{World, run, text};

const FILE: &str = "region: local
account: demo
keys:
- name: search
  description: for search
  scope: {models: [glm-5.1, deepseek-v3], services: all}
  ip_allowlist: [192.0.2.7, 10.0.0.0/8]
  expires_at: 2099-01-01T08:00:00+08:00
  labels: {team: search}
  limits: [{unit: tokens, window: month, amount: 1000}]
- name: ads
  status: disabled
- name: old
  absent: true
";

fn actions(report: &Value) -> Vec<&str> {
    let steps = report["steps"].as_array().unwrap();
    steps.iter().map(|step| text(step, "action")).collect()
}

#[test]
fn a_file_is_made_true_and_stays_so() {
    let world = World::new();
    world.make("old");
    let file = world.write("keys.yaml", FILE);
    let dry = world.json(&["apply", "-f", &file, "--dry-run"]);
    assert_eq!(actions(&dry), ["create", "create", "delete"]);
    assert_eq!(
        world.json(&["key", "list"])["keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let done = world.json(&["apply", "-f", &file, "--show", "--allow-unlisted"]);
    assert_eq!(actions(&done), ["create", "create", "delete"]);
    assert!(text(&done["steps"][0], "key").starts_with("sk-"));
    assert_eq!(done["propagation"]["pending"], json!([]));
    let search = world.json(&["key", "show", "search"]);
    assert_eq!(search["ip_allowlist"], json!(["192.0.2.7", "10.0.0.0/8"]));
    assert_eq!(search["limits"][0]["amount"], 1000);
    assert_eq!(world.json(&["key", "show", "ads"])["status"], "disabled");
    assert_eq!(world.run(&["key", "show", "old"]).code, 4);
    // Once more: nothing to do, no value, no place for one needed.
    let again = world.run(&["apply", "-f", &file, "-o", "json"]);
    assert_eq!(
        (again.code, again.out.contains("sk-")),
        (0, false),
        "{again:?}"
    );
    let again: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(actions(&again), ["keep", "keep", "keep"]);
    let dry = world.run(&["apply", "-f", &file, "--dry-run", "--exit-code"]);
    assert_eq!(dry.code, 0, "{dry:?}");
}

#[test]
fn only_what_differs_is_changed() {
    let world = World::new();
    let file = world.write("keys.yaml", FILE);
    world.json(&["apply", "-f", &file, "--show"]);
    let revision = text(&world.json(&["key", "show", "ads"]), "updated_at").to_owned();
    let changed = FILE
        .replace("[glm-5.1, deepseek-v3]", "[glm-5.1]")
        .replace("search\n  scope", "x\n  scope");
    let file = world.write("keys.yaml", &changed);
    let dry = world.run(&["apply", "-f", &file, "--dry-run", "--exit-code"]);
    assert_eq!(dry.code, 8, "{dry:?}");
    assert!(
        dry.out.contains("description: for search -> for x"),
        "{dry:?}"
    );
    let done = world.json(&["apply", "-f", &file]);
    assert_eq!(actions(&done), ["edit", "keep", "keep"]);
    let after =
        json!({"description": "for x", "scope": {"models": ["glm-5.1"], "services": "all"}});
    assert_eq!(done["steps"][0]["after"], after);
    assert_eq!(
        text(&world.json(&["key", "show", "ads"]), "updated_at"),
        revision
    );
    // A key that is not in the file is left alone.
    world.make("stranger");
    assert_eq!(
        actions(&world.json(&["apply", "-f", &file])),
        ["keep", "keep", "keep"]
    );
    assert_eq!(
        world.json(&["key", "show", "stranger"])["status"],
        "enabled"
    );
}

#[test]
fn values_go_into_a_file_a_line_each_or_nothing_is_made() {
    let world = World::new();
    let file = world.write("keys.yaml", FILE);
    let refused = world.run(&["apply", "-f", &file]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(world.json(&["key", "list"])["keys"], json!([]));
    let values = world.path("values");
    let done = world.run(&[
        "apply",
        "-f",
        &file,
        "--value-file",
        values.to_str().unwrap(),
    ]);
    assert_eq!(
        (done.code, done.out.contains("sk-")),
        (0, false),
        "{done:?}"
    );
    assert_eq!(
        fs::metadata(&values).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let lines = fs::read_to_string(&values).unwrap();
    let lines: Vec<Vec<&str>> = lines
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0][1], lines[1][1]), ("search", "ads"));
    let found = run(
        world.operator(&["key", "lookup", "-o", "json"]),
        lines[0][2],
    );
    let found: Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!(
        (text(&found, "id"), text(&found, "name")),
        (lines[0][0], "search")
    );
}

#[test]
fn values_that_were_made_before_a_step_failed_are_not_lost() {
    let world = World::new();
    let file = world.write(
        "keys.yaml",
        "keys:\n- name: good\n- name: bad\n  ip_allowlist: [10.1.2.3/8]\n",
    );
    for format in ["table", "json"] {
        let failed = world.run(&["apply", "-f", &file, "--show", "-o", format]);
        assert_eq!(failed.code, 2, "{failed:?}");
        assert!(failed.err.contains("ip_allowlist[0]"), "{failed:?}");
        assert!(failed.out.contains("sk-"), "{failed:?}");
        world.json(&["key", "delete", "good", "--confirm", "good"]);
    }
}

#[test]
fn a_file_that_cannot_be_meant_changes_nothing() {
    let world = World::new();
    world.make("twin");
    world.make("twin");
    for (file, told) in [
        (
            "keys:\n- name: a\n  scop: {}\n",
            "keys[0]: unknown field `scop`",
        ),
        ("keys:\n- name: a\n- name: twin\n", "add `id:`"),
        ("keys: [\n", "keys.yaml"),
    ] {
        let path = world.write("keys.yaml", file);
        let refused = world.run(&["apply", "-f", &path, "--show"]);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains(told), "{told}: {refused:?}");
        assert_eq!(world.run(&["key", "show", "a"]).code, 4);
    }
    let missing = world.run(&["apply", "-f", "/nowhere/keys.yaml"]);
    assert_eq!(missing.code, 1, "{missing:?}");
}

#[test]
fn a_file_may_come_from_stdin() {
    let world = World::new();
    let run = run(
        world.operator(&["apply", "-f", "-", "--show"]),
        "keys: [{name: a}]",
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.err.contains("1 changed, in force on 0 of 0 Envoys"),
        "{run:?}"
    );
}
