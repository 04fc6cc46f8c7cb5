//! Odd and hostile texts in every field and parameter of the calls about who may act: they are
//! kept literally or refused, and never make the sidecar fail.

use serde_json::{Value, json};

use crate::support::{Answer, Scratch, Sidecar};

/// Texts that have broken other programs.
const TEXTS: &[&str] = &[
    "' OR 1=1 --",
    "'; DROP TABLE users; --",
    "\" OR \"\"=\"",
    "1; ATTACH DATABASE '/tmp/x' AS x",
    "%' AND 1=0 UNION SELECT hash FROM tokens --",
    "%_",
    "\\",
    "x' || (SELECT password FROM users) || '",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "{{7*7}}",
    "${jndi:ldap://127.0.0.1/a}",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "..;/",
    "\u{202e}txt.exe",
    "\u{0}",
    "a\r\nSet-Cookie: x=y",
    "NaN",
    "null",
    "-1",
    "9223372036854775808",
    "Ω≈ç√∫˜µ≤≥÷",
    "表ポあA鷗ŒéＢ逍Üßªąñ丂㐀𠀀",
    "",
    " ",
];

fn assert_stands(answer: &Answer, what: &str) {
    assert!(answer.status < 500, "{what}: {}", answer.text);
    if answer.status >= 400 {
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{what}"
        );
        // (A new value may have any of these letters in a row.)
        for leak in ["SQL", "sqlite", "panicked", "/src/"] {
            assert!(!answer.text.contains(leak), "{what}: {}", answer.text);
        }
    }
    assert_eq!(answer.header("set-cookie"), "", "{what}");
}

/// Bodies with a text in each field: where they go, and the field that keeps it if it may.
fn bodies(number: usize, text: &str) -> Vec<(&'static str, Value, Option<&'static str>)> {
    let id = format!("acme-{number}");
    let request = json!({"account": "demo", "key_limit": 1, "reason": text});
    let odd_request = json!({"account": "demo", "key_limit": text, "reason": text});
    let user = json!({"account": "demo", "name": text, "role": "viewer"});
    let token = json!({"name": text, "capabilities": ["keys:read"]});
    vec![
        (
            "/v1/accounts",
            json!({"id": id, "name": text}),
            Some("name"),
        ),
        ("/v1/accounts", json!({"id": text, "name": "x"}), Some("id")),
        ("/v1/users", user, Some("name")),
        (
            "/v1/users",
            json!({"account": text, "name": "x", "role": text}),
            None,
        ),
        ("/v1/tokens", token, Some("name")),
        (
            "/v1/tokens",
            json!({"name": "x", "capabilities": [text]}),
            None,
        ),
        (
            "/v1/access-keys",
            json!({"account": "demo", "name": text}),
            Some("name"),
        ),
        ("/v1/limit-requests", request, Some("reason")),
        ("/v1/limit-requests", odd_request, None),
        (
            "/v1/keys?wait=none",
            json!({"account": "demo", "region": "local", "name": text}),
            Some("name"),
        ),
        (
            "/v1/keys?wait=none",
            json!({"account": "demo", "region": "local", "name": "n", "description": text}),
            Some("description"),
        ),
        (
            "/v1/keys?wait=none&allow_unlisted=true",
            json!({"account": "demo", "region": "local", "name": "n", "scope": {"models": [text]}}),
            Some("scope"),
        ),
        (
            "/v1/keys?wait=none",
            json!({"account": text, "region": text, "name": "n", "ip_allowlist": [text]}),
            None,
        ),
        (
            "/v1/setup",
            json!({"setup_secret": text, "password": "correct horse"}),
            None,
        ),
    ]
}

