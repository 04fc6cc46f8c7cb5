//! `latchkey account | user | limit-request | envoy | audit | completions`, and what all have in common.

use serde_json::{Value, json};

use crate::support::{World, run, text};

#[test]
fn accounts_are_made_and_changed() {
    let world = World::new();
    assert_eq!(world.json(&["account", "create", "acme"])["name"], "acme");
    let edited = world.json(&[
        "account",
        "edit",
        "acme",
        "--name",
        "Acme",
        "--key-limit",
        "7",
    ]);
    assert_eq!(
        (text(&edited, "name"), &edited["key_limit"]),
        ("Acme", &json!(7))
    );
    let edited = world.json(&["account", "edit", "acme", "--default-key-limit"]);
    assert_eq!(edited["key_limit"], 50);
    assert_eq!(world.run(&["account", "edit", "acme"]).code, 2);
    assert_eq!(world.run(&["account", "create", "acme"]).code, 5);
    let list = world.json(&["account", "list"]);
    assert_eq!(list["accounts"].as_array().unwrap().len(), 2);
    assert_eq!(world.json(&["account", "show", "acme"])["id"], "acme");
    let off = world.json(&["account", "edit", "acme", "--status", "disabled"]);
    assert_eq!(
        (&off["status"], &off["propagation"]["envoys"]),
        (&json!("disabled"), &json!(0))
    );
    assert_eq!(
        world.run(&["account", "delete", "acme"]).code,
        2,
        "not confirmed"
    );
    let gone = world.json(&["account", "delete", "acme", "--confirm", "acme"]);
    assert_eq!(gone["id"], "acme");
    assert_eq!(world.run(&["account", "show", "acme"]).code, 4);
}

#[test]
fn regions_are_made_disabled_and_deleted() {
    let world = World::new();
    assert_eq!(
        world.json(&["region", "create", "eu-west"])["status"],
        "enabled"
    );
    let off = world.json(&["region", "edit", "eu-west", "--status", "disabled"]);
    assert_eq!(
        (&off["status"], &off["propagation"]["envoys"]),
        (&json!("disabled"), &json!(0))
    );
    assert_eq!(
        world.json(&["region", "show", "eu-west"])["status"],
        "disabled"
    );
    let list = world.run(&["region", "list"]).out;
    assert!(
        list.contains("eu-west") && list.contains("disabled"),
        "{list}"
    );
    assert_eq!(
        world
            .run(&["region", "delete", "eu-west", "--confirm", "eu"])
            .code,
        2
    );
    world.json(&["region", "delete", "eu-west", "--confirm", "eu-west"]);
    assert_eq!(world.run(&["region", "show", "eu-west"]).code, 4);
}

#[test]
fn users_are_made_changed_and_deleted() {
    let world = World::new();
    let made = world.json(&["user", "create", "alice", "--role", "viewer", "--show"]);
    assert!(text(&made, "setup_secret").starts_with("lku-"));
    assert_eq!(made["account"], "demo");
    assert_eq!(
        world
            .run(&["user", "create", "bob", "--role", "viewer"])
            .code,
        2
    );
    let edited = world.json(&["user", "edit", "alice", "--status", "disabled"]);
    assert_eq!(edited["status"], "disabled");
    assert_eq!(world.run(&["user", "edit", "alice"]).code, 2);
    let file = world.path("secret");
    let reset = world.json(&[
        "user",
        "reset",
        "alice",
        "--value-file",
        file.to_str().unwrap(),
    ]);
    assert_eq!(reset.get("setup_secret"), None);
    assert!(std::fs::read_to_string(file).unwrap().starts_with("lku-"));
    assert_eq!(
        world.json(&["user", "show", text(&made, "id")])["name"],
        "alice"
    );
    assert_eq!(world.run(&["user", "delete", "alice"]).code, 2);
    world.json(&["user", "delete", "alice", "--confirm", "alice"]);
    assert_eq!(world.run(&["user", "show", "alice"]).code, 4);
    assert_eq!(world.json(&["user", "list"])["users"], json!([]));
}

