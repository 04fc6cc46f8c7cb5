//! No secret leaves: not to the upstream, a log, a figure, a configuration dump or the database.

use std::fs;
use std::path::Path;

use serde_json::json;
use tests::raw::{self, post_chat_with};
use tests::{chat, start, wait_for};

#[test]
fn neither_keys_nor_tokens_are_anywhere_after_a_run() {
    let (mut stack, admin) = start();
    let kept = admin.create("kept", json!({}));
    let deleted = admin.create("deleted", json!({}));
    let gate = stack.envoy_url();
    for key in [&kept, &deleted] {
        assert_eq!(
            post_chat_with(&gate, &key.value, &chat("glm-5.1")).status,
            200
        );
        let path = format!("/v1/models?key={}", key.value);
        assert_eq!(raw::send(&gate, &raw::head("GET", &path, &[])).status, 200);
    }
    admin.delete(&deleted);
    assert_eq!(
        post_chat_with(&gate, &deleted.value, &chat("glm-5.1")).status,
        401
    );

    let feed_token = fs::read_to_string(stack.feed_token_file()).unwrap();
    let feed_token = feed_token.trim_start_matches("Bearer ").trim().to_owned();
    let secrets = [kept.value, deleted.value, feed_token];
    let admin_url = stack.envoy_admin_url();
    for page in [
        "config_dump?include_eds",
        "stats",
        "stats/prometheus",
        "clusters",
        "listeners",
    ] {
        assert_clean(
            page,
            raw::get_text(&format!("{admin_url}/{page}")).as_bytes(),
            &secrets,
        );
    }
    let log = stack.access_log().to_owned();
    wait_for("the access log is written", || {
        fs::read_to_string(&log).is_ok_and(|text| text.lines().count() >= 5)
    });
    let logged = fs::read_to_string(&log).unwrap();
    assert!(
        logged.contains(&kept.id),
        "the access log names the key's id: {logged}"
    );
    assert!(
        logged.contains("latchkey_unknown_key"),
        "and the reason of a refusal: {logged}"
    );

    stack.stop_envoy().unwrap();
    stack.stop_sidecar().unwrap();
    let mut looked_at = 0;
    scan(stack.run_dir(), &secrets, &mut looked_at);
    assert!(
        looked_at >= 5,
        "database, logs and configuration were looked at: {looked_at}"
    );
}

/// Looks through every file but the two that exist to hold a secret.
fn scan(dir: &Path, secrets: &[String], looked_at: &mut usize) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            scan(&path, secrets, looked_at);
        } else if name != "feed-token" && name != "operator-token" {
            assert_clean(&name, &fs::read(&path).unwrap(), secrets);
            *looked_at += 1;
        }
    }
}

/// No secret, and no piece of one that would be worth having.
fn assert_clean(place: &str, bytes: &[u8], secrets: &[String]) {
    for secret in secrets {
        for piece in [&secret[5..17], &secret[secret.len() - 16..]] {
            let found = bytes
                .windows(piece.len())
                .any(|window| window == piece.as_bytes());
            assert!(!found, "a piece of a secret is in {place}");
        }
    }
}
