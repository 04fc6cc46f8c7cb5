//! No secret leaves: not to the upstream, a log, a figure, a configuration dump or the database; nor does
//! one that a client puts where it does not belong.

use std::fs;
use std::path::Path;
use std::process::Command;

use envoy::Stack;
use envoy::build::{self, Profile};
use serde_json::json;
use tests::raw::{self, post_chat_with};
use tests::{Admin, Key, chat, http2, start, wait_for};

const USAGE: &str = "/v1/usage?account=demo&period=day";

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

/// Where a key may stand by mistake, or on purpose: bodies that name it as the model.
fn models(secret: &str) -> Vec<(String, String)> {
    let form = format!(
        "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\n{secret}\r\n--b--\r\n"
    );
    let json = "application/json";
    vec![
        (json.into(), chat(secret)),
        (json.into(), chat(&format!("my {secret} key"))),
        (
            json.into(),
            format!("{{\"{secret}\":1,\"model\":\"{secret}\",\"model\":1}}"),
        ),
        (json.into(), secret.into()),
        ("multipart/form-data; boundary=b".into(), form),
        (secret.into(), chat("glm-5.1")),
    ]
}

/// Request targets with it.
fn targets(secret: &str) -> Vec<String> {
    let escaped = secret.replace('-', "%2D");
    let twice = secret.replace('-', "%252d");
    let mut targets = Vec::new();
    for secret in [secret, &escaped, &twice] {
        for place in [
            "/v1/chat/completions/{}",
            "/{}",
            "/{}/v1/models",
            "//{}",
            "/v1/../{}",
            "/v1/%2e%2e/{}",
            "/v1/models/{}",
            "/v1/models/x%2F{}",
            "/v1beta/models/{}:generateContent",
            "/openai/deployments/{}/chat/completions?api-version=1",
            "/model/{}/invoke",
            "/v1/models?key={}",
            "/v1/models?api_key={}",
            "/v1/models?model={}",
            "/v1/models?{}",
            "/v1/models#{}",
            "http://user:{}@gate/v1/models",
            "http://{}/v1/models",
            "*{}",
        ] {
            targets.push(place.replace("{}", secret));
        }
    }
    targets
}

/// Names of headers under which it may come.
const HEADERS: [&str; 40] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "cookie",
    "user-agent",
    "referer",
    "origin",
    "from",
    "via",
    "x-request-id",
    "x-client-trace-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-client-cert",
    "forwarded",
    "x-real-ip",
    "traceparent",
    "tracestate",
    "baggage",
    "x-b3-traceid",
    "x-ot-span-context",
    "x-envoy-original-path",
    "x-envoy-decorator-operation",
    "x-envoy-original-dst-host",
    "x-latchkey-model",
    "x-latchkey-account",
    "x-latchkey-key-id",
    "x-original-url",
    "x-http-method-override",
    "anthropic-version",
    "openai-organization",
    "sec-websocket-protocol",
    "accept",
    "expect",
    "te",
    "content-encoding",
    "upgrade",
];

/// Requests that Envoy refuses before the gate is asked, as bytes.
fn refused_early(secret: &str) -> Vec<Vec<u8>> {
    let path = format!("/v1/{secret}");
    let large = format!("x-large: {}", "a".repeat(70_000));
    let id = format!("x-request-id: {secret}");
    let underscores = format!("a_{}: b", secret.to_lowercase());
    let lines = |more: &[&str]| {
        let lines: Vec<&[u8]> = more.iter().map(|line| line.as_bytes()).collect();
        raw::head("GET", &path, &lines)
    };
    vec![
        format!("GET {path} HTTP/1.1\r\n{id}\r\nconnection: close\r\n\r\n").into_bytes(),
        format!("GET {path} HTTP/1.0\r\n{id}\r\n\r\n").into_bytes(),
        format!("{secret} {path} HTTP/1.1\r\nhost: gate\r\n\r\n").into_bytes(),
        format!("CONNECT {secret}:443 HTTP/1.1\r\nhost: gate\r\n{id}\r\n\r\n").into_bytes(),
        format!("TRACE {path} HTTP/1.1\r\nhost: {secret}\r\n{id}\r\n\r\n").into_bytes(),
        format!("GET {path} {secret}\r\nhost: gate\r\n\r\n").into_bytes(),
        lines(&[&large, &id]),
        lines(&[&underscores, &id]),
        lines(&["transfer-encoding: nonsense", &id]),
        lines(&["content-length: 1", "content-length: 2", &id]),
        lines(&["upgrade: h2c", "connection: upgrade", &id]),
        lines(&[&format!("{secret}: {secret}")]),
        lines(&[&format!("host: {secret}")]),
    ]
}