/// Every statement that the database is made of.
fn schema(scratch: &Scratch) -> Vec<String> {
    let database = rusqlite::Connection::open(scratch.data().join("latchkey.db")).unwrap();
    let sql = "SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name";
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn texts_in_fields_are_kept_literally_or_refused() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start_with(&scratch, &["--key-limit-default", "1000"]);
    let schema = schema(&scratch);
    for (number, text) in TEXTS.iter().enumerate() {
        for (path, body, kept) in bodies(number, text) {
            let answer = sidecar.post(path, &body);
            assert_stands(&answer, &format!("POST {path} {body}"));
            if answer.status == 201 {
                let field = kept.unwrap_or_else(|| panic!("made by {path} {body}"));
                let kept = match field {
                    "scope" => json!({"models": [text], "services": []}),
                    _ => Value::from(*text),
                };
                assert_eq!(answer.json()[field], kept, "{path}");
                let location = answer.header("location").to_owned();
                let seen = sidecar.get(&location).json();
                assert_eq!(seen[field], kept, "{path}");
            }
        }
    }
    let accounts = sidecar.get("/v1/accounts?limit=200").json();
    assert!(
        accounts["accounts"].as_array().unwrap().len() > 10,
        "none was dropped"
    );
    assert_eq!(self::schema(&scratch), schema);
}

#[test]
fn texts_in_queries_and_paths_find_nothing_that_is_not_there() {
    let scratch = Scratch::in_file();
    let sidecar = Sidecar::start(&scratch);
    for text in TEXTS {
        let encoded: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
        let queries = [
            "audit?actor=",
            "audit?action=",
            "audit?target=",
            "audit?from=",
            "audit?cursor=",
            "audit?limit=",
            "audit?sort=",
            "users?account=",
            "tokens?account=",
            "accounts?cursor=",
            "accounts?limit=",
            "limit-requests?account=",
            "access-keys?account=",
            "keys?account=",
            "keys?account=demo&name_contains=",
            "keys?account=demo&search=",
            "keys?account=demo&region=",
            "keys?account=demo&sort=",
            "keys?account=demo&cursor=",
            "recommendations?account=",
            "usage?account=",
        ];
        for query in queries {
            let path = format!("/v1/{query}{encoded}");
            let answer = sidecar.get(&path);
            assert_stands(&answer, &path);
            if query.starts_with("audit?target=") && !text.is_empty() {
                assert_eq!(answer.json()["entries"], json!([]), "{path}");
            }
        }
        for collection in [
            "users",
            "tokens",
            "access-keys",
            "accounts",
            "limit-requests",
            "keys",
        ] {
            let path = format!("/v1/{collection}/{encoded}");
            for method in ["GET", "PATCH", "DELETE"] {
                let body = (method == "PATCH").then_some("{}");
                let answer = sidecar.call(method, &path, &[], body);
                assert_stands(&answer, &format!("{method} {path}"));
                assert!(answer.status >= 400 || text.is_empty(), "{method} {path}");
            }
        }
    }
}

#[test]
fn bodies_that_mean_two_things_or_nothing_are_refused() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies = [
        ("{\"id\": \"a\", \"id\": \"b\", \"name\": \"x\"}", 400),
        ("{\"id\": \"a\", \"\\u0069d\": \"b\", \"name\": \"x\"}", 400),
        ("{\"id\": \"a\", \"name\": \"x\"} {}", 400),
        ("{\"id\": \"a\", \"name\": \"x\"", 400),
        ("\u{feff}{\"id\": \"a\", \"name\": \"x\"}", 400),
        ("{\"id\": \"a\", \"name\": NaN}", 400),
        (deep.as_str(), 400),
        ("[]", 422),
        ("null", 422),
        ("{\"id\": \"a\", \"name\": null}", 422),
        ("{\"id\": \"a\", \"name\": {\"x\": 1}}", 422),
        (
            "{\"id\": \"a\", \"name\": \"x\", \"role\": \"operator\"}",
            422,
        ),
        (
            "{\"id\": \"a\", \"name\": \"x\", \"created_at\": \"2020-01-01T00:00:00Z\"}",
            422,
        ),
    ];
    for (body, status) in bodies {
        let answer = sidecar.call("POST", "/v1/accounts", &[], Some(body));
        let shown: String = body.chars().take(60).collect();
        assert_stands(&answer, &shown);
        assert_eq!(answer.status, status, "{shown}: {}", answer.text);
    }
    let long = "x".repeat(1 << 20);
    let huge = json!({"id": "a", "name": long}).to_string();
    assert_eq!(
        sidecar
            .call("POST", "/v1/accounts", &[], Some(&huge))
            .status,
        413
    );
    assert_eq!(sidecar.get("/v1/accounts/a").status, 404);
}
