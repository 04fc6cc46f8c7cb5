//! What each kind of endpoint asks of a list-scoped key, and what the gate's settings change.

use filter::gate::Flow;

use crate::support::form::content_type;
use crate::support::{Rig, form, list, names, record};
use keytable::Record;

fn rig_of(scope: &[&str], settings: &str) -> Rig {
    let limited = Record {
        scope: names(scope),
        ..record(1)
    };
    Rig::configured(&[limited], &format!(r#""hold_bytes_max":4096{settings}"#))
}

fn status(rig: &Rig, call: &str, body: &str) -> u16 {
    let request = rig.post().call(call).bearer(1);
    match body {
        "" => request.send_bodyless().answered(),
        body => request.send(&[body.as_bytes()]).answered(),
    }
}

#[test]
fn objects_are_granted_by_the_name_of_their_service() {
    let calls = [
        ("GET /v1/files", "@files"),
        ("DELETE /v1/files/file-1", "@files"),
        ("POST /v1/batches", "@batches"),
        ("GET /v1/responses/resp_1", "@responses"),
        ("POST /v1/vector_stores/vs_1/search", "@vector_stores"),
        ("GET /v1/organization/users", "@admin"),
        ("DELETE /api/delete", "@admin"),
        ("POST /mcp", "@mcp"),
    ];
    for (call, service) in calls {
        assert_eq!(
            status(&rig_of(&[service], ""), call, "any \0 body"),
            200,
            "{call}"
        );
        assert_eq!(status(&rig_of(&["@*"], ""), call, ""), 200, "{call}");
        for other in ["@file", "@filesx", "@FILES", "files", "@x*"] {
            let exchange = rig_of(&[other], "")
                .post()
                .call(call)
                .bearer(1)
                .send_bodyless();
            assert_eq!(exchange.answered(), 403, "{call} {other}");
            assert_eq!(
                exchange.host.replies.borrow()[0].details,
                "latchkey_endpoint"
            );
        }
    }
}

#[test]
fn websockets_need_the_service_and_every_model_they_name() {
    let upgrade = |scope: &[&str], path: &str| {
        let request = rig_of(scope, "")
            .post()
            .call(&format!("GET {path}"))
            .bearer(1);
        request
            .header("upgrade", "WebSocket")
            .send_bodyless()
            .answered()
    };
    let realtime = "/v1/realtime?model=good-1";
    assert_eq!(upgrade(&["@realtime", "good-1"], realtime), 200);
    assert_eq!(
        upgrade(&["good-1"], realtime),
        403,
        "frames may name another"
    );
    assert_eq!(upgrade(&["@realtime"], realtime), 403);
    assert_eq!(upgrade(&["@realtime", "good-1"], "/v1/responses"), 200);
    assert_eq!(upgrade(&["good-1"], "/v1/responses"), 403);
    assert_eq!(
        upgrade(&["@realtime", "good-1"], "/v1/chat/completions"),
        403
    );
    let rig = rig_of(&["@realtime", "good-1"], "");
    assert_eq!(
        status(&rig, &format!("GET {realtime}"), ""),
        403,
        "without an upgrade"
    );
    let connect = rig.post().call(&format!("CONNECT {realtime}")).bearer(1);
    assert_eq!(
        connect
            .header(":protocol", "websocket")
            .send_bodyless()
            .answered(),
        200
    );
    let connect = rig.post().call(&format!("CONNECT {realtime}")).bearer(1);
    assert_eq!(connect.send_bodyless().answered(), 403);
}

#[test]
fn open_endpoints_need_nothing() {
    let rig = rig_of(&[], "");
    for call in [
        "GET /api/version",
        "HEAD /api/version",
        "GET /health",
        "GET /info",
    ] {
        assert_eq!(status(&rig, call, ""), 200, "{call}");
    }
}

#[test]
fn an_item_out_of_scope_does_not_exist() {
    let rig = rig_of(&["good-1", "org/good"], "");
    assert_eq!(status(&rig, "GET /v1/models/good-1", ""), 200);
    assert_eq!(status(&rig, "GET /v1/models/org%2Fgood", ""), 200);
    for path in ["bad-1", "GOOD-1", "org%2Fbad", "org/bad/good-1"] {
        let request = rig.post().call(&format!("GET /v1/models/{path}")).bearer(1);
        let exchange = request.send_bodyless();
        assert_eq!(
            exchange.outcome(),
            (404, "model_not_found".to_owned()),
            "{path}"
        );
        assert!(exchange.message().contains("does not exist"));
    }
}

#[test]
fn an_item_that_a_body_names_is_read_there() {
    let rig = rig_of(&["good:latest"], "");
    assert_eq!(
        status(&rig, "POST /api/show", r#"{"model":"good:latest"}"#),
        200
    );
    assert_eq!(
        status(&rig, "POST /api/show", r#"{"verbose":true,"name":"good"}"#),
        200
    );
    assert_eq!(status(&rig, "POST /api/show", r#"{"model":"bad"}"#), 404);
    assert_eq!(
        status(&rig, "POST /api/show", r#"{"model":"good","name":"bad"}"#),
        404
    );
    assert_eq!(status(&rig, "POST /api/show", r#"{"model":1}"#), 400);
    assert_eq!(status(&rig, "POST /api/show", "{}"), 400);
    assert_eq!(status(&rig, "POST /api/show", ""), 400);
}

#[test]
fn a_request_that_names_nothing() {
    let rig = rig_of(&["good-1", "my-service"], "");
    assert_eq!(status(&rig, "POST /v1/chat/completions", "{}"), 400, "deny");
    assert_eq!(status(&rig, "POST /v1/responses", "{}"), 403, "indirect");
    assert_eq!(
        status(&rig, "POST /v1/responses", ""),
        403,
        "indirect, no body"
    );
    assert_eq!(
        status(&rig, "POST /v1/rerank", "{}"),
        400,
        "no service is configured"
    );
    let service = r#","locators":{"service":"my-service"}"#;
    let rig = rig_of(&["my-service"], service);
    assert_eq!(status(&rig, "POST /v1/rerank", "{}"), 200);
    assert_eq!(
        status(&rig, "POST /v1/moderations", "{}"),
        400,
        "the provider has a default of its own"
    );
    assert_eq!(status(&rig, "POST /embed", r#"{"inputs":"x"}"#), 200);
    assert_eq!(status(&rig, "POST /embed", ""), 200);
    assert_eq!(status(&rig, "POST /v1/rerank", r#"{"model":"bad-1"}"#), 403);
    assert_eq!(
        status(&rig, "POST /v1/chat/completions", "{}"),
        400,
        "deny all the same"
    );
    let rig = rig_of(&["good-1"], service);
    assert_eq!(status(&rig, "POST /v1/rerank", "{}"), 403);
    assert_eq!(
        status(&rig, "POST /v1/moderations", r#"{"model":"good-1"}"#),
        200
    );
}

#[test]
fn references_are_refused_whatever_else_is_named() {
    let rig = rig_of(&["good-1"], "");
    for (call, body) in [
        (
            "POST /v1/responses",
            r#"{"model":"good-1","prompt":{"id":"pmpt_1"}}"#,
        ),
        (
            "POST /v1/responses",
            r#"{"prompt":"pmpt_1","model":"good-1"}"#,
        ),
        (
            "POST /v1/threads/runs",
            r#"{"model":"good-1","assistant_id":"asst_1"}"#,
        ),
        ("POST /v1/agents/completions", r#"{"agent_id":"ag_1"}"#),
        (
            "POST /v1/messages",
            r#"{"model":"good-1","fallbacks":"default"}"#,
        ),
        (
            "POST /v1/messages/batches",
            r#"{"requests":[{"params":{"model":"good-1","fallbacks":"default"}}]}"#,
        ),
        (
            "POST /v1beta/models/good-1:generateContent",
            r#"{"cachedContent":"cachedContents/1"}"#,
        ),
        (
            "POST /v1beta/models/good-1:generateContent",
            r#"{"cached_content":"cachedContents/1"}"#,
        ),
        (
            "POST /v1beta/interactions",
            r#"{"model":"good-1","previous_interaction_id":"i_1"}"#,
        ),
        (
            "POST /v1/chat/completions",
            r#"{"model":"good-1","user_config":{"model_list":[]}}"#,
        ),
        (
            "POST /v1/chat/completions",
            r#"{"model":"good-1","router_settings_override":{}}"#,
        ),
    ] {
        assert_eq!(status(&rig, call, body), 403, "{body}");
        let null = body.replace(r#""default""#, "null");
        if null != body {
            assert_eq!(status(&rig, call, &null), 200, "{null}");
        }
    }
    assert_eq!(
        status(
            &rig,
            "POST /v1/responses",
            r#"{"model":"good-1","prompt":null}"#
        ),
        200
    );
}

#[test]
fn a_name_is_known_by_its_other_spellings() {
    let rig = rig_of(
        &[
            "gem",
            "models/mini",
            "anthropic/claude",
            "llama",
            "phi:latest",
        ],
        "",
    );
    for (call, body, expected) in [
        ("POST /v1beta/models/gem:generateContent", "{}", 200),
        ("POST /v1beta/models/mini:generateContent", "{}", 200),
        (
            "POST /v1beta/models/gem:countTokens",
            r#"{"generateContentRequest":{"model":"models/gem"}}"#,
            200,
        ),
        (
            "POST /v1beta/models/gem:countTokens",
            r#"{"generateContentRequest":{"model":"models/bad"}}"#,
            403,
        ),
        ("POST /v1beta/models/models/gem:generateContent", "{}", 200),
        (
            "POST /v1beta/models/models/models/gem:generateContent",
            "{}",
            403,
        ),
        ("POST /v1/publishers/google/models/gem:predict", "{}", 200),
        (
            "POST /v1/publishers/anthropic/models/claude:rawPredict",
            "{}",
            200,
        ),
        (
            "POST /v1/publishers/google/models/claude:rawPredict",
            "{}",
            403,
        ),
        (
            "POST /v1/publishers/anthropic/models/gem:rawPredict",
            "{}",
            403,
        ),
        ("POST /api/chat", r#"{"model":"llama"}"#, 200),
        ("POST /api/chat", r#"{"model":"llama:latest"}"#, 200),
        ("POST /api/chat", r#"{"model":"phi"}"#, 200),
        ("POST /api/chat", r#"{"model":"phi:latest"}"#, 200),
        ("POST /api/chat", r#"{"model":"llama:70b"}"#, 403),
        ("POST /v1/chat/completions", r#"{"model":"phi"}"#, 403),
        (
            "POST /v1/chat/completions",
            r#"{"model":"models/gem"}"#,
            403,
        ),
    ] {
        assert_eq!(status(&rig, call, body), expected, "{call} {body}");
    }
}

#[test]
fn the_upstream_is_told_the_name_as_it_was_sent() {
    let rig = rig_of(&["phi:latest", "@files", "good-1"], "");
    let model = |call: &str, body: &str| {
        let exchange = rig.post().call(call).bearer(1).send(&[body.as_bytes()]);
        assert_eq!(exchange.answered(), 200);
        exchange.seen("x-latchkey-model")
    };
    assert_eq!(model("POST /api/chat", r#"{"model":"phi"}"#), ["phi"]);
    assert_eq!(model("POST /v1/files?model=good-1", "x"), ["good-1"]);
    assert!(model("POST /v1/files", "x").is_empty());
}

#[test]
fn what_the_path_names_flows_and_is_cut_when_the_body_names_more() {
    let rig = rig_of(&["good-1"], "");
    let path = "/openai/deployments/good-1/chat/completions?api-version=1";
    let mut exchange = rig.post().with(":path", path).bearer(1);
    assert_eq!(exchange.headers(false), Flow::Continue);
    assert_eq!(exchange.chunk(br#"{"messages":[]"#, false), Flow::Continue);
    assert_eq!(exchange.chunk(br#","model":"bad-1"}"#, false), Flow::Hold);
    assert_eq!(exchange.answered(), 403);
    assert_eq!(exchange.upstream, br#"{"messages":[]"#);
}

#[test]
fn a_whole_body_is_held_if_the_configuration_says_so() {
    let rig = rig_of(&["good-1"], r#","hold_whole_body":true"#);
    let deployment = "/openai/deployments/good-1/chat/completions";
    for path in [
        "/v1/chat/completions",
        deployment,
        "/v1/chat/completions?model=good-1",
    ] {
        let mut exchange = rig.post().with(":path", path).bearer(1);
        assert_eq!(exchange.headers(false), Flow::Hold, "{path}");
        assert_eq!(exchange.chunk(br#"{"model":"good-1","#, false), Flow::Hold);
        assert_eq!(exchange.chunk(br#""x":1}"#, false), Flow::Hold);
        assert!(exchange.upstream.is_empty());
        assert_eq!(exchange.chunk(b"", true), Flow::Continue);
        assert_eq!(exchange.answered(), 200);
        assert_eq!(exchange.upstream, br#"{"model":"good-1","x":1}"#);
        assert_eq!(exchange.seen("x-latchkey-model"), ["good-1"]);
        let late = rig.post().with(":path", path).bearer(1);
        let late = late.send(&[br#"{"model":"good-1","#, br#""models":["bad-1"]}"#]);
        assert_eq!(late.answered(), 403);
        assert!(!late.is_forwarded && late.upstream.is_empty());
        let long = format!(r#"{{"model":"good-1","x":"{}"#, "x".repeat(5000));
        let long = rig
            .post()
            .with(":path", path)
            .bearer(1)
            .send(&[long.as_bytes()]);
        assert_eq!(long.answered(), 413);
    }
    let mut exchange = rig.post().bearer(1);
    exchange.headers(false);
    exchange.chunk(br#"{"model":"good-1"}"#, false);
    assert_eq!(exchange.trailers(), Flow::Continue);
    assert_eq!(exchange.answered(), 200);
}

#[test]
fn unknown_endpoints_can_be_closed_to_every_key() {
    let unknown = ["POST /v1/next/new/api", "GET /", "PUT /v1/chat/completions"];
    let known = [
        "POST /v1/chat/completions",
        "GET /v1/files",
        "GET /v1/models",
    ];
    for (settings, expected) in [
        (r#""unknown_endpoint":"deny""#, 403),
        (r#""unknown_endpoint":"allow""#, 200),
        (r#""hold_bytes_max":1"#, 200),
    ] {
        let rig = Rig::configured(&[record(1)], settings);
        for call in unknown {
            assert_eq!(status(&rig, call, "x"), expected, "{settings} {call}");
        }
        for call in known {
            assert_eq!(status(&rig, call, "no json"), 200, "{settings} {call}");
        }
    }
}

#[test]
fn headers_of_other_gateways_are_taken_out_for_every_key() {
    let foreign = [
        "x-ai-eg-model",
        "x-ai-eg-original-path",
        "x-latchkey-model",
        "x-latchkey-account",
        "x-latchkey-anything",
        "x-litellm-model",
        "x-litellm-api-key",
        "x-higress-llm-model",
        "x-mse-consumer",
        "x-gateway-model-name",
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
    ];
    let limited = Record {
        scope: list(&["good-1"]),
        ..record(2)
    };
    let rig = Rig::with(&[record(1), limited]);
    for (n, model) in [(1, None), (2, Some("good-1"))] {
        let request = foreign
            .iter()
            .fold(rig.post(), |request, name| request.header(name, "bad-1"));
        let exchange = request.bearer(n).send(&[br#"{"model":"good-1"}"#]);
        assert_eq!(exchange.answered(), 200);
        for name in foreign {
            let ours = match name {
                "x-latchkey-account" => Some("demo"),
                "x-latchkey-model" => model,
                _ => None,
            };
            assert_eq!(exchange.seen(name), Vec::from_iter(ours), "{name}");
        }
    }
}

#[test]
fn a_body_is_read_as_what_it_is_declared() {
    let rig = rig_of(&["good-1"], "");
    let send = |path: &str, kind: &str, body: &str| {
        let request = rig
            .post()
            .with(":path", path)
            .with("content-type", kind)
            .bearer(1);
        request.send(&[body.as_bytes()]).answered()
    };
    let (json, fields) = (r#"{"model":"good-1"}"#, form(&[("model", "good-1")]));
    let edits = "/v1/images/edits";
    assert_eq!(send(edits, "application/json", json), 200);
    assert_eq!(send(edits, &content_type(), &fields), 200);
    assert_eq!(send(edits, "application/json", &fields), 400);
    assert_eq!(send(edits, &content_type(), json), 400);
    assert_eq!(send("/v1/chat/completions", &content_type(), &fields), 415);
    assert_eq!(
        send("/v1/audio/transcriptions", "application/json", json),
        415
    );
    let polyglot = format!(
        "{{\"x\":\"{}\",\"model\":\"good-1\"}}",
        fields.escape_default()
    );
    assert_eq!(send(edits, &content_type(), &polyglot), 400);
    let invoke = "/model/good-1/invoke";
    assert_eq!(send(invoke, "application/json", "{}"), 200);
    assert_eq!(
        send(invoke, "application/json", r#"{"model":"bad-1"}"#),
        403
    );
    assert_eq!(
        send(invoke, "", "any"),
        415,
        "what the path names is not all"
    );
}
