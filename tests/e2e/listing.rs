//! A list-scoped key sees the models that it may call, in every API's own shape, and no others;
//! also where client and upstream would rather speak gzip.

use serde_json::{Value, json};
use tests::{Answer, http2, start};

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
        let told = |answer: Answer| String::from_utf8(answer.body).unwrap();
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
