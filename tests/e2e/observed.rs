//! What a key without limits called: told by its usage, though nothing of its requests is held.

use std::io::Write;
use std::net::TcpStream;

use envoy::files;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::{Admin, Key, chat, raw, start, wait_for};

/// A form that names a model.
const FORM: &str =
    "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b--\r\n";

/// Resource and permitted requests, by name.
fn resources(admin: &Admin, key: &Key) -> Vec<(String, u64)> {
    let (_, usage) = admin.call("GET", &format!("/v1/keys/{}/usage", key.id), None);
    let rows = usage["resources"].as_array().cloned().unwrap_or_default();
    let row = |row: &Value| {
        let name = row["resource"].as_str().unwrap_or_default();
        (name.to_owned(), row["permitted"].as_u64().unwrap_or(0))
    };
    let mut rows: Vec<_> = rows.iter().map(row).collect();
    rows.sort();
    rows
}

#[test]
fn a_key_without_limits_tells_what_it_called() {
    let (stack, admin) = start();
    let key = admin.create("free", json!({}));
    let bearer = format!("authorization: Bearer {}", key.value);
    let (json, form) = ("application/json", "multipart/form-data; boundary=b");
    let chat = chat("glm-5.1");
    let requests: [(&str, &str, &str); 6] = [
        ("/v1/chat/completions", json, &chat),
        ("/v1/chat/completions", json, &chat),
        ("/v1beta/models/gemini-9:generateContent", json, "{}"),
        ("/v1/audio/transcriptions", form, FORM),
        ("/v1/chat/completions", json, "no JSON"),
        ("/next/new/api", json, &chat),
    ];
    for (path, content_type, body) in requests {
        let content_type = format!("content-type: {content_type}");
        let length = format!("content-length: {}", body.len());
        let lines = [
            bearer.as_bytes(),
            content_type.as_bytes(),
            length.as_bytes(),
        ];
        let bytes = [raw::head("POST", path, &lines), body.as_bytes().to_vec()].concat();
        assert_ne!(raw::send(&stack.envoy_url(), &bytes).status, 0, "{path}");
    }
    let row = |name: &str, count| (name.to_owned(), count);
    let expected = [
        row("", 2),
        row("gemini-9", 1),
        row("glm-5.1", 2),
        row("whisper-1", 1),
    ];
    wait_for("the use of the key is counted", || {
        let found = resources(&admin, &key);
        println!("{found:?}");
        found == expected
    });
    let received = stack.upstream().unwrap().requests();
    for ((path, _, body), received) in requests.iter().zip(&received) {
        let sha256 = Sha256::digest(body);
        assert_eq!(
            files::hex(&received.body_sha256),
            files::hex(&sha256),
            "{path}"
        );
        assert_eq!(received.header("x-latchkey-model"), None);
    }
    assert_eq!(received.len(), requests.len());
}

#[test]
fn a_request_that_breaks_off_before_its_body_is_counted() {
    let (stack, admin) = start();
    let key = admin.create("free", json!({}));
    let bearer = format!("authorization: Bearer {}", key.value);
    let lines: [&[u8]; 3] = [
        bearer.as_bytes(),
        b"content-type: application/json",
        b"content-length: 100",
    ];
    let head = raw::head("POST", "/v1/chat/completions", &lines);
    let mut stream = TcpStream::connect(raw::address_of(&stack.envoy_url())).unwrap();
    stream.write_all(&head).unwrap();
    wait_for("it is on its way", || {
        stack.upstream().unwrap().count() == 1
    });
    drop(stream);
    let expected = [(String::new(), 1)];
    wait_for("it is counted", || resources(&admin, &key) == expected);
}
