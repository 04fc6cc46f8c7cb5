//! What known servers read that a word alone does not show, and what they do not read although a
//! word stands there. Each case is one that a real server was seen or is documented to take.
//!
//! Invariant: each attack has an honest twin that passes, so that it is refused for what it chooses.

use crate::support::{Rig, names, record};
use keytable::Record;

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/good-1:generateContent";
const VERTEX: &str = "/v1/projects/p/locations/l/publishers/google/models/good-1:generateContent";
const VERTEX_CHAT: &str = "/v1/projects/p/locations/l/endpoints/openapi/chat/completions";
const VERTEX_OWN: &str = "/v1/projects/p/locations/l/endpoints/546/chat/completions";

/// The answer to a body for a key that may call `good-1`.
fn send(path: &str, body: &str) -> u16 {
    let limited = Record {
        scope: names(&["good-1", "google/good-1"]),
        ..record(1)
    };
    let rig = Rig::with(&[limited]);
    let request = rig.post().with(":path", path).bearer(1);
    let exchange = request.send(&[body.as_bytes()]);
    let status = exchange.answered();
    assert!(status == 200 || !exchange.is_complete, "{path} {body}");
    status
}

fn refused(path: &str, body: &str) {
    assert_ne!(send(path, body), 200, "{path} {body}");
}

fn passed(path: &str, body: &str) {
    assert_eq!(send(path, body), 200, "{path} {body}");
}

#[test]
fn a_reference_counts_in_every_spelling_of_its_way() {
    // Google's readers take the camel and the snake spelling of each member, in any mixture.
    for body in [
        r#"{"generationConfig":{"routing_config":{"autoMode":{}}}}"#,
        r#"{"generation_config":{"routingConfig":{"auto_mode":{}}}}"#,
        r#"{"generation_config":{"modelConfig":{}}}"#,
        r#"{"generationConfig":{"model_config":{}}}"#,
        r#"{"cachedContent":"cachedContents/1"}"#,
        r#"{"cached_content":"cachedContents/1"}"#,
    ] {
        refused(VERTEX, body);
    }
    for body in [
        r#"{"generateContentRequest":{"cached_content":"cachedContents/1"}}"#,
        r#"{"generate_content_request":{"cachedContent":"cachedContents/1"}}"#,
        r#"{"batch":{"inputConfig":{"file_name":"files/1"}}}"#,
        r#"{"batch":{"input_config":{"fileName":"files/1"}}}"#,
        r#"{"batch":{"input_config":{"requests":{"requests":[{"request":{"cachedContent":"c/1"}}]}}}}"#,
    ] {
        refused(GEMINI, body);
    }
    passed(VERTEX, r#"{"generation_config":{"routing_config":{}}}"#);
    passed(
        GEMINI,
        r#"{"batch":{"input_config":{"requests":{"requests":[]}}}}"#,
    );
    refused(GEMINI, r#"{"cachedContent":null,"cached_content":"c/1"}"#);
}

#[test]
fn an_endpoint_of_ones_own_model_is_named_by_its_path() {
    passed(VERTEX_CHAT, r#"{"model":"google/good-1"}"#);
    refused(VERTEX_OWN, r#"{"model":"google/good-1"}"#);
    refused(VERTEX_OWN, "{}");
    passed(&VERTEX_OWN.replace("546", "good-1"), "{}");
}

#[test]
fn a_link_of_a_chain_maps_no_model_to_others() {
    // LiteLLM takes the first member of any object in a list of several kinds for such a mapping.
    for fallbacks in [
        r#"["good-1",{"good-1":["bad-1"],"model":"good-1"}]"#,
        r#"[{"*":["bad-1"],"model":"good-1"}]"#,
        r#"[{"model":"good-1","good-1":[["bad-1"]]}]"#,
    ] {
        for member in ["fallbacks", "context_window_fallbacks"] {
            let body = format!(r#"{{"model":"good-1","{member}":{fallbacks}}}"#);
            refused(CHAT, &body);
            passed(CHAT, &body.replace("bad-1", "good-1"));
        }
    }
    passed(
        CHAT,
        r#"{"model":"good-1","fallbacks":[{"max_tokens":1,"stop":["\n"],"stop_sequences":["END"],
            "messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"},
            "tools":[{"type":"function","function":{"name":"f"}}],"model":"good-1"}]}"#,
    );
}

#[test]
fn an_agent_in_place_of_a_model_is_a_reference() {
    for path in [RESPONSES, "/openai/responses"] {
        for member in ["agent", "agent_reference"] {
            refused(
                path,
                &format!(
                    r#"{{"model":"good-1","{member}":{{"type":"agent_reference","name":"a"}}}}"#
                ),
            );
            passed(path, &format!(r#"{{"model":"good-1","{member}":null}}"#));
        }
    }
}

#[test]
fn keywords_of_a_schema_and_variables_of_a_template_choose_nothing() {
    let schema = r#"{"type":"object","properties":{"model":{"type":"string"}},"required":["model"],
        "discriminator":{"propertyName":"kind","mapping":{"car_model":"A"}},
        "dependentRequired":{"model":["year"]},"dependencies":{"model":["year"]},
        "anyOf":[{"discriminator":{"propertyName":"kind","mapping":{"model":"A"}}}]}"#;
    passed(
        RESPONSES,
        &format!(
            r#"{{"model":"good-1","text":{{"format":{{"type":"json_schema","name":"n","schema":{schema}}}}},
                "tools":[{{"type":"function","name":"f","parameters":{schema}}}]}}"#
        ),
    );
    passed(
        "/v1beta/interactions",
        &format!(r#"{{"model":"good-1","input":"x","response_format":{schema}}}"#),
    );
    passed(
        CHAT,
        r#"{"model":"good-1","chat_template_kwargs":{"model_identity":"You are a bot."}}"#,
    );
    refused(
        CHAT,
        r#"{"model":"good-1","response_format":{"model":"bad-1"}}"#,
    );
}

#[test]
fn a_body_without_a_type_is_json_where_the_server_takes_it_for_that() {
    let limited = Record {
        scope: names(&["good-1"]),
        ..record(1)
    };
    let rig = Rig::with(&[limited]);
    let send = |path: &str, body: &str| {
        let request = rig.post().with(":path", path).without("content-type");
        let request = request.bearer(1);
        request.send(&[body.as_bytes()]).answered()
    };
    let invoke = "/model/good-1/invoke";
    assert_eq!(send(invoke, r#"{"inputText":"hello"}"#), 200);
    assert_eq!(send(invoke, r#"{"model":"bad-1"}"#), 403);
    assert_eq!(send(invoke, "model=bad-1"), 400);
    assert_eq!(send(CHAT, r#"{"model":"good-1"}"#), 415);
}
