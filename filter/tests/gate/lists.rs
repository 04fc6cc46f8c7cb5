//! Lists of models show what the key may use and nothing else, or are withheld.

use crate::support::{Exchange, Rig, names, record};
use keytable::Record;
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");
const OK: (&str, &str) = (":status", "200");

fn rig() -> Rig {
    let limited = Record {
        scope: names(&["good-1", "family-*", "llama", "ep-1"]),
        ..record(1)
    };
    Rig::with(&[limited, record(2)])
}

fn asked(rig: &Rig, path: &str) -> Exchange {
    let request = rig.post().call(&format!("GET {path}")).bearer(1);
    let exchange = request.send_bodyless();
    assert_eq!(exchange.answered(), 200);
    exchange
}

/// What the client gets, which is the same in whatever pieces the answer comes.
fn shown(path: &str, list: &Value) -> Value {
    let rig = rig();
    let body = list.to_string();
    let whole = asked(&rig, path).answer(&[OK, JSON], &[body.as_bytes()]);
    let pieces: Vec<&[u8]> = body.as_bytes().chunks(7).chain([b"".as_slice()]).collect();
    assert_eq!(asked(&rig, path).answer(&[OK, JSON], &pieces), whole);
    serde_json::from_slice(&whole).unwrap()
}

/// The list is withheld: 502 in the family's words, and no byte of the upstream's.
fn withheld(headers: &[(&str, &str)], chunks: &[&[u8]]) {
    let rig = rig();
    let mut exchange = asked(&rig, "/v1/models");
    let client = exchange.answer(headers, chunks);
    assert!(client.is_empty(), "{}", client.escape_ascii());
    let replies = exchange.host.replies.borrow();
    assert_eq!(replies.len(), 1);
    assert_eq!(
        (replies[0].status, replies[0].details),
        (502, "latchkey_list")
    );
}

#[test]
fn openais_shape() {
    let list = json!({"object": "list", "data": [
        {"id": "good-1", "object": "model"}, {"id": "bad-1"}, {"id": "family-7"}, {"id": "family-"},
        {"id": "ep-1"}, {"id": 1}, {"object": "model"}, "bad-1", null]});
    let wanted = json!({"object": "list", "data": [
        {"id": "good-1", "object": "model"}, {"id": "family-7"}, {"id": "ep-1"}]});
    assert_eq!(shown("/v1/models", &list), wanted);
}

#[test]
fn anthropics_shape_with_its_cursors() {
    let list = json!({"data": [{"id": "bad-0"}, {"id": "good-1"}, {"id": "family-7"}, {"id": "bad-9"}],
        "first_id": "bad-0", "last_id": "bad-9", "has_more": true});
    let wanted = json!({"data": [{"id": "good-1"}, {"id": "family-7"}],
        "first_id": "good-1", "last_id": "family-7", "has_more": true});
    assert_eq!(shown("/v1/models", &list), wanted);
    let list = json!({"data": [{"id": "bad-0"}], "first_id": "bad-0", "last_id": "bad-0", "has_more": false});
    let wanted = json!({"data": [], "first_id": null, "last_id": null, "has_more": false});
    assert_eq!(shown("/v1/models", &list), wanted);
}

#[test]
fn paging_goes_on_behind_a_page_of_which_nothing_is_left() {
    let list = json!({"data": [{"id": "bad-0"}, {"id": "bad-9"}],
        "first_id": "bad-0", "last_id": "bad-9", "has_more": true});
    let wanted = json!({"data": [], "first_id": "bad-0", "last_id": "bad-9", "has_more": true});
    assert_eq!(shown("/v1/models", &list), wanted);
}

/// Official SDKs stop at an empty page, so an Anthropic client's page is the largest there is.
#[test]
fn an_anthropic_client_is_given_the_largest_page() {
    let rig = rig();
    let asked = |path: &str, version: &str| {
        let request = rig.post().call(&format!("GET {path}")).bearer(1);
        let exchange = request.header(version, "2023-06-01").send_bodyless();
        exchange.seen(":path").remove(0)
    };
    for (path, wanted) in [
        ("/v1/models", "/v1/models?limit=1000"),
        ("/v1/models?limit=1", "/v1/models?limit=1000"),
        (
            "/v1/models?limit=20&after_id=x&beta=true",
            "/v1/models?after_id=x&beta=true&limit=1000",
        ),
        (
            "/anthropic/v1/models?after_id=limit=1",
            "/anthropic/v1/models?after_id=limit=1&limit=1000",
        ),
    ] {
        assert_eq!(asked(path, "anthropic-version"), wanted);
    }
    assert_eq!(asked("/v1/models?limit=1", "x-other"), "/v1/models?limit=1");
}

