//! What a key for everything calls is seen in passing: for usage alone, and never at a request's
//! expense.

use filter::gate::Flow;

use crate::support::{Call, Rig, record};

/// What one request of an unrestricted key is counted as.
fn counted(rig: &Rig, call: &str, content_type: &str, chunks: &[&[u8]]) -> String {
    let request = rig.post().call(call).with("content-type", content_type);
    let mut exchange = request.bearer(1).send(chunks);
    exchange.end();
    assert_eq!(exchange.status(), 200, "{call}");
    assert_eq!(exchange.upstream, chunks.concat(), "{call}");
    let rows = rig.counted();
    let [(resource, 1)] = rows.as_slice() else {
        panic!("{call}: {rows:?}");
    };
    resource.clone()
}

fn counted_json(rig: &Rig, chunks: &[&[u8]]) -> String {
    counted(rig, "POST /v1/chat/completions", "application/json", chunks)
}

#[test]
fn the_first_piece_of_a_body_tells_its_model() {
    let rig = Rig::with(&[record(1)]);
    let late = format!(
        r#"{{"messages":"{}","model":"glm-5.1"}}"#,
        "x".repeat(60_000)
    );
    for body in [
        r#"{"model":"glm-5.1"}"#,
        r#"{"model":"glm-5.1","model":"other"}"#,
        r#"{"model":"glm-5.1" no JSON at all"#,
        &late,
    ] {
        assert_eq!(counted_json(&rig, &[body.as_bytes()]), "glm-5.1", "{body}");
    }
    let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nglm-5.1\r\n--b--\r\n";
    let path = "POST /v1/audio/transcriptions";
    let form = counted(
        &rig,
        path,
        "multipart/form-data; boundary=b",
        &[form.as_bytes()],
    );
    assert_eq!(form, "glm-5.1");
}

#[test]
fn path_query_and_endpoint_tell_it_without_a_body() {
    let rig = Rig::with(&[record(1)]);
    for (call, resource) in [
        ("POST /v1beta/models/glm-5.1:generateContent", "glm-5.1"),
        ("POST /v1/chat/completions?model=glm-5.1", "glm-5.1"),
        ("POST /v1/files", "@files"),
        ("POST /next/new/api", ""),
        ("POST /v1beta/models/../x:generateContent", ""),
    ] {
        assert_eq!(
            counted(&rig, call, "text/plain", &[b"any"]),
            resource,
            "{call}"
        );
    }
}

#[test]
fn what_cannot_be_seen_at_once_is_counted_without_a_name() {
    let rig = Rig::with(&[record(1)]);
    let far = format!(
        r#"{{"messages":"{}","model":"glm-5.1"}}"#,
        "x".repeat(70_000)
    );
    for chunks in [
        &[b"{\"messages\":1,".as_slice(), b"\"model\":\"glm-5.1\"}"][..],
        &[far.as_bytes()],
        &[b"no JSON \xff"],
        &[b"{\"model\":1}"],
        &[b"{\"model\":\" odd \"}"],
        &[],
    ] {
        assert_eq!(counted_json(&rig, chunks), "");
    }
}

#[test]
fn nothing_is_held_and_nothing_fails_because_of_it() {
    let rig = Rig::with(&[record(1)]);
    let mut exchange = rig.post().bearer(1);
    assert_eq!(exchange.headers(false), Flow::Continue);
    exchange.host.fail(Call::Body);
    assert_eq!(
        exchange.chunk(b"{\"model\":\"glm-5.1\"}", false),
        Flow::Continue
    );
    assert_eq!(exchange.chunk(b"more", true), Flow::Continue);
    exchange.end();
    exchange.host.heal();
    assert_eq!(rig.counted(), [(String::new(), 1)]);
    assert_eq!(exchange.seen("x-latchkey-model"), Vec::<String>::new());
}

#[test]
fn a_request_that_breaks_off_is_counted_too() {
    let rig = Rig::with(&[record(1)]);
    let mut exchange = rig.post().bearer(1);
    exchange.headers(false);
    exchange.end();
    assert_eq!(rig.counted(), [(String::new(), 1)]);
    exchange.end();
    assert_eq!(rig.counted(), [], "once");
}

#[test]
fn it_can_be_switched_off() {
    let rig = Rig::configured(&[record(1)], r#""observe_resources":false"#);
    assert_eq!(counted_json(&rig, &[b"{\"model\":\"glm-5.1\"}"]), "");
}
