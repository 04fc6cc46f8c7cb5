//! The answers in each API family's words: every refusal has a body of its family's own shape, and
//! the family is chosen by rule and by what the headers tell.

use filter::credential::CredentialError;
use filter::locator::Family;
use filter::reply::{Client, Refusal, Reply};
use filter::table::Unavailable;
use keytable::{AxisKind, Denial, Record};
use serde_json::{Value, json};

use crate::support::{Rig, key, list, record};

const FAMILIES: [Family; 11] = [
    Family::OpenAi,
    Family::Azure,
    Family::Anthropic,
    Family::Google,
    Family::Aws,
    Family::Cohere,
    Family::Ollama,
    Family::DashScope,
    Family::TokenHub,
    Family::Tei,
    Family::Mcp,
];

/// One refusal of each status, and some more of 403.
fn refusals() -> Vec<(u16, Refusal)> {
    let scope = Denial::OutOfScope {
        index: 0,
        axis: AxisKind::Models,
    };
    let denied = |denial| Refusal::Denied(denial, None);
    vec![
        (401, Refusal::Credential(CredentialError::Missing)),
        (401, Refusal::UnknownKey),
        (401, denied(Denial::Disabled)),
        (401, denied(Denial::Expired { at_unix_ms: 1 })),
        (403, denied(Denial::AddressNotAllowed)),
        (403, Refusal::Denied(scope, Some("bad-1".to_owned()))),
        (403, denied(Denial::EndpointNotAllowed)),
        (404, Refusal::UnknownItem("bad-1".to_owned())),
        (400, Refusal::Ambiguous("it is odd".into())),
        (413, Refusal::TooLarge),
        (415, Refusal::Encoding),
        (415, Refusal::ContentType),
        (502, Refusal::UnreadableList),
        (503, Refusal::Unavailable(Unavailable::NoTable)),
    ]
}

/// The texts that go with a status: anthropic, google, aws, dashscope, tokenhub.
fn words(status: u16) -> [&'static str; 5] {
    match status {
        401 => [
            "authentication_error",
            "UNAUTHENTICATED",
            "UnrecognizedClientException",
            "InvalidApiKey",
            "authentication_error",
        ],
        403 => [
            "permission_error",
            "PERMISSION_DENIED",
            "AccessDeniedException",
            "AccessDenied",
            "permission_error",
        ],
        404 => [
            "not_found_error",
            "NOT_FOUND",
            "ResourceNotFoundException",
            "ModelNotFound",
            "permission_error",
        ],
        413 => [
            "request_too_large",
            "INVALID_ARGUMENT",
            "ValidationException",
            "InvalidParameter",
            "invalid_request_error",
        ],
        400 | 415 => [
            "invalid_request_error",
            "INVALID_ARGUMENT",
            "ValidationException",
            "InvalidParameter",
            "invalid_request_error",
        ],
        _ => [
            "api_error",
            "UNAVAILABLE",
            "ServiceUnavailableException",
            "ServiceUnavailable",
            "server_error",
        ],
    }
}

/// The body that the family's SDKs read, given the message and code of OpenAI's.
fn expected(family: Family, status: u16, message: &Value, code: &Value, reply: &Reply) -> Value {
    let (id, body) = (&*reply.request_id, body(reply));
    let [anthropic, google, _, dashscope, tokenhub] = words(status);
    match family {
        Family::OpenAi => {
            let kind = if status >= 500 {
                "server_error"
            } else {
                "invalid_request_error"
            };
            json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
        }
        Family::Azure => {
            let code = if status == 404 {
                "DeploymentNotFound".to_owned()
            } else {
                status.to_string()
            };
            json!({"error": {"code": code, "message": message}})
        }
        Family::Anthropic => {
            let error = json!({"type": anthropic, "message": message});
            json!({"type": "error", "error": error, "request_id": id})
        }
        Family::Google => json!({"error": {"code": status, "message": message, "status": google}}),
        Family::Aws | Family::Cohere => json!({"message": message}),
        Family::Ollama => json!({"error": message}),
        Family::DashScope => json!({"code": dashscope, "message": message, "request_id": id}),
        Family::TokenHub => {
            let number = &body["error"]["code"];
            assert!(number.as_str().unwrap().starts_with(match status {
                401 => "401",
                403 | 404 => "403",
                400..=499 => "400",
                _ => "502",
            }));
            json!({"error": {"type": tokenhub, "code": number, "message": message,
                "source": "gateway", "request_id": id}})
        }
        Family::Tei => json!({"error": message, "error_type": code}),
        Family::Mcp => {
            json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32001, "message": message}})
        }
    }
}

