//! `latchkey key ...`

use std::fs;
use std::io::{self, Read};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::thread;

use serde_json::{Value, json};

use crate::support::{World, run, text};

#[test]
fn a_key_is_made_shown_changed_rotated_and_deleted() {
    let world = World::new();
    let made = world.json(&[
        "key",
        "create",
        "search",
        "--description",
        "for search",
        "--model",
        "glm-5.1",
        "--ip",
        "10.0.0.0/8",
        "--expires",
        "90d",
        "--label",
        "team=search",
        "--show",
    ]);
    assert!(text(&made, "key").starts_with("sk-"));
    assert_eq!(
        made["scope"],
        json!({"models": ["glm-5.1"], "services": []})
    );
    assert_eq!(made["labels"], json!({"team": "search"}));
    assert_eq!(made["propagation"]["pending"], json!([]));
    let id = text(&made, "id");
    // By its name and by its id.
    for key in ["search", id] {
        let shown = world.json(&["key", "show", key]);
        assert_eq!((text(&shown, "id"), shown.get("key")), (id, None));
    }
    let edited = world.json(&[
        "key",
        "edit",
        "search",
        "--service",
        "ep-1",
        "--label",
        "env=prod",
        "--any-ip",
        "--never-expires",
    ]);
    assert_eq!(
        edited["scope"],
        json!({"models": ["glm-5.1"], "services": ["ep-1"]})
    );
    assert_eq!(edited["labels"], json!({"team": "search", "env": "prod"}));
    assert_eq!(
        (&edited["ip_allowlist"], &edited["expires_at"]),
        (&json!([]), &Value::Null)
    );
    assert_eq!(world.json(&["key", "disable", id])["status"], "disabled");
    assert_eq!(world.json(&["key", "enable", id])["status"], "enabled");
    let rotated = world.json(&["key", "rotate", id, "--grace", "1h", "--show"]);
    assert_ne!(rotated["key"], made["key"]);
    assert_eq!(rotated["replaced"]["id"], made["id"]);
    // The name means the successor now.
    assert_eq!(world.json(&["key", "show", "search"])["id"], rotated["id"]);
    let deleted = world.json(&["key", "delete", "search", "--confirm", "search"]);
    assert_eq!(deleted["id"], rotated["id"]);
    assert_eq!(
        world.json(&["key", "list"])["keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_list_is_whole_whatever_the_size_of_its_pages() {
    let world = World::new();
    assert_eq!(
        world.json(&["account", "edit", "demo", "--key-limit", "500"])["key_limit"],
        500
    );
    let keys: String = (0..230)
        .map(|number| format!("- name: k{number}\n"))
        .collect();
    let file = world.write("keys.yaml", &format!("keys:\n{keys}"));
    assert_eq!(
        world
            .run(&["apply", "-f", &file, "--show", "--no-wait"])
            .code,
        0
    );
    let count = |words: &[&str]| world.json(words)["keys"].as_array().unwrap().len();
    assert_eq!(count(&["key", "list"]), 230);
    assert_eq!(count(&["key", "list", "--limit", "3"]), 3);
    assert_eq!(count(&["key", "list", "--limit", "210"]), 210);
    assert_eq!(count(&["key", "list", "--name-contains", "k22"]), 11);
    let table = world
        .run(&["key", "list", "--sort", "name", "--limit", "1"])
        .out;
    assert!(
        table.starts_with("ID ") && table.lines().count() == 2,
        "{table}"
    );
}

#[test]
fn keys_are_found_by_name_id_creator_and_label() {
    let world = World::new();
    let made = world.json(&["key", "create", "a", "--label", "team=x", "--show"]);
    world.make("A");
    let ids = |words: &[&str]| -> Vec<Value> {
        let list = world.json(&[&["key", "list"], words].concat());
        list["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["id"].clone())
            .collect()
    };
    let one = [made["id"].clone()];
    assert_eq!(ids(&["--name", "a"]), one);
    assert_eq!(ids(&["--id", text(&made, "id")]), one);
    assert_eq!(ids(&["--label", "team=x"]), one);
    assert_eq!(ids(&["--creator", text(&made, "creator")]).len(), 2);
    assert!(ids(&["--creator", "user:nobody"]).is_empty());
}

#[test]
fn no_value_is_made_that_nobody_may_see() {
    let world = World::new();
    let refused = world.run(&["key", "create", "a"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("--value-file"), "{refused:?}");
    assert_eq!(world.json(&["key", "list"])["keys"], json!([]));
    let file = world.path("value");
    let made = world.json(&["key", "create", "a", "--value-file", file.to_str().unwrap()]);
    assert_eq!(
        (made.get("key"), made["key_file"].as_str()),
        (None, file.to_str())
    );
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let value = fs::read_to_string(&file).unwrap();
    assert!(value.starts_with("sk-") && value.ends_with('\n'));
    // A file that is there is not written over, and nothing is made for it.
    let again = world.run(&["key", "create", "b", "--value-file", file.to_str().unwrap()]);
    assert_eq!(again.code, 1, "{again:?}");
    assert_eq!(
        world.json(&["key", "list"])["keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // Nor is one left behind by a call that is refused.
    let other = world.path("other");
    let refused = world.run(&[
        "key",
        "create",
        " ",
        "--value-file",
        other.to_str().unwrap(),
    ]);
    assert_eq!((refused.code, other.exists()), (2, false), "{refused:?}");
}

#[test]
fn a_value_from_stdin_finds_its_key_and_is_repeated_nowhere() {
    let world = World::new();
    let made = world.make("a");
    let value = text(&made, "key");
    let found = run(world.operator(&["key", "lookup"]), &format!("{value}\n"));
    assert_eq!(found.code, 0, "{found:?}");
    assert!(found.out.contains(text(&made, "id")) && !found.out.contains(value));
    let file = world.write("found", value);
    assert_eq!(
        world.json(&["key", "lookup", "--file", &file])["id"],
        made["id"]
    );
    // Where a key's id belongs, or anywhere else on the command line, a value is refused unsent.
    for words in [
        &["key", "show", value][..],
        &["key", "lookup", value],
        &["key", "list", "--name", value],
        &["key", "delete", "a", "--confirm", value],
    ] {
        let refused = world.run(words);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(!refused.err.contains(value) && !refused.out.contains(value));
    }
    world.json(&["key", "delete", "a", "--confirm", "a"]);
    let gone = run(world.operator(&["key", "lookup"]), value);
    assert_eq!(
        (gone.code, gone.err.contains(value)),
        (4, false),
        "{gone:?}"
    );
}

#[test]
fn a_check_answers_by_its_exit_code() {
    let world = World::new();
    world.json(&["key", "create", "a", "--model", "glm-5.1", "--show"]);
    let path = ["--path", "/v1/chat/completions"];
    let check = |words: &[&str]| world.run(&[&["key", "check", "a"], words].concat());
    let body = world.write("body", r#"{"model":"glm-5.1","messages":[]}"#);
    assert_eq!(check(&[&path[..], &["--body", &body]].concat()).code, 0);
    assert_eq!(
        check(&["--path", "/v1/chat/completions", "--model", "glm-5.1"]).code,
        0
    );
    let denied = check(&["--path", "/v1/chat/completions", "--model", "other"]);
    assert_eq!(denied.code, 8, "{denied:?}");
    assert!(
        denied.out.contains("model_not_found") && denied.err.is_empty(),
        "{denied:?}"
    );
}

#[test]
fn refusals_are_told_field_by_field_with_what_to_do() {
    let world = World::new();
    let words = [
        "key",
        "create",
        "a",
        "--ip",
        "10.1.2.3/8",
        "--ip",
        "010.0.0.1",
        "--show",
    ];
    let refused = world.run(&words);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("ip_allowlist[0]: 10.1.2.3/8"),
        "{refused:?}"
    );
    assert!(
        refused.err.contains("write 10.0.0.0/8 instead"),
        "{refused:?}"
    );
    assert!(
        refused.err.contains("ip_allowlist[1]: 010.0.0.1"),
        "{refused:?}"
    );
    let json = world.run(&[&words[..], &["-o", "json"]].concat());
    let problem: Value = serde_json::from_str(&json.err).unwrap();
    assert_eq!(problem["errors"][0]["field"], "ip_allowlist[0]");
    let mut nowhere = world.operator(&["key", "create", "a", "--show"]);
    nowhere
        .env_remove("LATCHKEY_ACCOUNT")
        .env_remove("LATCHKEY_REGION");
    let refused = run(nowhere, "");
    assert!(
        refused.err.contains("account: must be given (--account"),
        "{refused:?}"
    );
    assert!(
        refused.err.contains("region: must be given (--region"),
        "{refused:?}"
    );
    assert_eq!(world.run(&["key", "show", "nobody"]).code, 4);
    assert_eq!(
        world
            .run(&["key", "delete", "nobody", "--confirm", "x"])
            .code,
        4
    );
}

#[test]
fn two_keys_of_one_name_are_told_apart() {
    let world = World::new();
    let (first, second) = (world.make("twin"), world.make("twin"));
    let refused = world.run(&["key", "disable", "twin"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    for key in [&first, &second] {
        assert!(refused.err.contains(text(key, "id")), "{refused:?}");
        assert!(refused.err.contains(text(key, "masked")), "{refused:?}");
    }
    assert_eq!(
        world.json(&["key", "disable", text(&second, "id")])["status"],
        "disabled"
    );
    assert_eq!(
        world.json(&["key", "show", text(&first, "id")])["status"],
        "enabled"
    );
}

#[test]
fn a_repeated_create_with_one_word_makes_one_key() {
    let world = World::new();
    let words = [
        "key",
        "create",
        "a",
        "--show",
        "--idempotency-key",
        "deploy-7",
    ];
    let (first, second) = (world.json(&words), world.json(&words));
    assert_eq!(
        (&first["id"], &first["key"]),
        (&second["id"], &second["key"])
    );
    assert_eq!(
        world.json(&["key", "list"])["keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let other = [
        "key",
        "create",
        "b",
        "--show",
        "--idempotency-key",
        "deploy-7",
    ];
    assert_eq!(world.run(&other).code, 5);
}

/// The address of a way to a sidecar that loses the answer of the first connection.
fn losing_the_first_answer(url: &str) -> String {
    let address = url.strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let way = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let mut client = client.unwrap();
            let mut server = TcpStream::connect(&address).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || io::copy(&mut from, &mut to));
            if number == 0 {
                // It has been answered: what was asked for is done.
                server.read_exact(&mut [0]).unwrap();
                client.shutdown(Shutdown::Both).unwrap();
            } else {
                let _ = io::copy(&mut server, &mut client);
            }
        }
    });
    way
}

#[test]
fn an_answer_that_is_lost_makes_nothing_twice() {
    let world = World::new();
    let way = losing_the_first_answer(&world.url);
    let made = world.json(&["key", "create", "a", "--show", "--url", &way]);
    let keys = world.json(&["key", "list"]);
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    let found = run(
        world.operator(&["key", "lookup", "-o", "json"]),
        text(&made, "key"),
    );
    let found: Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!(found["id"], made["id"]);
    let way = losing_the_first_answer(&world.url);
    let words = [
        "user", "create", "alice", "--role", "viewer", "--show", "--url", &way,
    ];
    assert_eq!(world.json(&words)["name"], "alice");
    // A change has no such key and is not sent again: nobody knows whether it was made.
    let way = losing_the_first_answer(&world.url);
    let lost = world.run(&["account", "edit", "demo", "--name", "x", "--url", &way]);
    assert_eq!(lost.code, 6, "{lost:?}");
}

#[test]
fn a_deletion_wants_the_name() {
    let world = World::new();
    world.make("a");
    for words in [
        &["key", "delete", "a"][..],
        &["key", "delete", "a", "--confirm", "b"],
    ] {
        let refused = world.run(words);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains(r#"--confirm "a""#), "{refused:?}");
    }
    assert_eq!(world.json(&["key", "show", "a"])["status"], "enabled");
}

#[test]
fn usage_of_a_key_and_of_a_label_is_shown() {
    let world = World::new();
    world.make("a");
    let usage = world.json(&["key", "usage", "a", "--period", "day"]);
    assert_eq!(usage["total"]["permitted"], 0);
    assert_eq!(usage["total"]["tokens"]["reported"]["input"], 0);
    let usage = world.json(&["account", "usage", "--label", "team=search"]);
    assert_eq!(usage["period"], "hour");
    let table = world.run(&["account", "usage"]).out;
    let mut lines = table.lines().map(str::split_whitespace);
    assert!(lines.any(|line| line.eq(["permitted", "0"])), "{table}");
}