#[test]
fn what_an_element_says_of_other_models_is_in_scope_too() {
    let list = json!({"data": [
        {"id": "good-1", "root": "bad-1", "parent": "bad-2", "object": "model", "max_model_len": 9},
        {"id": "family-7", "root": "good-1", "parent": null, "aliases": ["good-1", "bad-1"],
            "base_model": "bad-1", "details": {"parent_model": "bad-1", "family": "x"}}]});
    let wanted = json!({"data": [
        {"id": "good-1", "object": "model", "max_model_len": 9},
        {"id": "family-7", "root": "good-1", "parent": null, "aliases": ["good-1"],
            "details": {"family": "x"}}]});
    assert_eq!(shown("/v1/models", &list), wanted);
    let list = json!({"models": [{"name": "llama:latest", "model": "llama:latest",
        "details": {"parent_model": "", "format": "gguf"}}]});
    assert_eq!(shown("/api/tags", &list), list);
}

#[test]
fn geminis_shape_on_its_own_path_and_on_the_shared_one() {
    let list = json!({"models": [{"name": "models/good-1", "displayName": "bad-1"},
        {"name": "models/bad-1"}, {"name": "models/family-7"}], "nextPageToken": "x"});
    let wanted = json!({"models": [{"name": "models/good-1", "displayName": "bad-1"},
        {"name": "models/family-7"}], "nextPageToken": "x"});
    for path in ["/v1beta/models?pageSize=50", "/v1/models"] {
        assert_eq!(shown(path, &list), wanted);
    }
}

#[test]
fn coheres_shape() {
    let list = json!({"models": [{"name": "good-1", "endpoints": ["chat"]}, {"name": "bad-1"}]});
    let wanted = json!({"models": [{"name": "good-1", "endpoints": ["chat"]}]});
    assert_eq!(shown("/v1/models", &list), wanted);
}

#[test]
fn ollamas_shape() {
    let list = json!({"models": [{"name": "llama:latest", "model": "llama:latest"},
        {"name": "llama:latest", "model": "bad:latest"}, {"name": "llama:70b", "model": "llama:70b"},
        {"name": "good-1", "model": "good-1"}]});
    let wanted = json!({"models": [{"name": "llama:latest", "model": "llama:latest"},
        {"name": "good-1", "model": "good-1"}]});
    assert_eq!(shown("/api/tags", &list), wanted);
    let wanted = json!({"models": [{"name": "good-1", "model": "good-1"}]});
    assert_eq!(
        shown("/v1/models", &list),
        wanted,
        "elsewhere `:latest` is another name"
    );
}

