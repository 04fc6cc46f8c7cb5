//! Every denial: its status, its code, what the client is told, and that nothing went on.

use crate::support::{Call, Exchange, FakeSidecar, Rig, key, list, record};
use keytable::{AddressList, Network, Record, Status};

/// Checks a refusal from all sides; gives its details for the access log.
fn refused(exchange: &Exchange, status: u16, code: &str) -> &'static str {
    assert_eq!(exchange.outcome(), (status, code.to_owned()));
    assert!(!exchange.is_complete && exchange.upstream.is_empty());
    assert!(!exchange.is_forwarded);
    let replies = exchange.host.replies.borrow();
    let reply = &replies[0];
    let state = exchange.host.filter_state.borrow();
    let denial = String::from_utf8(state["latchkey_denial"].clone()).unwrap();
    assert_eq!(format!("latchkey_{denial}"), reply.details);
    let text = String::from_utf8(reply.body.clone()).unwrap();
    for n in 0..4 {
        let secret = &key(n)[3..];
        assert!(!text.contains(secret), "the answer holds the key");
    }
    let has = |name, value| reply.headers.contains(&(name, value));
    assert!(has("content-type", "application/json") && has("cache-control", "no-store"));
    assert_eq!(has("www-authenticate", "Bearer"), status == 401);
    assert_eq!(
        has("x-should-retry", "false") && has("retry-after", "1"),
        status == 503
    );
    let body: serde_json::Value = serde_json::from_str(&text).unwrap();
    let kind = if status == 503 {
        "server_error"
    } else {
        "invalid_request_error"
    };
    assert_eq!(body["error"]["type"], kind);
    assert!(body["error"]["param"].is_null());
    reply.details
}

fn expired(n: usize) -> Record {
    Record {
        expires_at_unix_ms: Some(1),
        ..record(n)
    }
}

fn bound(n: usize) -> Record {
    let networks = vec![Network::parse("10.0.0.0/8").unwrap()];
    Record {
        addresses: AddressList::new(networks).unwrap(),
        ..record(n)
    }
}

fn limited(n: usize) -> Record {
    Record {
        scope: list(&["good-1"]),
        ..record(n)
    }
}

/// What a client did with its credential it may know; whether a key exists, it may not.
#[test]
fn requests_without_a_usable_key_say_what_is_wrong_with_the_request_alone() {
    let rig = Rig::with(&[record(1), record(2)]);
    let malformed = rig.post().header("authorization", "Bearer nonsense");
    let conflicting = rig.post().bearer(1).header("x-api-key", key(2));
    let cases = [
        (rig.post(), "latchkey_no_key"),
        (malformed, "latchkey_malformed_key"),
        (conflicting, "latchkey_conflicting_keys"),
        (rig.post().bearer(3), "latchkey_unknown_key"),
    ];
    let mut bodies = Vec::new();
    for (request, details) in cases {
        let exchange = request.send(&[b"{}"]);
        assert_eq!(refused(&exchange, 401, "invalid_api_key"), details);
        assert!(
            !exchange
                .host
                .filter_state
                .borrow()
                .contains_key("latchkey_key_id")
        );
        bodies.push(exchange.message());
    }
    let says = [
        "No API key was sent",
        "copied whole",
        "More than one",
        "Incorrect API key",
    ];
    for (body, says) in bodies.iter().zip(says) {
        assert!(body.contains(says), "{body}");
        assert!(body.contains("Authorization: Bearer <key>"), "{body}");
    }
}

#[test]
fn a_deleted_key_looks_like_one_that_never_was() {
    let mut rig = Rig::with(&[record(1), record(2)]);
    rig.change(|sidecar| sidecar.remove(&record(1).key_hash));
    let (deleted, unknown) = (
        rig.post().bearer(1).send_bodyless(),
        rig.post().bearer(3).send_bodyless(),
    );
    assert_eq!(
        refused(&deleted, 401, "invalid_api_key"),
        "latchkey_unknown_key"
    );
    assert_eq!(
        *deleted.host.replies.borrow(),
        *unknown.host.replies.borrow()
    );
}

