//! What passes the gate by the callbacks that are easily forgotten: answers without a body,
//! trailers, 1xx. And that docs/callbacks.md forgets none.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use http::HeaderMap;
use serde_json::{Value, json};
use tests::admin::assert_applied;
use tests::http2_upstream::Http2Upstream;
use tests::raw::{self, address_of};
use tests::raw_upstream::RawUpstream;
use tests::{PATIENCE, http2, start_with, wait_for};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn who_waits_for_an_answer_without_a_body_is_told_that_the_key_is_gone() {
    let upstream = RawUpstream::silent();
    let (stack, admin) = start_with(upstream.behind());
    let address = stack.envoy_url();
    let grpc: &[&[u8]] = &[b"content-type: application/grpc", b"content-length: 0"];
    for (method, lines, expected) in [
        ("HEAD", &[][..], "HTTP/1.1 401"),
        ("POST", grpc, "grpc-status: 16"),
        ("GET", &[], "HTTP/1.1 401"),
    ] {
        let key = admin.create(method, json!({}));
        let bearer = format!("authorization: Bearer {}", key.value).into_bytes();
        let lines: Vec<&[u8]> = lines.iter().copied().chain([bearer.as_slice()]).collect();
        let before = upstream.heads().len();
        let mut stream = TcpStream::connect(address_of(&address)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = raw::head(method, "/v1/anything", &lines);
        stream.write_all(&head).unwrap();
        wait_for("it waits for its answer", || {
            upstream.heads().len() > before
        });
        assert_applied(&admin.delete(&key));
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(ended.is_ok(), "{method} hangs: {answer}");
        assert!(answer.contains(expected), "{method}: {answer}");
    }
}

#[test]
fn a_request_that_is_cut_is_told_so_in_its_clients_words() {
    let upstream = RawUpstream::silent();
    let (stack, admin) = start_with(upstream.behind());
    let key = admin.create("waiting", json!({}));
    let bearer = format!("authorization: Bearer {}", key.value).into_bytes();
    let lines: [&[u8]; 2] = [&bearer, b"anthropic-version: 2023-06-01"];
    let mut stream = TcpStream::connect(address_of(&stack.envoy_url())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(&raw::head("GET", "/v1/models", &lines))
        .unwrap();
    wait_for("it waits for its answer", || !upstream.heads().is_empty());
    assert_applied(&admin.delete(&key));
    let answer = raw::read_answer(&mut stream);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.status, 401);
    assert_eq!(body["error"]["type"], "authentication_error", "{body}");
}

#[test]
fn trailers_release_no_list_of_models() {
    let list: &[u8] = br#"{"object":"list","data":[{"id":"bad-1"},{"id":"good-1"}]}"#;
    let mut trailers = HeaderMap::new();
    trailers.insert("x-digest", "of-the-whole-list".parse().unwrap());
    let upstream = Http2Upstream::saying(list, trailers.clone());
    let (stack, admin) = start_with(upstream.behind("/v1/"));
    let free = admin.create("free", json!({}));
    let limited = admin.create("limited", json!({"scope": {"models": ["good-1"]}}));
    let get = |key: &str| {
        let bearer = format!("Bearer {key}").into_bytes();
        let fields: &[(&str, &[u8])] = &[("authorization", &bearer)];
        let request = http2::request("GET", "/v1/models", fields);
        http2::send_for_trailers(&stack.envoy_url(), request, &[], HeaderMap::new())
    };
    let (answer, seen) = get(&limited.value);
    let expected = json!({"object": "list", "data": [{"id": "good-1"}]});
    let shown: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(shown, expected);
    assert!(seen.is_empty(), "{seen:?}");
    let (answer, seen) = get(&free.value);
    assert_eq!((answer.body.as_slice(), seen), (list, trailers));
}

#[test]
fn informational_answers_end_in_envoy() {
    let upstream = RawUpstream::saying(
        b"HTTP/1.1 103 Early Hints\r\nlink: <bad-1>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n\
          HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"data\":[]}",
    );
    let (stack, admin) = start_with(upstream.behind());
    let limited = admin.create("limited", json!({"scope": {"models": ["good-1"]}}));
    let bearer = format!("authorization: Bearer {}", limited.value).into_bytes();
    let bytes = raw::head("GET", "/v1/models", &[&bearer, b"expect: 100-continue"]);
    let mut stream = TcpStream::connect(address_of(&stack.envoy_url())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("bad-1"), "{answer}");
    assert!(answer.contains("{\"data\":[]}"), "{answer}");
    let heads = upstream.heads();
    assert!(!heads[0].contains("expect"), "{heads:?}");
}

/// The traits of the SDK that the filter is built with: cargo has unpacked it to build the filter.
fn traits_of_the_sdk() -> String {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let (_, entry) = lock
        .split_once("name = \"proxy-wasm\"\nversion = \"")
        .unwrap();
    let version = entry.split('"').next().unwrap();
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let registries = fs::read_dir(home.unwrap().join("registry/src")).unwrap();
    let traits = registries.flatten().map(|registry| {
        let package = registry.path().join(format!("proxy-wasm-{version}"));
        package.join("src/traits.rs")
    });
    let mut texts = traits.filter_map(|path| fs::read_to_string(path).ok());
    texts.next().expect("cargo's registry has the SDK")
}

/// The callbacks in these traits, as `Trait::name`.
fn callbacks_of_the_sdk() -> Vec<String> {
    let mut found = Vec::new();
    let mut of = "";
    let text = traits_of_the_sdk();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("pub trait ") {
            of = name.split(['{', ':', ' ']).next().unwrap();
        }
        let Some(name) = line.trim_start().strip_prefix("fn ") else {
            continue;
        };
        let name = name.split('(').next().unwrap();
        if ["on_", "create_", "get_type"]
            .iter()
            .any(|start| name.starts_with(start))
        {
            found.push(format!("{of}::{name}"));
        }
    }
    found
}

/// The rows of docs/callbacks.md: who uses each callback.
fn callbacks_of_the_page() -> BTreeMap<String, String> {
    let page = fs::read_to_string(root().join("docs/callbacks.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split_once("` | "));
    cells
        .filter(|(name, _)| name.contains("::"))
        .map(|(name, rest)| (name.to_owned(), rest.split(" |").next().unwrap().to_owned()))
        .collect()
}

#[test]
fn every_callback_of_the_sdk_has_a_row() {
    let sdk = callbacks_of_the_sdk();
    assert!(sdk.len() > 25, "{sdk:?}");
    let page = callbacks_of_the_page();
    let mut known: Vec<_> = page.keys().cloned().collect();
    known.sort();
    let mut sdk_sorted = sdk.clone();
    sdk_sorted.sort();
    assert_eq!(known, sdk_sorted);
}

#[test]
fn what_the_gate_is_called_for_is_what_the_page_says() {
    let template = fs::read_to_string(root().join("envoy/bootstrap.yaml")).unwrap();
    let filter = fs::read_to_string(root().join("filter/src/wasm.rs")).unwrap();
    for (name, user) in callbacks_of_the_page() {
        let function = name.split("::").nth(1).unwrap();
        let is_of_requests = name.starts_with("HttpContext::on_http_");
        if is_of_requests {
            assert!(filter.contains(&format!("fn {function}(")), "{name}");
        }
        if !function.starts_with("on_") {
            continue;
        }
        let capability = format!("proxy_{}: {{}}", function.replace("on_http_re", "on_re"));
        let is_allowed = template.contains(&capability);
        assert_eq!(is_allowed, user.contains("gate"), "{name}: {capability}");
    }
}
