//! The command line and a real Envoy: a change is in force when the command ends, or it says where not.
//!
//! What needs no Envoy is in `latchkey/tests/flows/`; the README's walk in `tests/e2e/tour.rs`.

use std::process::Command;

use envoy::Stack;
use envoy::build::{self, Profile};
use serde_json::Value;
use tests::{chat, raw, start};

/// What the program did.
#[derive(Debug)]
struct Run {
    code: i32,
    out: String,
    err: String,
}

fn run(stack: &Stack, words: &[&str]) -> Run {
    let program = build::command_line(Profile::own()).unwrap_or_else(|error| panic!("{error}"));
    let mut command = Command::new(program);
    command
        .args(words)
        .env("LATCHKEY_URL", stack.console_url())
        .env("LATCHKEY_TOKEN", stack.operator_token().unwrap())
        .env("LATCHKEY_ACCOUNT", stack.account())
        .env("LATCHKEY_REGION", stack.region())
        .env("LATCHKEY_CONFIG_DIR", stack.run_dir());
    let output = command.output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn status(stack: &Stack, value: &str) -> u16 {
    raw::post_chat_with(&stack.envoy_url(), value, &chat("glm-5.1")).status
}

#[test]
fn a_change_is_in_force_when_the_command_ends_and_a_laggard_is_named() {
    let (mut stack, _) = start();
    let made = run(&stack, &["key", "create", "shell", "--show", "-o", "json"]);
    assert_eq!(made.code, 0, "{made:?}");
    let made: Value = serde_json::from_str(&made.out).unwrap();
    assert_eq!(made["propagation"]["applied"], 1);
    let value = made["key"].as_str().unwrap();
    assert_eq!(status(&stack, value), 200);
    assert_eq!(run(&stack, &["key", "disable", "shell"]).code, 0);
    assert_eq!(status(&stack, value), 401);
    // An Envoy that hears nothing is named, and the change is stored all the same.
    stack.envoy().unwrap().process().pause().unwrap();
    let late = run(&stack, &["key", "enable", "shell", "--wait-s", "3"]);
    assert_eq!(late.code, 7, "{late:?}");
    assert!(
        late.err.contains("not in force yet on envoy (last seen "),
        "{late:?}"
    );
    assert!(
        late.out.contains("0 of 1 Envoys; waiting for envoy"),
        "{late:?}"
    );
    stack.envoy().unwrap().process().resume().unwrap();
    let deleted = run(&stack, &["key", "delete", "shell", "--confirm", "shell"]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    assert!(deleted.out.contains("1 of 1 Envoys"), "{deleted:?}");
    assert_eq!(status(&stack, value), 401);
    let listed = run(&stack, &["envoy", "list"]);
    assert!(listed.out.contains("envoy"), "{listed:?}");
    let live = run(&stack, &["envoy", "forget", "envoy"]);
    assert_eq!(live.code, 5, "{live:?}");
}

#[test]
fn a_disabled_account_and_a_disabled_region_are_refused_when_the_command_ends() {
    let (stack, admin) = start();
    let key = admin.create("kept", serde_json::json!({}));
    assert_eq!(status(&stack, &key.value), 200);
    for (kind, id) in [("account", stack.account()), ("region", stack.region())] {
        let put = |status: &str| {
            let told = run(&stack, &[kind, "edit", id, "--status", status]);
            assert_eq!(told.code, 0, "{told:?}");
            assert!(told.out.contains("1 of 1 Envoys"), "{told:?}");
        };
        put("disabled");
        let refused = raw::post_chat_with(&stack.envoy_url(), &key.value, &chat("glm-5.1"));
        assert_eq!(
            refused.refusal(),
            (401, "api_key_disabled".to_owned()),
            "{kind}"
        );
        put("enabled");
        assert_eq!(status(&stack, &key.value), 200, "{kind}");
    }
}
