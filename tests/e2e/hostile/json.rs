//! JSON that two parsers could read differently, or that names more than it seems to.

use super::{Attempt, Range};

/// Statuses that refuse.
const BAD: &[u16] = &[400];
const OUT: &[u16] = &[403];
const EITHER: &[u16] = &[400, 403];
const PASSES: &[u16] = &[200];

/// What the gate holds back at most.
const LIMIT: usize = 8 * 1024 * 1024;

/// Bodies that readers disagree about, and a few that they do not.
const AMBIGUOUS: &[(&str, &[u8], &[u16])] = &[
    ("J-01", br#"{"model":"good-1","model":"bad-1"}"#, EITHER),
    ("J-02", br#"{"model":"bad-1","model":"good-1"}"#, EITHER),
    ("J-03", br#"{"model":"good-1","model":"good-1"}"#, BAD),
    (
        "J-04",
        br#"{"mod\u0065l":"bad-1","model":"good-1"}"#,
        EITHER,
    ),
    (
        "J-04",
        br#"{"model":"good-1","\u006dodel":"bad-1"}"#,
        EITHER,
    ),
    ("J-05", br#"{"mod\u0065l":"bad-1"}"#, OUT),
    ("J-06", br#"{"model":"\u0062ad-1"}"#, OUT),
    ("J-06", br#"{"model":"\u0067ood-1"}"#, PASSES),
    ("J-07", br#"{"model":"good-1","Model":"bad-1"}"#, BAD),
    ("J-07", br#"{"MODEL":"bad-1","model":"good-1"}"#, BAD),
    ("J-07", br#"{"mOdel":"good-1"}"#, BAD),
    (
        "J-07",
        "{\"model\":\"good-1\",\"model\u{17f}\":[\"bad-1\"]}".as_bytes(),
        EITHER,
    ),
    (
        "J-07",
        "{\"model\":\"good-1\",\"fallbac\u{212a}s\":[\"bad-1\"]}".as_bytes(),
        EITHER,
    ),
    ("J-08", br#"{"model":"good-1","model\u0000":"bad-1"}"#, BAD),
    ("J-08", br#"{"model":"good-1","model ":"bad-1"}"#, EITHER),
    (
        "J-08",
        br#"{"\ufeffmodel":"bad-1","model":"good-1"}"#,
        EITHER,
    ),
    (
        "J-08",
        br#"{"model":"good-1","model\u200b":"bad-1"}"#,
        EITHER,
    ),
    (
        "J-08",
        "{\"model\":\"good-1\",\"m\u{f8}del\":\"bad-1\"}".as_bytes(),
        PASSES,
    ),
    ("J-09", br#"{"model":"good-1","model\ud800":"bad-1"}"#, BAD),
    ("J-09", b"{\"model\":\"good-1\",\"mod\rel\":\"bad-1\"}", BAD),
    ("J-09", br#"{"model":"good-1","mo\del":"bad-1"}"#, BAD),
    (
        "J-10",
        br#"{"model":"good-1","x":1/*,"model":"bad-1","y":2*/}"#,
        BAD,
    ),
    (
        "J-10",
        b"{\"model\":\"good-1\",//\n\"model\":\"bad-1\"}",
        BAD,
    ),
    ("J-13", br#"{"model":null}"#, BAD),
    ("J-13", br#"{"model":1}"#, BAD),
    ("J-13", br#"{"model":true}"#, BAD),
    ("J-13", br#"{"model":[]}"#, BAD),
    ("J-13", br#"{"model":["good-1","bad-1"]}"#, BAD),
    ("J-13", br#"{"model":{"name":"good-1"}}"#, BAD),
    ("J-13", br#"{"model":""}"#, BAD),
    ("J-14", b"{}", BAD),
    ("J-14", b"[]", BAD),
    ("J-14", br#""good-1""#, BAD),
    ("J-14", b"null", BAD),
    ("J-14", b"", BAD),
    ("J-14", b" \r\n\t ", BAD),
    ("J-15", br#"[{"model":"good-1"},{"model":"bad-1"}]"#, BAD),
    ("J-16", br#"{"model":"good-1"}{"model":"bad-1"}"#, BAD),
    (
        "J-16",
        b"{\"model\":\"good-1\"}\n{\"model\":\"bad-1\"}\n",
        BAD,
    ),
    ("J-16", br#"{"model":"good-1"}]"#, BAD),
    ("J-16", b"{\"model\":\"good-1\"}\0", BAD),
    ("J-16", br#"{"model":"good-1""#, BAD),
    ("J-17", b"\xef\xbb\xbf{\"model\":\"good-1\"}", BAD),
    ("J-17", b"\x1e{\"model\":\"good-1\"}", BAD),
    ("J-17", b")]}'\n{\"model\":\"good-1\"}", BAD),
    ("J-18", b"{\"model\":\"good-1\",\"x\":\"\xff\"}", BAD),
    ("J-18", b"{\"model\":\"good-1\",\"x\":\"\xc0\xa7\"}", BAD),
    ("J-18", b"{\"model\":\"good-1\xe9\"}", EITHER),
    ("J-19", b"{'model':'good-1'}", BAD),
    ("J-19", b"{model:\"good-1\"}", BAD),
    ("J-19", br#"{"model":"good-1",}"#, BAD),
    ("J-19", br#"{"model":"good-1","x":NaN}"#, BAD),
    ("J-19", br#"{"model":"good-1","x":-Infinity}"#, BAD),
    ("J-19", br#"{"model":"good-1","x":0x10}"#, BAD),
    ("J-19", br#"{"model":"good-1","x":"\x6d"}"#, BAD),
    ("J-19", br#"{"model":"good-1","x":01}"#, BAD),
];

/// Chats that name models in other places, or names that look like another one.
const PLACES: &[(&str, &str, &[u16])] = &[
    ("J-11", r#"{"x":{"model":"bad-1"},"model":"good-1"}"#, OUT),
    (
        "J-11",
        r#"{"metadata":{"model":"bad-1"},"model":"good-1"}"#,
        PASSES,
    ),
    ("J-22", r#"{"model":"good-1","models":["bad-1"]}"#, OUT),
    ("J-22", r#"{"model":"good-1","models":["good-2"]}"#, PASSES),
    (
        "J-22",
        r#"{"model":"good-1","fallbacks":[{"model":"bad-1"}]}"#,
        OUT,
    ),
    (
        "J-22",
        r#"{"model":"good-1","fallbacks":["good-2","bad-1"]}"#,
        OUT,
    ),
    ("J-22", r#"{"model":"good-1","model_id":"bad-1"}"#, OUT),
    ("J-22", r#"{"model":"good-1","engine":"bad-1"}"#, OUT),
    ("J-22", r#"{"model":"good-1","deployment":"bad-1"}"#, OUT),
    (
        "J-22",
        r#"{"model":"good-1","extra_body":{"model":"bad-1"}}"#,
        OUT,
    ),
    ("J-22", r#"{"model":"good-1","user_config":{"a":1}}"#, OUT),
    ("J-27", r#"{"model":"good-1/../bad-1"}"#, EITHER),
    ("J-27", r#"{"model":"good-"}"#, OUT),
    ("J-27", r#"{"model":"GOOD-1"}"#, OUT),
    ("J-27", r#"{"model":"good-1\n"}"#, EITHER),
    ("J-27", r#"{"model":"good-1 "}"#, EITHER),
    ("J-27", r#"{"model":"good-1%00"}"#, EITHER),
    ("J-27", r#"{"model":"good-1,bad-1"}"#, EITHER),
    ("J-29", "{\"model\":\"g\u{43e}\u{43e}d-1\"}", OUT),
    ("J-29", "{\"model\":\"\u{ff47}ood-1\"}", OUT),
    ("J-29", "{\"model\":\"good-1\u{200b}\"}", EITHER),
    ("J-30", r#"{"model":"ft:good-1:org::id"}"#, OUT),
    ("J-30", r#"{"model":"good-1:nitro"}"#, OUT),
    ("J-30", r#"{"model":"provider/good-1"}"#, OUT),
    ("J-30", r#"{"model":"good-1@2024"}"#, OUT),
];

/// The same at other endpoints.
const ENDPOINTS: &[(&str, &str, &str, &[u16])] = &[
    (
        "J-23",
        "/v1/realtime/client_secrets",
        r#"{"session":{"model":"bad-1"}}"#,
        OUT,
    ),
    (
        "J-23",
        "/v1/responses",
        r#"{"model":"good-1","tools":[{"model":"bad-1"}]}"#,
        OUT,
    ),
    ("J-23", "/v1/responses", r#"{"prompt":{"id":"p"}}"#, OUT),
    (
        "J-24",
        "/v1/chat/completions?model=bad-1",
        r#"{"model":"good-1"}"#,
        OUT,
    ),
    (
        "J-24",
        "/v1/chat/completions?model=good-1",
        r#"{"model":"bad-1"}"#,
        OUT,
    ),
    (
        "J-25",
        "/openai/deployments/bad-1/chat/completions",
        r#"{"model":"good-1"}"#,
        OUT,
    ),
    (
        "J-25",
        "/openai/deployments/good-1/chat/completions",
        r#"{"model":"bad-1"}"#,
        OUT,
    ),
    (
        "J-26",
        "/v1/batches",
        r#"{"input_file_id":"f","model":"good-1"}"#,
        OUT,
    ),
    ("J-26", "/v1/files", r#"{"model":"good-1"}"#, OUT),
    (
        "J-22",
        "/v1/messages",
        r#"{"model":"good-1","fallbacks":[{"model":"bad-1"}]}"#,
        OUT,
    ),
    (
        "J-22",
        "/v1/messages",
        r#"{"model":"good-1","fallbacks":"default"}"#,
        OUT,
    ),
];

#[test]
fn a_body_with_more_than_one_reading_is_refused() {
    Range::in_both_settings(|range| {
        for (id, body, statuses) in AMBIGUOUS {
            let shown = format!("{id} {}", String::from_utf8_lossy(body));
            range.judge_at_every_split(&Attempt::chat(&shown, body), statuses);
        }
    });
}

#[test]
fn a_body_in_another_encoding_is_refused() {
    Range::in_both_settings(|range| {
        let text = r#"{"model":"good-1"}"#;
        let wide =
            |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<_>>();
        let wider =
            |order: fn(u32) -> [u8; 4]| text.chars().map(u32::from).flat_map(order).collect();
        let bodies: [Vec<u8>; 6] = [
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
            [b"\xff\xfe".to_vec(), wide(u16::to_le_bytes)].concat(),
            [b"\xfe\xff".to_vec(), wide(u16::to_be_bytes)].concat(),
            wider(u32::to_le_bytes),
            wider(u32::to_be_bytes),
        ];
        for body in &bodies {
            range.judge_at_every_split(&Attempt::chat("J-17 wide", body), BAD);
        }
    });
}

#[test]
fn every_place_that_can_name_a_model_counts() {
    Range::in_both_settings(|range| {
        for (id, body, statuses) in PLACES {
            range.judge_at_every_split(&Attempt::chat(&format!("{id} {body}"), body), statuses);
        }
        for (id, path, body, statuses) in ENDPOINTS {
            let id = format!("{id} {path} {body}");
            range.judge_at_every_split(&Attempt::post(&id, path, body), statuses);
        }
    });
}

#[test]
fn a_body_that_is_out_of_proportion_costs_no_more_than_its_length() {
    Range::in_both_settings(|range| {
        let filler = |count: usize| "x".repeat(count);
        let members: String = (0..100_000).map(|n| format!("\"k{n}\":0,")).collect();
        let deep = |count: usize| format!("{{\"x\":{}{}", "[".repeat(count), "]".repeat(count));
        let nested = format!("{{\"a\":{}", "{\"b\":".repeat(10_000));
        let spaces = " ".repeat(65_536);
        let escapes = "\\u0041".repeat(500_000);
        let cases: Vec<(&str, String, &[u16])> = vec![
            ("J-12", "[".repeat(100_000), BAD),
            ("J-12", format!("{nested}1,\"model\":\"good-1\""), BAD),
            ("J-12", format!("{},\"model\":\"bad-1\"}}", deep(60)), OUT),
            ("J-12", format!("{},\"model\":\"good-1\"}}", deep(500)), BAD),
            ("J-16", format!("{{\"model\":\"good-1\"}}{spaces}"), PASSES),
            (
                "J-21",
                format!("{{\"m\":\"{}\",\"model\":\"good-1\"}}", filler(1_048_576)),
                PASSES,
            ),
            (
                "J-21",
                format!("{{\"m\":\"{}\",\"model\":\"bad-1\"}}", filler(1_048_576)),
                OUT,
            ),
            ("J-33", format!("{{{members}\"model\":\"bad-1\"}}"), OUT),
            ("J-33", format!("{{{members}\"model\":\"good-1\"}}"), PASSES),
            (
                "J-34",
                format!("{{\"model\":\"good-1\",\"m\":\"{escapes}\"}}"),
                PASSES,
            ),
            (
                "J-28",
                format!("{{\"model\":\"good-{}\"}}", filler(65_536)),
                EITHER,
            ),
        ];
        for (id, body, statuses) in &cases {
            range.judge(&Attempt::chat(id, body), statuses);
        }
        for before in [1, 65_535, 65_536, 65_537, LIMIT - 100] {
            for (name, statuses) in [("good-1", PASSES), ("bad-1", OUT)] {
                let body = format!("{{\"m\":\"{}\",\"model\":\"{name}\"}}", filler(before));
                range.judge(&Attempt::post("J-21", "/v1/embeddings", body), statuses);
            }
        }
        let numbers = format!("[1e4096,-0,{}]", "9".repeat(10_000));
        let body = format!("{{\"model\":\"good-1\",\"n\":{numbers}}}");
        range.judge(&Attempt::post("J-20", "/v1/embeddings", body), PASSES);
    });
}

#[test]
fn a_body_that_a_request_should_not_have_chooses_nothing() {
    Range::in_both_settings(|range| {
        let bad = r#"{"model":"bad-1"}"#;
        let with_body = |method, path| Attempt {
            method,
            ..Attempt::post(&format!("J-32 {method}"), path, bad)
        };
        range.judge(&with_body("GET", "/v1/models"), &[200, 400, 403]);
        range.judge(&with_body("GET", "/v1/models/bad-1"), &[404]);
        range.judge(&with_body("DELETE", "/v1/models/bad-1"), &[403, 404]);
        range.judge(&with_body("GET", "/v1/chat/completions"), OUT);
    });
}

#[test]
fn a_pattern_is_a_prefix_and_no_more() {
    let range = Range::start();
    for pattern in ["*".repeat(1_000), "a*".repeat(500), "*-1".to_owned()] {
        let wanted = serde_json::json!({
            "account": "demo", "region": "local", "name": "J-28", "scope": {"models": [pattern]},
        });
        let path = "/v1/keys?allow_unlisted=true";
        let (status, told) = range.admin.call("POST", path, Some(&wanted));
        assert_eq!(status, 422, "J-28: {told}");
    }
    range.end();
}
