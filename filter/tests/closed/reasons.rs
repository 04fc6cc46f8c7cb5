//! What a refusal is about is named in it: the member, the form field, the query parameter, the path.
//!
//! Does not test what is refused. Invariant: a text that a client chose stands there without
//! credentials, and cut.

use crate::support::form::{content_type, form};
use crate::support::{Rig, key, names, record};
use keytable::Record;

const CHAT: &str = "/v1/chat/completions";

fn rig() -> Rig {
    let limited = Record {
        scope: names(&["good-1"]),
        ..record(1)
    };
    Rig::with(&[limited])
}

/// Status and message for a body.
fn told(path: &str, content_type: &str, body: &str) -> (u16, String) {
    let rig = rig();
    let request = rig
        .post()
        .with(":path", path)
        .with("content-type", content_type);
    let exchange = request.bearer(1).send(&[body.as_bytes()]);
    (exchange.answered(), exchange.told())
}

fn says(path: &str, body: &str, status: u16, place: &str) {
    let (answered, told) = told(path, "application/json", body);
    assert_eq!(answered, status, "{body}: {told}");
    assert!(told.contains(place), "{body}: {told}");
}

#[test]
fn a_member_that_chooses_what_cannot_be_seen_is_named() {
    let cases = [
        (
            "/v1/responses",
            r#"{"model":"good-1","prompt":{"id":"pmpt_1"}}"#,
            "`prompt`",
        ),
        (
            CHAT,
            r#"{"model":"good-1","user_config":{}}"#,
            "`user_config`",
        ),
        (
            CHAT,
            r#"{"model":"good-1","tensorzero::extra_body":[{"pointer":"/model","value":"bad-1"}]}"#,
            "`tensorzero::extra_body`",
        ),
        (
            CHAT,
            r#"{"model":"good-1","plugins":[{"preset":"fast"}]}"#,
            "`plugins[].preset`",
        ),
        (
            CHAT,
            r#"{"model":"good-1","x":{"prompt_id":7}}"#,
            "`x.prompt_id`",
        ),
        (
            "/v1/messages",
            r#"{"model":"good-1","fallbacks":"default"}"#,
            "`fallbacks`",
        ),
        (
            "/v1/realtime/client_secrets",
            r#"{"session":{"model":"good-1","prompt":{"id":"p"}}}"#,
            "`session.prompt`",
        ),
    ];
    for (path, body, place) in cases {
        says(path, body, 403, place);
    }
    // Nothing is named where something stored would choose: the place to name a model is.
    says("/v1/realtime/client_secrets", "{}", 403, "`session.model`");
    says("/v1/responses", "{}", 403, "`model`");
}

#[test]
fn a_member_that_can_be_read_in_two_ways_is_named() {
    let cases = [
        (r#"{"model":"good-1","Model":"good-1"}"#, "(`Model`)"),
        (r#"{"model":7}"#, "(`model`)"),
        (
            r#"{"model":"good-1","tools":[{"model":"a","model":"b"}]}"#,
            "(`tools[].model`)",
        ),
        (r#"{"model":"good-1","fallbacks":{"a":1}}"#, "(`fallbacks`)"),
        (
            r#"{"model":"good-1","fallbacks":[{"x":1}]}"#,
            "(`fallbacks[]`)",
        ),
        (
            r#"{"model":"good-1","image_loras":[{"path":"p"}]}"#,
            "(`image_loras[]`)",
        ),
        (r#"{"model":" "}"#, "(`model`)"),
    ];
    for (body, place) in cases {
        let body = body.replace("\"a\"", "\"good-1\"");
        says(CHAT, &body, 400, place);
    }
    let batch = r#"{"requests":[{"params":{"model":"good-1"}},{"params":{}}]}"#;
    says("/v1/messages/batches", batch, 400, "(`requests[].params`)");
}

#[test]
fn a_field_or_parameter_is_named() {
    let path = "/v1/audio/transcriptions";
    for (fields, place) in [
        (
            &[("model", "good-1"), ("model", "good-1")][..],
            "the form field `model`",
        ),
        (&[("Model", "good-1")], "the form field `Model`"),
        (
            &[("model", "good-1"), ("preset", "fast")],
            "the form field `preset`",
        ),
        (
            &[("model", "good-1"), ("config", r#"{"preset":"fast"}"#)],
            "`config.preset` in the form field `config`",
        ),
        (
            &[("model", "good-1"), ("config", "{")],
            "the form field `config`",
        ),
    ] {
        let (status, told) = told(path, &content_type(), &form(fields));
        assert!([400, 403].contains(&status), "{told}");
        assert!(told.contains(place), "{told}");
    }
    for (query, place) in [
        ("model=good-1&model=good-1", "the query parameter `model`"),
        ("Model=good-1", "the query parameter `Model`"),
        ("preset=fast", "the query parameter `preset`"),
        ("model_id=%ff", "the query parameter `model_id`"),
    ] {
        says(
            &format!("{CHAT}?{query}"),
            r#"{"model":"good-1"}"#,
            400,
            place,
        );
    }
}

#[test]
fn what_a_client_calls_a_member_is_told_without_a_key() {
    let key = key(3);
    let body = format!(r#"{{"model":"good-1","{key}":{{"preset":"fast"}}}}"#);
    let (status, told) = told(CHAT, "application/json", &body);
    assert_eq!(status, 403, "{told}");
    assert!(
        !told.contains(&key) && told.contains("(redacted)"),
        "{told}"
    );
    let long = "x".repeat(400);
    let body = format!(r#"{{"model":"good-1","{long}":{{"preset":"fast"}}}}"#);
    let (_, told) = self::told(CHAT, "application/json", &body);
    assert!(told.len() < 600, "{told}");
}