#[test]
fn a_disabled_key() {
    let rig = Rig::with(&[Record {
        status: Status::Disabled,
        ..record(1)
    }]);
    let exchange = rig.post().bearer(1).send(&[b"{}"]);
    assert_eq!(
        refused(&exchange, 401, "api_key_disabled"),
        "latchkey_disabled"
    );
}

#[test]
fn an_expired_key() {
    let rig = Rig::with(&[expired(1)]);
    let exchange = rig.post().bearer(1).send(&[b"{}"]);
    assert_eq!(
        refused(&exchange, 401, "api_key_expired"),
        "latchkey_expired"
    );
}

#[test]
fn an_address_that_is_not_on_the_list() {
    let rig = Rig::with(&[bound(1)]);
    let exchange = rig.post().from("192.0.2.1:1").bearer(1).send(&[b"{}"]);
    assert_eq!(
        refused(&exchange, 403, "ip_not_allowed"),
        "latchkey_address"
    );
}

#[test]
fn a_model_out_of_scope_is_named() {
    let rig = Rig::with(&[limited(1)]);
    for model in [
        "bad-1",
        "GOOD-1",
        "good-1-x",
        "good",
        "gооd-1",
        "good-1,bad-1",
        "ft:good-1:org::id",
    ] {
        let body = format!(r#"{{"model":"{model}"}}"#);
        let exchange = rig.post().bearer(1).send(&[body.as_bytes()]);
        assert_eq!(refused(&exchange, 403, "model_not_found"), "latchkey_scope");
        assert!(
            exchange.message().contains(&format!("`{model}`")),
            "{}",
            exchange.message()
        );
        assert!(
            !exchange.message().contains("`good-1`"),
            "what is allowed is nobody's business"
        );
    }
}

#[test]
fn an_empty_list_allows_nothing() {
    let rig = Rig::with(&[Record {
        scope: list(&[]),
        ..record(1)
    }]);
    let exchange = rig.post().bearer(1).send(&[br#"{"model":"good-1"}"#]);
    refused(&exchange, 403, "model_not_found");
}

#[test]
fn an_endpoint_that_cannot_be_judged() {
    let rig = Rig::with(&[limited(1)]);
    for method in [
        "GET", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "post", "",
    ] {
        let exchange = rig
            .post()
            .with(":method", method)
            .bearer(1)
            .send(&[br#"{"model":"good-1"}"#]);
        assert_eq!(
            refused(&exchange, 403, "endpoint_not_allowed"),
            "latchkey_endpoint"
        );
    }
    let unknown = rig
        .post()
        .call("GET /v1/next/new?key=x")
        .bearer(1)
        .send_bodyless();
    refused(&unknown, 401, "invalid_api_key");
    let unknown = rig
        .post()
        .call("GET /v1/next/new?x=y")
        .bearer(1)
        .send_bodyless();
    refused(&unknown, 403, "endpoint_not_allowed");
    let says = "`GET /v1/next/new` is no endpoint that this gateway knows";
    assert!(unknown.message().starts_with(says), "{}", unknown.message());
    let ungranted = rig
        .post()
        .call("GET /v1/files/f?x=y")
        .bearer(1)
        .send_bodyless();
    refused(&ungranted, 403, "endpoint_not_allowed");
    let says = "may not call `GET /v1/files/f`";
    assert!(
        ungranted.message().contains(says),
        "{}",
        ungranted.message()
    );
    assert!(
        !ungranted.message().contains("@files"),
        "what would open it is nobody's business"
    );
    let upgrade = rig
        .post()
        .header("upgrade", "WebSocket")
        .bearer(1)
        .send_bodyless();
    refused(&upgrade, 403, "endpoint_not_allowed");
    let overridden = rig
        .post()
        .with(":method", "GET")
        .header("x-http-method-override", "POST");
    refused(
        &overridden.bearer(1).send_bodyless(),
        403,
        "endpoint_not_allowed",
    );
}

#[test]
fn a_body_of_another_type_or_encoding() {
    let rig = Rig::with(&[limited(1)]);
    let typed = rig
        .post()
        .with("content-type", "text/plain")
        .bearer(1)
        .send(&[b"{}"]);
    assert_eq!(
        refused(&typed, 415, "unsupported_content_type"),
        "latchkey_body_type"
    );
    let encoded = rig
        .post()
        .header("content-encoding", "gzip")
        .bearer(1)
        .send(&[b"{}"]);
    assert_eq!(
        refused(&encoded, 415, "unsupported_content_encoding"),
        "latchkey_body_encoding"
    );
}

#[test]
fn a_body_that_is_ambiguous_or_malformed() {
    let rig = Rig::with(&[limited(1)]);
    let bodies: [&[u8]; 12] = [
        br#"{"model":"good-1","model":"good-1"}"#,
        br#"{"model":"good-1","MODEL":"good-1"}"#,
        br#"{"model":"good-1"}{"model":"bad-1"}"#,
        br#"{"model":["good-1"]}"#,
        br#"{"model":""}"#,
        br#"{"messages":[]}"#,
        br#"{"model":"good-1""#,
        br#"[{"model":"good-1"}]"#,
        b"\xef\xbb\xbf{\"model\":\"good-1\"}",
        b"{\"model\":\"good-1\",\"x\":\"\xff\"}",
        b"model=good-1",
        b"",
    ];
    for body in bodies {
        let exchange = rig
            .post()
            .bearer(1)
            .header("content-length", body.len().to_string());
        let exchange = exchange.send(&[body]);
        assert_eq!(
            refused(&exchange, 400, "invalid_request_body"),
            "latchkey_body"
        );
        assert!(exchange.message().starts_with("The request is refused: "));
    }
    let bodyless = rig.post().bearer(1).send_bodyless();
    refused(&bodyless, 400, "invalid_request_body");
}

#[test]
fn a_body_that_names_no_model_within_the_limit() {
    let rig = Rig::with(&[limited(1)]);
    let filler = format!(r#"{{"x":"{}","#, "x".repeat(5000));
    let exchange = rig.post().bearer(1).send(&[filler.as_bytes()]);
    assert_eq!(
        refused(&exchange, 413, "request_too_large"),
        "latchkey_body_size"
    );
}

#[test]
fn no_table_yet() {
    let rig = Rig::cold(FakeSidecar::with(&[record(1)]));
    let exchange = rig.post().bearer(1).send(&[b"{}"]);
    assert_eq!(
        refused(&exchange, 503, "key_table_unavailable"),
        "latchkey_no_table"
    );
    let anonymous = rig.post().send_bodyless();
    refused(&anonymous, 503, "key_table_unavailable");
}

#[test]
fn a_lease_that_is_over() {
    let rig = Rig::with(&[record(1)]);
    rig.host.advance_ms(59_999);
    assert_eq!(rig.post().bearer(1).send_bodyless().status(), 200);
    rig.host.advance_ms(1);
    let exchange = rig.post().bearer(1).send_bodyless();
    assert_eq!(
        refused(&exchange, 503, "key_table_unavailable"),
        "latchkey_lease_over"
    );
}

#[test]
fn the_first_failing_check_is_the_answer() {
    let everything = Record {
        status: Status::Disabled,
        expires_at_unix_ms: Some(1),
        scope: list(&[]),
        ..bound(1)
    };
    let mut rig = Rig::with(std::slice::from_ref(&everything));
    let code = |rig: &Rig| {
        rig.post()
            .bearer(1)
            .send(&[br#"{"model":"m"}"#])
            .outcome()
            .1
    };
    assert_eq!(code(&rig), "api_key_disabled");
    let enabled = Record {
        status: Status::Enabled,
        ..everything
    };
    rig.change(|sidecar| sidecar.put(&enabled));
    assert_eq!(code(&rig), "api_key_expired");
    let lasting = Record {
        expires_at_unix_ms: None,
        ..enabled
    };
    rig.change(|sidecar| sidecar.put(&lasting));
    assert_eq!(code(&rig), "ip_not_allowed");
    rig.change(|sidecar| {
        sidecar.put(&Record {
            addresses: AddressList::default(),
            ..lasting
        })
    });
    assert_eq!(code(&rig), "model_not_found");
}

#[test]
fn nothing_goes_on_after_a_refusal() {
    let rig = Rig::with(&[limited(1)]);
    let mut exchange = rig.post().bearer(2);
    exchange.headers(false);
    exchange.chunk(br#"{"model":"good-1"}"#, false);
    exchange.chunk(b"", true);
    exchange.trailers();
    refused(&exchange, 401, "invalid_api_key");
    assert_eq!(exchange.host.body_reads.get(), 0);
}

#[test]
fn an_answer_that_cannot_be_sent_is_logged_and_nothing_goes_on() {
    let rig = Rig::with(&[limited(1)]);
    rig.host.fail(Call::Reply);
    let mut exchange = rig.post();
    exchange.headers(false);
    exchange.chunk(br#"{"model":"good-1"}"#, true);
    assert!(!exchange.is_forwarded);
    assert!(
        rig.host
            .shared
            .log
            .borrow()
            .iter()
            .any(|line| line.contains("latchkey_no_key"))
    );
}

#[test]
fn a_long_or_odd_name_is_cut_in_the_answer() {
    let rig = Rig::with(&[limited(1)]);
    let name = "é".repeat(128);
    let body = format!(r#"{{"model":"{name}"}}"#);
    let exchange = rig.post().bearer(1).send(&[body.as_bytes()]);
    refused(&exchange, 403, "model_not_found");
    assert!(exchange.message().contains(&name));
    let body = br#"{"model":"</script>\"\\"}"#;
    let exchange = rig.post().bearer(1).send(&[body]);
    assert!(exchange.message().contains(r#"`</script>"\`"#));
}

/// The id that the access log has, in a header and where a family's shape has one.
#[test]
fn a_refusal_has_the_id_of_its_request() {
    let rig = Rig::with(&[limited(1)]);
    let ids = |exchange: &Exchange| {
        let replies = exchange.host.replies.borrow();
        let pairs: Vec<_> = replies[0].pairs().collect();
        let ids = pairs.iter().filter(|(_, value)| *value == "id-1");
        let named: Vec<_> = ids.map(|(name, _)| (*name).to_owned()).collect();
        let body: serde_json::Value = serde_json::from_slice(&replies[0].body).unwrap();
        let told = [&body["request_id"], &body["error"]["request_id"]];
        let told = told.iter().any(|id| *id == "id-1");
        let state = exchange.host.filter_state.borrow();
        assert_eq!(state["latchkey_request_id"], b"id-1");
        (named, told)
    };
    let asked = |call: &str| {
        let request = rig.post().call(call).header("x-request-id", "id-1");
        request.send_bodyless()
    };
    let all = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    for (call, names, told) in [
        ("POST /v1/chat/completions", all(&["x-request-id"]), false),
        (
            "POST /v1/messages",
            all(&["x-request-id", "request-id"]),
            true,
        ),
        ("POST /v1/api/image/submit", all(&["x-request-id"]), true),
        ("POST /api/v1/services/x", all(&["x-request-id"]), true),
        (
            "POST /model/m/converse",
            all(&["x-request-id", "x-amzn-requestid"]),
            false,
        ),
    ] {
        assert_eq!(ids(&asked(call)), (names, told), "{call}");
    }
    let body = br#"{"model":"bad-1"}"#;
    let request = rig.post().header("x-request-id", "id-1").bearer(1);
    let read = request.send(&[body]);
    assert_eq!(ids(&read).0, ["x-request-id"]);
    for odd in ["", "with blank", &"x".repeat(129), &key(1), "é"] {
        let exchange = rig.post().header("x-request-id", odd).send_bodyless();
        let replies = exchange.host.replies.borrow();
        let has = replies[0].pairs().any(|(name, value)| {
            name == "x-request-id" && (value == odd || value.contains(&key(1)))
        });
        assert!(!has, "{odd}");
    }
}
