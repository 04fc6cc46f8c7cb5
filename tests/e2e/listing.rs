//! A list-scoped key sees the models that it may call, in every API's own shape, and no others;
//! also where client and upstream would rather speak gzip.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use envoy::{StackOptions, UpstreamAt};
use serde_json::{Value, json};
use tests::{Answer, http2, start, start_with};

/// Path, header that tells of the API, where the names are, their form.
type Shape = (
    &'static str,
    (&'static str, &'static str),
    &'static str,
    fn(&str) -> String,
);

const NOTHING: (&str, &str) = ("x-nothing", "1");
const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

const SHAPES: [Shape; 5] = [
    ("/v1/models", NOTHING, "/data/*/id", |name| name.to_owned()),
    (
        "/openai/models?api-version=1",
        NOTHING,
        "/data/*/id",
        |name| name.to_owned(),
    ),
    ("/v1/models", VERSION, "/data/*/id", |name| name.to_owned()),
    ("/v1beta/models", NOTHING, "/models/*/name", |name| {
        format!("models/{name}")
    }),
    ("/api/tags", NOTHING, "/models/*/name", |name| {
        format!("{name}:latest")
    }),
];

fn get(url: &str, key: &str, path: &str, header: (&str, &str)) -> Answer {
    let bearer = format!("Bearer {key}");
    let fields: &[(&str, &[u8])] = &[
        ("authorization", bearer.as_bytes()),
        ("accept-encoding", b"gzip, deflate, br, zstd"),
        (header.0, header.1.as_bytes()),
    ];
    let request = http2::request("GET", path, fields);
    http2::send(url, request, &[], http::HeaderMap::new())
}

/// The texts at a place such as `/data/*/id`.
fn names(answer: &Answer, place: &str) -> Vec<String> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let (list, member) = place.split_once("/*/").unwrap();
    let list = body.pointer(list).and_then(Value::as_array).unwrap();
    let name = |element: &Value| element[member].as_str().unwrap().to_owned();
    list.iter().map(name).collect()
}

#[test]
fn a_list_shows_what_is_in_scope() {
    let (stack, admin) = start();
    let url = stack.envoy_url();
    let none: &[&str] = &[];
    for (scope, seen) in [
        (
            json!(["glm-5.1", "deepseek-*"]),
            &["glm-5.1", "deepseek-v3.2"][..],
        ),
        (json!(["kimi-k2.6"]), &["kimi-k2.6"]),
        (json!([]), none),
    ] {
        let key = admin.create("limited", json!({"scope": {"models": scope}}));
        for (path, header, place, form) in SHAPES {
            let answer = get(&url, &key.value, path, header);
            assert_eq!(answer.status, 200, "{path}");
            let expected: Vec<_> = seen.iter().map(|name| form(name)).collect();
            assert_eq!(names(&answer, place), expected, "{path} {header:?}");
        }
    }
}

#[test]
fn a_list_for_a_key_without_limits_is_the_upstreams_own() {
    let (stack, admin) = start();
    let key = admin.create("free", json!({}));
    let answer = get(&stack.envoy_url(), &key.value, "/v1/models", NOTHING);
    assert!(answer.head.contains("gzip"), "{}", answer.head);
    assert!(
        answer.body.starts_with(b"\x1f\x8b"),
        "it is as the upstream compressed it"
    );
}

#[test]
fn anthropics_cursors_fit_what_is_shown() {
    let (stack, admin) = start();
    let key = admin.create("limited", json!({"scope": {"models": ["deepseek-*"]}}));
    let answer = get(&stack.envoy_url(), &key.value, "/v1/models", VERSION);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["first_id"], "deepseek-v3.2");
    assert_eq!(body["last_id"], "deepseek-v3.2");
}

#[test]
fn an_item_out_of_scope_does_not_exist() {
    let (stack, admin) = start();
    let key = admin.create("limited", json!({"scope": {"models": ["glm-5.1"]}}));
    for (path, header) in [
        ("/v1/models/", NOTHING),
        ("/v1/models/", VERSION),
        ("/v1beta/models/", NOTHING),
    ] {
        let item = |name: &str| {
            let path = format!("{path}{name}");
            get(&stack.envoy_url(), &key.value, &path, header)
        };
        assert_eq!(item("glm-5.1").status, 200, "{path}");
        let (real, invented) = (item("kimi-k2.6"), item("kimi-k2.7"));
        assert_eq!((real.status, invented.status), (404, 404), "{path}");
        // The request's own id aside.
        let told = |answer: Answer| {
            let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
            body.as_object_mut().unwrap().remove("request_id");
            body.to_string()
        };
        let (real, invented) = (told(real), told(invented).replace("k2.7", "k2.6"));
        assert_eq!(real, invented, "nobody learns which models exist");
    }
    let shown = stack.upstream().unwrap().requests();
    assert!(
        shown
            .iter()
            .all(|request| request.target.ends_with("glm-5.1"))
    );
}

/// A list of at least so many bytes: two models of the scope with others between them.
fn long_list(bytes: usize) -> Vec<u8> {
    let other = json!({"id": "bad-1", "description": "x".repeat(1000)}).to_string() + ",";
    let others = other.repeat(bytes / other.len() + 1);
    let list =
        format!(r#"{{"object":"list","data":[{{"id":"glm-first"}},{others}{{"id":"glm-last"}}]}}"#);
    list.into_bytes()
}

/// An upstream whose list has as many bytes as the query says, in one piece or in chunks.
fn lister() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || answer_lists(stream.unwrap()));
        }
    });
    address
}

fn answer_lists(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
        let query = line.split(['?', ' ']).nth(2).unwrap_or_default().to_owned();
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
        line.clear();
        let (framing, bytes) = query.split_once('=').unwrap();
        let list = long_list(bytes.parse().unwrap());
        let sent = match framing {
            "chunked" => write_chunks(&mut stream, &list),
            _ => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", list.len());
                let sent = stream.write_all(head.as_bytes());
                sent.and_then(|()| stream.write_all(&list))
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

fn write_chunks(stream: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
    for chunk in body.chunks(48 * 1024) {
        write!(stream, "{:x}\r\n", chunk.len())?;
        stream.write_all(chunk)?;
        stream.write_all(b"\r\n")?;
    }
    stream.write_all(b"0\r\n\r\n")
}

/// Longer than Envoy's buffer (1 MiB), up to what the gate reads (4 MiB).
#[test]
fn a_list_of_several_mebibytes_is_cut_down_and_one_that_is_too_long_withheld() {
    const KIB: usize = 1024;
    let upstream = UpstreamAt::External(lister().to_string().parse().unwrap());
    let (stack, admin) = start_with(StackOptions {
        upstream,
        ..StackOptions::default()
    });
    let key = admin.create("limited", json!({"scope": {"models": ["glm-*"]}}));
    for framing in ["length", "chunked"] {
        for (kib, status) in [
            (100, 200),
            (1_100, 200),
            (2_500, 200),
            (4_090, 200),
            (4_200, 502),
        ] {
            let path = format!("/v1/models?{framing}={}", kib * KIB);
            let answer = get(&stack.envoy_url(), &key.value, &path, NOTHING);
            assert_eq!(answer.status, status, "{path}");
            if status == 200 {
                assert_eq!(
                    names(&answer, "/data/*/id"),
                    ["glm-first", "glm-last"],
                    "{path}"
                );
            } else {
                let text = String::from_utf8(answer.body).unwrap();
                assert!(text.contains("unreadable_model_list"), "{text}");
            }
        }
    }
}