/// Sends it in every place, to everybody who may be asked, with each of these keys and with none.
fn send_everywhere(gate: &str, secret: &str, keys: &[&str]) {
    let keys = keys
        .iter()
        .map(|key| format!("authorization: Bearer {key}"));
    for key in keys.chain([format!("x-none: {secret}")]) {
        for (content_type, body) in models(secret) {
            let length = format!("content-length: {}", body.len());
            let content_type = format!("content-type: {content_type}");
            let lines = [key.as_bytes(), length.as_bytes(), content_type.as_bytes()];
            let mut bytes = raw::head("POST", "/v1/chat/completions", &lines);
            bytes.extend_from_slice(body.as_bytes());
            raw::send(gate, &bytes);
        }
        for target in targets(secret) {
            raw::send(gate, &raw::head("GET", &target, &[key.as_bytes()]));
        }
        for name in HEADERS {
            for value in [
                secret.to_owned(),
                format!("Bearer {secret}"),
                format!("a {secret} b"),
            ] {
                let line = format!("{name}: {value}");
                let lines = [key.as_bytes(), line.as_bytes()];
                raw::send(gate, &raw::head("GET", "/v1/models", &lines));
            }
        }
        let (name, value) = key.split_once(": ").unwrap();
        for (method, path) in [(secret, "/v1/models"), ("GET", &*format!("/v1/{secret}"))] {
            let fields = [
                (name, value.as_bytes()),
                ("x-request-id", secret.as_bytes()),
            ];
            let request = http2::request(method, path, &fields);
            http2::send(gate, request, &[], http::HeaderMap::new());
        }
    }
    for bytes in refused_early(secret) {
        raw::send(gate, &bytes);
    }
}

/// A token with `keys:read` alone read a key in usage and called with it.
#[test]
fn a_key_in_any_place_of_a_request_is_written_nowhere() {
    let (mut stack, admin) = start();
    let holder = admin.create("holder", json!({}));
    let listed = admin.create("listed", json!({"scope": {"models": ["glm-5.1"]}}));
    let prefix = json!({"scope": {"models": ["sk-*"]}});
    let prefix = admin.create_waiting("prefix", prefix, "?allow_unlisted=true");
    let own = admin.create("canary", json!({})).value;
    let foreign = "sk-ant-api03-Q7wE9rT1yU3iO5pA2sD4fG6hJ8kL0zX".to_owned();
    let secrets = [own, foreign];
    let gate = stack.envoy_url();
    for secret in &secrets {
        send_everywhere(
            &gate,
            secret,
            &[&holder.value, &listed.value, &prefix.value],
        );
    }
    let last = admin.create("last", json!({}));
    assert_eq!(
        post_chat_with(&gate, &last.value, &chat("glm-5.1")).status,
        200
    );
    let log = stack.access_log().to_owned();
    wait_for("the access log is written", || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains(&last.id))
    });
    wait_for("the last request is told", || {
        let told = admin.call("GET", USAGE, None).1;
        told["keys"].to_string().contains(&last.id)
    });
    assert_told_clean(&stack, &admin, &listed, &secrets);
    back_up(&stack);
    stack.stop_envoy().unwrap();
    stack.stop_sidecar().unwrap();
    let mut looked_at = 0;
    scan(stack.run_dir(), &secrets, &mut looked_at);
    assert!(looked_at >= 6, "{looked_at}");
}

/// Nothing that Envoy or the sidecar tells has it; what was counted is told without it.
fn assert_told_clean(stack: &Stack, admin: &Admin, listed: &Key, secrets: &[String]) {
    for page in [
        "config_dump?include_eds",
        "stats",
        "stats/prometheus",
        "clusters",
    ] {
        let text = raw::get_text(&format!("{}/{page}", stack.envoy_admin_url()));
        assert_clean(page, text.as_bytes(), secrets);
    }
    let of_listed = format!("/v1/keys/{}/usage?period=day", listed.id);
    for path in [USAGE, &of_listed, "/v1/audit", "/v1/envoys"] {
        let (status, text) = admin.call("GET", path, None);
        assert_eq!(status, 200, "{path}: {text}");
        assert_clean(path, text.to_string().as_bytes(), secrets);
    }
    let told = admin.call("GET", &of_listed, None).1;
    assert!(
        told.to_string().contains("(redacted)"),
        "it was told: {told}"
    );
}

/// Copies the database, as an operator does, to where everything is looked through.
fn back_up(stack: &Stack) {
    let made = Command::new(build::sidecar(Profile::own()).unwrap())
        .args(["backup", "--data"])
        .arg(stack.database().parent().unwrap())
        .arg("--to")
        .arg(stack.run_dir().join("copy.db"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
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

/// No secret, and no piece of one that would be worth having, in whatever letters.
fn assert_clean(place: &str, bytes: &[u8], secrets: &[String]) {
    for secret in secrets {
        for piece in [&secret[5..17], &secret[secret.len() - 16..]] {
            let found = bytes
                .windows(piece.len())
                .position(|window| window.eq_ignore_ascii_case(piece.as_bytes()));
            if let Some(at) = found {
                let around = &bytes[at.saturating_sub(300)..bytes.len().min(at + 100)];
                let around = String::from_utf8_lossy(around);
                panic!("a piece of a secret is in {place}: ...{around}...");
            }
        }
    }
}