#[test]
fn the_upstream_is_asked_for_an_answer_that_can_be_read() {
    let rig = rig();
    let request = rig
        .post()
        .call("GET /v1/models")
        .header("accept-encoding", "gzip, br");
    let mut exchange = request.bearer(1).send_bodyless();
    assert_eq!(exchange.seen("accept-encoding"), ["identity"]);
    let headers = [
        OK,
        JSON,
        ("content-length", "11"),
        ("etag", "\"x\""),
        ("content-encoding", "identity"),
    ];
    exchange.answer(&headers, &[br#"{"data":[]}"#]);
    let left: Vec<Vec<u8>> = exchange
        .host
        .response_headers
        .borrow()
        .iter()
        .map(|(n, _)| n.clone())
        .collect();
    assert_eq!(
        left,
        [b":status".as_slice(), b"content-type", b"content-encoding"]
    );
}

#[test]
fn a_key_for_everything_sees_the_answer_untouched() {
    let rig = rig();
    let request = rig
        .post()
        .call("GET /v1/models")
        .header("accept-encoding", "gzip");
    let mut exchange = request.bearer(2).send_bodyless();
    assert_eq!(exchange.seen("accept-encoding"), ["gzip"]);
    let client = exchange.answer(&[OK, ("content-encoding", "gzip")], &[b"\x1f\x8b", b"\0"]);
    assert_eq!(client, b"\x1f\x8b\0");
}

#[test]
fn answers_that_cannot_be_read_are_withheld() {
    let list = br#"{"data":[{"id":"bad-1"}]}"#.as_slice();
    for encoding in ["gzip", "br", "zstd", "identity, gzip", ""] {
        withheld(&[OK, JSON, ("content-encoding", encoding)], &[list]);
    }
    withheld(
        &[(":status", "206"), JSON, ("content-range", "bytes 0-1/2")],
        &[list],
    );
    withheld(&[(":status", "203"), JSON], &[list]);
    withheld(&[JSON], &[list]);
    let bodies: [&[u8]; 11] = [
        b"",
        b"<html>bad-1</html>",
        br#"["bad-1"]"#,
        br#"[{"id":"bad-1"}]"#,
        br#"{"object":"list","items":[{"id":"bad-1"}]}"#,
        br#"{"data":{"id":"bad-1"}}"#,
        br#"{"data":"bad-1"}"#,
        br#"{"data":[],"models":"bad-1"}"#,
        br#"{"data":[{"id":"bad-1"}]"#,
        br#"{"data":[]}{"data":[{"id":"bad-1"}]}"#,
        b"{\"data\":[{\"id\":\"\xff\"}]}",
    ];
    for body in bodies {
        withheld(&[OK, JSON], &[body]);
        withheld(&[OK, JSON], &[body, b""]);
    }
}

#[test]
fn a_list_beyond_the_limit_is_withheld() {
    let many: String = (0..100_000)
        .map(|n| format!("{{\"id\":\"bad-{n:036}\"}},"))
        .collect();
    let body = format!(r#"{{"data":[{many}{{"id":"good-1"}}]}}"#);
    assert!(body.len() > 4 * 1024 * 1024);
    let chunks: Vec<&[u8]> = body.as_bytes().chunks(65_536).collect();
    withheld(&[OK, JSON], &chunks);
}

#[test]
fn errors_and_redirections_of_the_upstream_pass() {
    let rig = rig();
    for status in ["301", "304", "400", "401", "404", "429", "500", "503"] {
        let mut exchange = asked(&rig, "/v1/models");
        let client = exchange.answer(&[(":status", status)], &[b"not", b" json"]);
        assert_eq!(client, b"not json", "{status}");
        assert!(!exchange.is_refused());
    }
}

#[test]
fn answers_without_a_body_pass() {
    let rig = rig();
    let mut exchange = rig.post().call("HEAD /v1/models").bearer(1).send_bodyless();
    assert_eq!(exchange.answered(), 200);
    assert!(
        exchange
            .answer(&[OK, JSON, ("content-length", "99")], &[])
            .is_empty()
    );
    assert!(!exchange.is_refused());
}

#[test]
fn a_list_is_cut_down_in_the_clients_family_of_errors() {
    let rig = rig();
    let google = crate::support::key(1);
    let request = rig
        .post()
        .call("GET /v1/models")
        .header("x-goog-api-key", google);
    let mut exchange = request.send_bodyless();
    exchange.answer(&[OK], &[b"x"]);
    let body: Value = serde_json::from_slice(&exchange.host.replies.borrow()[0].body).unwrap();
    assert_eq!(body["error"]["status"], "UNAVAILABLE");
}

/// A key's scope as of when the list is shown counts, not as of when it was asked for.
#[test]
fn a_scope_that_was_narrowed_while_the_upstream_thought_counts() {
    let mut rig = rig();
    let mut exchange = asked(&rig, "/v1/models");
    rig.change(|sidecar| {
        sidecar.put(&Record {
            scope: names(&["family-*"]),
            ..record(1)
        });
    });
    let list = json!({"data": [{"id": "good-1"}, {"id": "family-7"}]}).to_string();
    let client = exchange.answer(&[OK, JSON], &[list.as_bytes()]);
    let shown: Value = serde_json::from_slice(&client).unwrap();
    assert_eq!(shown, json!({"data": [{"id": "family-7"}]}));
}

/// Envoy's buffer may be smaller than a list: nothing of it is left there.
#[test]
fn a_list_is_not_held_in_envoys_buffer() {
    let rig = rig();
    let mut exchange = asked(&rig, "/v1/models");
    exchange.answer(&[OK, JSON], &[]);
    exchange.answer_head();
    for _ in 0..100 {
        exchange.answer_chunk(br#"{"data": ["#);
        assert!(exchange.host.response_body.borrow().is_empty());
    }
}

#[test]
fn trailers_release_no_list_but_the_one_in_scope() {
    let list = br#"{"data":[{"id":"bad-1"},{"id":"good-1"}]}"#.as_slice();
    let digest = [("digest", "sha-256=bad-1"), ("grpc-status", "0")];
    for chunks in [&[list][..], &[&list[..9], &list[9..]], &[list, b""]] {
        let rig = rig();
        let mut exchange = asked(&rig, "/v1/models");
        let client = exchange.answer_trailed(&[OK, JSON], chunks, &digest);
        assert_eq!(client, br#"{"data":[{"id":"good-1"}]}"#);
        assert!(exchange.host.response_trailers.borrow().is_empty());
    }
}

#[test]
fn trailers_release_no_list_that_cannot_be_read() {
    for chunks in [
        &[][..],
        &[b"".as_slice()],
        &[br#"{"items":["bad-1"]}"#],
        &[b"\x1f\x8b"],
    ] {
        let rig = rig();
        let mut exchange = asked(&rig, "/v1/models");
        let client = exchange.answer_trailed(&[OK, JSON], chunks, &[("x", "bad-1")]);
        assert!(client.is_empty(), "{}", client.escape_ascii());
        assert_eq!(exchange.host.replies.borrow()[0].status, 502);
    }
}

#[test]
fn trailers_of_what_is_no_list_pass() {
    let rig = rig();
    let trailers = [("grpc-status", "0"), ("x-checksum", "1")];
    let mut error = asked(&rig, "/v1/models");
    assert_eq!(
        error.answer_trailed(&[(":status", "500")], &[b"no"], &trailers),
        b"no"
    );
    let mut chat = rig.post().bearer(2).send(&[b"{}"]);
    assert_eq!(chat.answer_trailed(&[OK, JSON], &[b"{}"], &trailers), b"{}");
    for exchange in [error, chat] {
        assert_eq!(exchange.host.response_trailers.borrow().len(), 2);
    }
}
