//! Credentials that are none, too many, or of another form.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use envoy::Recorded;
use serde_json::json;
use sha2::{Digest, Sha256};
use tests::{raw, rfc3339, wait_for};

use super::{Attempt, CANARIES, Framing, Range, head};

const BODY: &str = r#"{"model":"good-1"}"#;
const UNAUTHORIZED: &[u16] = &[401];

/// A header.
type Field = (&'static str, Vec<u8>);
/// Header lines as bytes.
type Lines = Vec<Vec<u8>>;

fn attempt(id: &str, fields: &[Field]) -> Attempt {
    fields
        .iter()
        .fold(Attempt::chat(id, BODY), |attempt, (name, value)| {
            attempt.with(name, value)
        })
}

#[test]
fn what_is_no_single_live_key_opens_nothing() {
    Range::in_both_settings(|range| {
        let key = range.key.value.clone();
        let disabled = range.create("disabled", json!({}));
        range.admin.patch(&disabled, &json!({"status": "disabled"}));
        let deleted = range.create("deleted", json!({}));
        range.admin.delete(&deleted);
        let bearer = |text: &str| ("authorization", format!("Bearer {text}").into_bytes());
        let hash: String = Sha256::digest(&key)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let cases: Vec<(&str, Vec<Field>)> = vec![
            ("K-01", vec![]),
            ("K-02", vec![bearer("")]),
            ("K-02", vec![("authorization", b"Bearer".to_vec())]),
            ("K-02", vec![bearer(&format!(" {key}"))]),
            ("K-03", vec![("authorization", b"Basic c2stOng=".to_vec())]),
            ("K-04", vec![bearer(&format!("{}!", &key[..key.len() - 1]))]),
            ("K-05", vec![bearer(&format!("\"{key}\""))]),
            ("K-05", vec![bearer(&format!("{key}%20"))]),
            ("K-06", vec![bearer(&disabled.value), bearer(&key)]),
            ("K-07", vec![bearer(&key), bearer(&disabled.value)]),
            (
                "K-08",
                vec![bearer(&format!("{key}, Bearer {}", disabled.value))],
            ),
            (
                "K-09",
                vec![
                    bearer(&key),
                    ("x-api-key", disabled.value.clone().into_bytes()),
                ],
            ),
            (
                "K-14",
                vec![bearer(&key), ("x-api-key", b"sk-ant-provider".to_vec())],
            ),
            ("K-12", vec![("xi-api-key", key.clone().into_bytes())]),
            ("K-17", vec![("x-api-keys", key.clone().into_bytes())]),
            (
                "K-21",
                vec![("authorization", b"Bearer \xff\xfe\x80\xc0\xa7".to_vec())],
            ),
            (
                "K-21",
                vec![(
                    "authorization",
                    [b"Bearer ", key.as_bytes(), b"\xff"].concat(),
                )],
            ),
            ("K-22", vec![bearer(&"a".repeat(8 * 1024))]),
            ("K-23", vec![bearer(&key[..8])]),
            ("K-23", vec![bearer(&key[..20])]),
            ("K-23", vec![bearer(&format!("{key}x"))]),
            ("K-24", vec![bearer("' OR '1'='1")]),
            ("K-24", vec![bearer("x' UNION SELECT 1 --")]),
            ("K-25", vec![bearer(&key.to_ascii_uppercase())]),
            ("K-26", vec![bearer(&disabled.value)]),
            ("K-26", vec![bearer(&deleted.value)]),
            ("K-28", vec![bearer(&hash)]),
        ];
        for (id, fields) in &cases {
            for framing in [Framing::Whole, Framing::Http2] {
                range.judge_framed(&attempt(id, fields), framing, UNAUTHORIZED);
            }
        }
    });
}

#[test]
fn a_key_is_found_where_it_may_be_and_nowhere_else() {
    Range::in_both_settings(|range| {
        let key = range.key.value.clone();
        for scheme in ["bearer", "BEARER", "Bearer"] {
            let fields = [("authorization", format!("{scheme} {key}").into_bytes())];
            range.judge_framed(&attempt("K-02", &fields), Framing::Whole, &[200]);
        }
        let everywhere: Vec<_> = ["x-api-key", "api-key", "x-goog-api-key", "apikey"]
            .map(|name| (name, key.clone().into_bytes()))
            .into();
        range.judge_framed(&attempt("K-10", &everywhere), Framing::Http2, &[200]);
        let arrived = format!("{:?}", range.upstream().requests()[0].headers);
        assert!(!arrived.contains(&key), "K-13");
        let bearer = || ("authorization", format!("Bearer {key}").into_bytes());
        for blank in [("x-api-key", b"".to_vec()), ("apikey", b" ".to_vec())] {
            let fields = [bearer(), blank];
            range.judge_framed(&attempt("K-10", &fields), Framing::Whole, &[200]);
        }
        let fields = [
            ("authorization", b"Bearer ".to_vec()),
            ("x-api-key", key.clone().into_bytes()),
        ];
        range.judge_framed(&attempt("K-10", &fields), Framing::Whole, &[200]);
        let mut blank = attempt("K-10", &[bearer()]);
        blank.path += "?key=";
        range.judge_framed(&blank, Framing::Http2, &[200]);
        assert_eq!(
            range.upstream().requests()[0].target,
            "/v1/chat/completions"
        );
        for (query, status) in [("key", 200), ("api_key", 401), ("apikey", 401)] {
            let mut attempt = attempt("K-12", &[]);
            attempt.path = format!("/v1/chat/completions?{query}={key}");
            range.judge_framed(&attempt, Framing::Whole, &[status]);
            let arrived = range.upstream().requests();
            let bare = |request: &Recorded| request.target == "/v1/chat/completions";
            assert!(arrived.iter().all(bare), "K-15");
        }
    });
}

#[test]
fn a_key_ends_when_it_expires_and_not_before() {
    let mut range = Range::start();
    let held = range.url();
    range.flow();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let end_s = now().as_secs() + 8;
    let end = Duration::from_secs(end_s);
    let key = range
        .admin
        .create("ends", json!({"expires_at": rfc3339(end_s)}));
    let mut seen = [0, 0];
    wait_for("the key has expired on both workers of both Envoys", || {
        for url in [&held, &range.url()] {
            let before = now();
            let answer = raw::post_chat_with(url, &key.value, BODY);
            let after = now();
            match answer.refusal() {
                (200, _) => assert!(before < end, "K-29: accepted at {before:?}"),
                (401, code) => {
                    assert_eq!(code, "api_key_expired");
                    assert!(after >= end, "K-29: refused at {after:?}");
                }
                other => panic!("K-29: {other:?}"),
            }
            seen[usize::from(answer.status == 401)] += 1;
        }
        seen[1] >= 2 * CANARIES
    });
    assert!(seen[0] > 0, "it was good before");
    range.end();
}

#[test]
fn an_identity_is_not_taken_from_a_client() {
    Range::in_both_settings(|range| {
        let claims = [
            ("x-latchkey-key-id", b"admin".to_vec()),
            ("x-latchkey-account", b"root".to_vec()),
            ("authorization", range.bearer()),
        ];
        range.judge_framed(&attempt("K-16", &claims), Framing::Http2, &[200]);
        let arrived = &range.upstream().requests()[0];
        assert_eq!(
            arrived.header("x-latchkey-key-id"),
            Some(range.key.id.as_str())
        );
        assert_eq!(arrived.header("x-latchkey-account"), Some("demo"));
    });
}

#[test]
fn odd_lines_open_nothing() {
    Range::in_both_settings(|range| {
        let bearer = [b"authorization: ".as_slice(), &range.bearer()].concat();
        let key = range.key.value.as_bytes();
        let line = |name: &str, value: &[u8]| [name.as_bytes(), b": ", value].concat();
        let cases: Vec<(&str, Lines, &[u16])> = vec![
            (
                "K-05 NUL",
                vec![[&bearer, b"\0".as_slice()].concat()],
                &[400],
            ),
            (
                "K-05 fold",
                vec![[&bearer, b"\r\n x".as_slice()].concat()],
                &[400, 401],
            ),
            ("K-17", vec![line("x_api_key", key)], &[401]),
            (
                "K-17",
                vec![line("author_ization", &range.bearer())],
                &[401],
            ),
            (
                "K-18",
                vec![
                    bearer.clone(),
                    line("connection", b"close, x-latchkey-key-id"),
                ],
                &[400, 404],
            ),
            (
                "K-22",
                vec![line("authorization", &vec![b'a'; 59 * 1024])],
                &[401, 431],
            ),
            (
                "K-22",
                vec![line("authorization", &vec![b'a'; 100 * 1024])],
                &[431],
            ),
        ];
        for (id, lines, statuses) in &cases {
            range.judge_raw(id, &head("GET", "/v1/models/bad-1", lines), statuses);
        }
        for method in ["OPTIONS", "HEAD", "TRACE", "CONNECT", "FOO"] {
            let bytes = head(method, "/v1/models", &[]);
            range.judge_raw(&format!("K-27 {method}"), &bytes, &[400, 401, 404, 405]);
        }
    });
}