#[test]
fn more_keys_are_asked_for_and_granted() {
    let world = World::new();
    let ask = |limit: &str| {
        world.json(&[
            "limit-request",
            "create",
            "--key-limit",
            limit,
            "--reason",
            "teams",
        ])
    };
    let asked = ask("80");
    let id = text(&asked, "id");
    let granted = world.json(&[
        "limit-request",
        "grant",
        id,
        "--key-limit",
        "60",
        "--note",
        "for now",
    ]);
    assert_eq!(
        (text(&granted, "status"), text(&granted, "note")),
        ("granted", "for now")
    );
    assert_eq!(world.json(&["account", "show", "demo"])["key_limit"], 60);
    let denied = world.json(&["limit-request", "deny", text(&ask("900"), "id")]);
    assert_eq!(denied["status"], "denied");
    assert_eq!(world.run(&["limit-request", "deny", id]).code, 5);
    assert_eq!(world.json(&["limit-request", "show", id])["key_limit"], 60);
    let list = world.json(&["limit-request", "list"]);
    assert_eq!(list["limit_requests"].as_array().unwrap().len(), 2);
}

#[test]
fn the_audit_says_what_was_done() {
    let world = World::new();
    let made = world.make("a");
    run(world.operator(&["key", "lookup"]), text(&made, "key"));
    let looked_up = world.json(&[
        "audit",
        "--action",
        "key.looked_up",
        "--target",
        text(&made, "id"),
    ]);
    assert_eq!(looked_up["entries"].as_array().unwrap().len(), 1);
    assert_eq!(
        world.json(&["audit", "--limit", "1"])["entries"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let table = world.run(&["audit"]).out;
    assert!(
        table.contains("key.created") && !table.contains(text(&made, "key")),
        "{table}"
    );
}

#[test]
fn envoys_are_listed_and_an_unknown_one_is_not_forgotten() {
    let world = World::new();
    assert_eq!(world.json(&["envoy", "list"]), json!({"envoys": []}));
    assert_eq!(world.run(&["envoy", "forget", "edge-7"]).code, 4);
}

#[test]
fn one_answer_is_written_in_three_ways() {
    let world = World::new();
    let made = world.make("生产");
    let id = text(&made, "id");
    let json = world.json(&["key", "show", id]);
    let yaml = world.run(&["key", "show", id, "-o", "yaml"]).out;
    assert!(yaml.contains(&format!("id: {id}\n")), "{yaml}");
    assert!(yaml.contains("name: 生产\n"), "{yaml}");
    let table = world.run(&["key", "show", id]).out;
    assert!(
        table.contains(&format!("masked       {}\n", text(&json, "masked"))),
        "{table}"
    );
    let mut by_variable = world.operator(&["key", "show", id]);
    by_variable.env("LATCHKEY_OUTPUT", "json");
    let by_variable: Value = serde_json::from_str(&run(by_variable, "").out).unwrap();
    assert_eq!(by_variable, json);
}

#[test]
fn whoever_may_only_read_is_told() {
    let world = World::new();
    let mut reader = world.operator(&["key", "create", "a", "--show"]);
    reader.env("LATCHKEY_TOKEN", "lkt-nobody");
    let refused = run(reader, "");
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("latchkey login"), "{refused:?}");
}

#[test]
fn help_version_and_completions_need_no_sidecar() {
    let world = World::new();
    let version = run(world.program(&["--version"]), "");
    assert_eq!(
        version.out,
        format!("latchkey {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = run(world.program(&["--help"]), "");
    assert!(help.out.contains("Exit codes: 0 done"), "{help:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(world.program(&["completions", shell]), "");
        assert_eq!(
            (script.code, script.out.contains("limit-request")),
            (0, true),
            "{shell}"
        );
    }
    assert_eq!(run(world.program(&["key", "frobnicate"]), "").code, 2);
}
