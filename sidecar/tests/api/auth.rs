//! Every call asks for its credential, before anything else.

use serde_json::Value;

use crate::support::{FEED_TOKEN, Scratch, Sidecar, call};

const CALLS: [(&str, &str); 9] = [
    ("GET", "/v1/keys?account=demo"),
    ("POST", "/v1/keys"),
    ("GET", "/v1/keys/ak-1"),
    ("PATCH", "/v1/keys/ak-1"),
    ("DELETE", "/v1/keys/ak-1?confirm=x"),
    ("GET", "/v1/envoys"),
    ("PUT", "/v1/keys"),
    ("GET", "/v1/no-such-call"),
    ("GET", "/v1"),
];

#[test]
fn no_call_is_answered_without_the_right_credential() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let token = sidecar.token();
    let last = token.chars().last().unwrap();
    let other = if last == '0' { '1' } else { '0' };
    let wrong = format!("Bearer {}{other}", &token[..token.len() - 1]);
    let bare = token.clone();
    let basic = format!("Basic {token}");
    let cut = format!("Bearer {}", &token[..token.len() - 1]);
    let credentials = [
        "", "Bearer", "Bearer ", &wrong, &bare, &basic, &cut, FEED_TOKEN,
    ];
    for (method, path) in CALLS {
        let url = format!("{}{path}", sidecar.admin());
        let body = matches!(method, "POST" | "PATCH" | "PUT").then_some("not JSON");
        for credential in credentials {
            let answer = call(&url, method, &[("authorization", credential)], body);
            assert_eq!(answer.status, 401, "{method} {path} {credential}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
        let twice = format!("Bearer {token}");
        let headers = [("authorization", twice.as_str()), ("authorization", &twice)];
        assert_eq!(
            call(&url, method, &headers, body).status,
            401,
            "given twice"
        );
        assert_eq!(call(&url, method, &[], body).status, 401);
    }
}

#[test]
fn every_answer_has_its_headers_and_opens_nothing_to_other_origins() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let origin = [("origin", "https://evil.example")];
    for path in ["/healthz", "/v1/keys?account=demo", "/v1/keys", "/nowhere"] {
        let answer = sidecar.call("GET", path, &origin, None);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("access-control-allow-origin"), "");
        assert!(!answer.header("x-request-id").is_empty());
    }
}

#[test]
fn unknown_calls_and_methods_are_problems() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let nowhere = sidecar.get("/v1/no-such-call");
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.fields().is_empty());
    let method = sidecar.call("PUT", "/v1/keys", &[], Some("{}"));
    assert_eq!(method.status, 405);
    assert_eq!(method.header("allow"), "GET, POST");
    assert_eq!(method.json()["status"], Value::from(405));
}

#[test]
fn the_feed_wants_its_own_credential() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let url = format!("{}/feed/v1/table?region=local", sidecar.feed());
    let operator = format!("Bearer {}", sidecar.token());
    for credential in [
        "",
        "Bearer ",
        &operator,
        &FEED_TOKEN[7..],
        &format!("{FEED_TOKEN}x"),
    ] {
        let answer = call(&url, "GET", &[("authorization", credential)], None);
        assert_eq!(answer.status, 401, "{credential}");
    }
    assert_eq!(call(&url, "GET", &[], None).status, 401);
    assert_eq!(
        call(&url, "GET", &[("authorization", FEED_TOKEN)], None).status,
        400
    );
}
