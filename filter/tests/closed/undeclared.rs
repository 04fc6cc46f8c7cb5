//! JSON in the field of a form that no rule declares: some servers read it as a part of the request.
//!
//! Invariant: each attack has an honest twin that passes, and a text in brackets is a text.

use crate::support::form::{BOUNDARY, content_type, form, part};
use crate::support::{Rig, names, record};
use keytable::Record;

/// Endpoints that read a form for its `model`.
const PATHS: [&str; 4] = [
    "/v1/audio/transcriptions",
    "/v1/images/edits",
    "/v1/videos",
    "/openai/deployments/good-1/images/edits",
];

fn rig() -> Rig {
    let limited = Record {
        scope: names(&["good-1"]),
        ..record(1)
    };
    Rig::with(&[limited])
}

/// The answer, which is the same however the form was cut.
fn send(rig: &Rig, path: &str, body: &str) -> u16 {
    let answered = |chunks: &[&[u8]]| {
        let request = rig.post().with(":path", path);
        let request = request.with("content-type", content_type());
        request.bearer(1).send(chunks).answered()
    };
    let whole = answered(&[body.as_bytes()]);
    let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
    assert_eq!(answered(&bytes), whole, "byte by byte: {body}");
    whole
}

fn with_field(name: &str, value: &str) -> String {
    form(&[("model", "good-1"), (name, value)])
}

#[test]
fn what_json_in_a_field_chooses_is_judged() {
    let rig = rig();
    for path in PATHS {
        for text in [
            r##"{"model":"#"}"##,
            r##" {"a":{"b":[{"fallbacks":["#"]}]}}"##,
            "\u{feff}{\"model\":\"#\"}",
            "\r\n[{\"model\":\"#\"}]",
            r##"[["x"],{"deployment_id":"#"}]"##,
            r##"["x",{"lora":"#"}]"##,
            r##"{"models":{"#":{}}}"##,
        ] {
            for field in ["config", "extra_body", "options[]", "response_format", "x"] {
                let bad = with_field(field, &text.replace('#', "bad-1"));
                assert_ne!(send(&rig, path, &bad), 200, "{path} {bad}");
                let good = with_field(field, &text.replace('#', "good-1").replace('\u{feff}', ""));
                assert_eq!(send(&rig, path, &good), 200, "{path} {good}");
            }
        }
    }
}

#[test]
fn what_some_reader_takes_for_json_has_to_be_json() {
    let rig = rig();
    for text in [
        r#"{"a":NaN,"model":"bad-1"}"#,
        r#"{a:1,"model":"bad-1"}"#,
        r#"{"model":"bad-1",}"#,
        r#"{"model":"good-1"}{"model":"bad-1"}"#,
        r#"{"a":1},"model":"bad-1""#,
        r#"{"model":"good-1","model":"good-1"}"#,
        "{",
    ] {
        for field in ["config", "x"] {
            let bad = with_field(field, text);
            assert_ne!(send(&rig, PATHS[0], &bad), 200, "{bad}");
        }
    }
}

#[test]
fn json_in_a_field_does_not_stand_in_for_the_model() {
    let rig = rig();
    let decoy = form(&[("config", r#"{"model":"good-1"}"#)]);
    assert_eq!(send(&rig, PATHS[0], &decoy), 400);
}

#[test]
fn texts_files_and_schemas_are_none_of_it() {
    let rig = rig();
    for path in PATHS {
        for (field, text) in [
            (
                "prompt",
                "{masterpiece}, best quality, {\"model\": \"bad-1\"}",
            ),
            ("prompt", r#"{"model":"bad-1"}"#),
            ("metadata", r#"{"model":"bad-1"}"#),
            ("user", "[bot] {x}"),
            ("language", "en"),
            ("style", ""),
            (
                "chunking_strategy",
                r#"{"type":"server_vad","threshold":0.5}"#,
            ),
            (
                "response_format",
                r#"{"type":"json_schema","json_schema":{"schema":{"properties":{"model":{"type":"string"}}}}}"#,
            ),
            ("schema", r#"{"properties":{"model":{"enum":["bad-1"]}}}"#),
            ("include[]", "logprobs"),
        ] {
            let honest = with_field(field, text);
            assert_eq!(send(&rig, path, &honest), 200, "{path} {honest}");
        }
        let file = part(
            "name=\"config\"; filename=\"a.json\"",
            r#"{"model":"bad-1"}"#,
        );
        let model = part("name=\"model\"", "good-1");
        let honest = format!("{model}{file}--{BOUNDARY}--\r\n");
        assert_eq!(send(&rig, path, &honest), 200, "{path} {honest}");
    }
}
