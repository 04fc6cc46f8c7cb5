//! `cargo run --package tests --bin screenshots`: pictures of every view of the console, light,
//! dark and at phone width, in `target/screenshots`.
//!
//! Keeps nothing in the tree. Invariant: what is shown is the real page of a real stack.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a tool for developers: what fails ends it"
)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use envoy::{StackOptions, files};
use serde_json::json;
use tests::browser::Look;
use tests::console::{Console, VIEWS};
use tests::raw::post_chat_with;
use tests::{chat, wait_for};

fn main() {
    let dir = files::target().join("screenshots");
    fs::create_dir_all(&dir).unwrap();
    let dark = Look {
        is_dark: true,
        ..Look::default()
    };
    for (name, look) in [
        ("light", Look::default()),
        ("dark", dark),
        ("phone", Look::PHONE),
    ] {
        let Some(console) = Console::with(StackOptions::default(), look, true) else {
            return;
        };
        if name == "phone" {
            console.browser.be_phone();
        }
        furnish(&console);
        for view in VIEWS {
            console.go(view);
            save(&console, dir.join(format!("{name}-{view}.png")));
        }
        console.go("keys");
        console.browser.click("Edit Production chat");
        console.browser.see("Edit the key");
        save(&console, dir.join(format!("{name}-edit.png")));
    }
    println!("{}", dir.display());
}

/// Keys that look like somebody's, and requests with them.
fn furnish(console: &Console) {
    console.list_models(&[
        "glm-5.1",
        "kimi-k2.6",
        "deepseek-v3.2",
        "qwen3-max",
        "ep-search",
    ]);
    let admin = &console.admin;
    let chat_scope = json!({"models": ["glm-5.1", "deepseek-*"]});
    let key = admin.create(
        "Production chat",
        json!({"description": "chat backend", "scope": chat_scope}),
    );
    let office = json!({"ip_allowlist": ["10.0.0.0/8"], "scope": {"models": ["kimi-k2.6"]}});
    admin.create("Office", office);
    let search = json!({"scope": {"models": [], "services": ["ep-search"]}});
    admin.create("Search", search);
    let evaluation = json!({"description": "nightly", "expires_at": "2099-01-31T00:00:00Z"});
    admin.create("Evaluation", evaluation);
    admin.create("Load test", json!({"status": "disabled"}));
    let gate = console.stack.envoy_url();
    for model in [
        "glm-5.1",
        "glm-5.1",
        "deepseek-v3.2",
        "kimi-k2.6",
        "glm-5.1",
    ] {
        for _ in 0..4 {
            post_chat_with(&gate, &key.value, &chat(model));
        }
    }
    let usage = format!("/v1/keys/{}/usage", key.id);
    wait_for("usage arrives", || {
        admin.call("GET", &usage, None).1["total"]["permitted"] == 16
    });
}

/// Writes a picture; `base64` is of every system's own tools.
fn save(console: &Console, path: PathBuf) {
    let text = path.with_extension("txt");
    fs::write(&text, console.browser.screenshot()).unwrap();
    let picture = fs::File::create(&path).unwrap();
    let mut decode = Command::new("base64");
    decode.arg("--decode").arg(&text);
    assert!(
        decode
            .stdout(Stdio::from(picture))
            .status()
            .unwrap()
            .success()
    );
    fs::remove_file(text).unwrap();
}