fn client(family: Family) -> Client {
    Client {
        family,
        request_id: "id-1".into(),
    }
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

#[test]
fn every_family_has_a_body_for_every_refusal() {
    for (status, refusal) in refusals() {
        let openai = body(&refusal.reply(&client(Family::OpenAi), "x"));
        let (message, code) = (&openai["error"]["message"], &openai["error"]["code"]);
        assert!(
            message
                .as_str()
                .is_some_and(|text| text.ends_with('.') && text.len() > 20)
        );
        for family in FAMILIES {
            let reply = refusal.reply(&client(family), "x");
            assert_eq!(reply.status, status, "{family:?} {refusal:?}");
            let body = body(&reply);
            let wanted = expected(family, status, message, code, &reply);
            assert_eq!(body, wanted, "{family:?} {refusal:?}");
            let has = |name, value| reply.headers.contains(&(name, value));
            assert!(has("content-type", "application/json") && has("cache-control", "no-store"));
            assert_eq!(has("www-authenticate", "Bearer"), status == 401);
            assert_eq!(has("x-should-retry", "false"), status == 503);
            assert_eq!(
                has("x-amzn-errortype", words(status)[2]),
                family == Family::Aws
            );
        }
    }
}

fn rig() -> Rig {
    let limited = Record {
        scope: list(&["good-1"]),
        ..record(1)
    };
    Rig::with(&[limited])
}

/// The family whose shape a body has.
fn family_of(reply: &Reply) -> Family {
    let is = |family: &Family| {
        let openai =
            json!({"message": message_of(&body(reply)), "code": body(reply)["error"]["code"]});
        let code = match family {
            Family::Tei => &body(reply)["error_type"],
            _ => &openai["code"],
        };
        let error_type = reply
            .headers
            .iter()
            .any(|(name, _)| *name == "x-amzn-errortype");
        let shape = std::panic::catch_unwind(|| {
            expected(*family, reply.status, &openai["message"], code, reply)
        });
        shape.is_ok_and(|shape| shape == body(reply)) && error_type == (*family == Family::Aws)
    };
    FAMILIES.into_iter().find(|family| is(family)).unwrap()
}

fn message_of(body: &Value) -> Value {
    let places = [&body["error"]["message"], &body["message"], &body["error"]];
    places
        .into_iter()
        .find(|place| place.is_string())
        .unwrap()
        .clone()
}

#[test]
fn the_family_is_that_of_the_rule() {
    let rig = rig();
    for (call, family) in [
        ("POST /v1/chat/completions", Family::OpenAi),
        ("POST /v1/unknown", Family::OpenAi),
        (
            "POST /openai/deployments/good-1/chat/completions",
            Family::Azure,
        ),
        ("POST /v1/messages", Family::Anthropic),
        ("POST /v1beta/models/good-1:generateContent", Family::Google),
        (
            "POST /v1/publishers/google/models/good-1:predict",
            Family::Google,
        ),
        ("POST /model/bad-1/converse", Family::Aws),
        ("POST /v2/chat", Family::Cohere),
        ("POST /api/chat", Family::Ollama),
        ("POST /api/v1/services/aigc/x", Family::DashScope),
        ("POST /v1/api/image/submit", Family::TokenHub),
        ("POST /embed", Family::Tei),
        ("POST /mcp", Family::Mcp),
    ] {
        let refused = |n: usize| {
            let exchange = rig
                .post()
                .call(call)
                .bearer(n)
                .send(&[br#"{"model":"bad-1"}"#]);
            assert!(exchange.answered() >= 400, "{call}");
            family_of(&exchange.host.replies.borrow()[0])
        };
        assert_eq!(refused(1), family, "{call}");
        assert_eq!(refused(2), family, "{call}: an unknown key");
    }
}

#[test]
fn headers_tell_of_the_client_also_once_the_credential_is_out() {
    let rig = rig();
    let family = |path: &str, headers: &[(&str, &str)], chunks: &[&[u8]]| {
        let request = headers
            .iter()
            .fold(rig.post().with(":path", path), |r, (name, value)| {
                r.header(name, value)
            });
        let exchange = request.send(chunks);
        assert!(exchange.answered() >= 400, "{path}");
        family_of(&exchange.host.replies.borrow()[0])
    };
    let (key, bearer) = (key(1), format!("Bearer {}", key(1)));
    let chunks: [&[&[u8]]; 3] = [
        &[br#"{"model":"bad-1"}"#],
        &[br#"{"model":"good-1","#, br#""models":["bad-1"]}"#],
        &[br#"{"mod"#, b"el"],
    ];
    for chunks in chunks {
        let chat = "/v1/chat/completions";
        let bearer = ("authorization", bearer.as_str());
        assert_eq!(family(chat, &[bearer], chunks), Family::OpenAi);
        let versioned = [bearer, ("anthropic-version", "2023-06-01")];
        assert_eq!(family(chat, &versioned, chunks), Family::Anthropic);
        assert_eq!(
            family(chat, &[("x-goog-api-key", &key)], chunks),
            Family::Google
        );
        assert_eq!(family(chat, &[("api-key", &key)], chunks), Family::OpenAi);
        let azure = "/openai/v1/chat/completions";
        assert_eq!(family(azure, &[("api-key", &key)], chunks), Family::Azure);
        assert_eq!(family(azure, &[bearer], chunks), Family::OpenAi);
        assert_eq!(
            family("/v1/messages", &[("x-api-key", &key)], chunks),
            Family::Anthropic
        );
    }
}

#[test]
fn the_configured_family_stands_where_openais_would() {
    let limited = Record {
        scope: list(&["good-1"]),
        ..record(1)
    };
    let rig = Rig::configured(&[limited], r#""errors":"tokenhub""#);
    let family = |call: &str| {
        let exchange = rig
            .post()
            .call(call)
            .bearer(1)
            .send(&[br#"{"model":"bad-1"}"#]);
        family_of(&exchange.host.replies.borrow()[0])
    };
    assert_eq!(family("POST /v1/chat/completions"), Family::TokenHub);
    assert_eq!(family("POST /unknown"), Family::TokenHub);
    assert_eq!(family("POST /v1/messages"), Family::Anthropic);
    assert_eq!(family("POST /v2/chat"), Family::Cohere);
}
