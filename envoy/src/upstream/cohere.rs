//! Cohere's chat, version 2, whole and streamed.
//!
//! Its other endpoints are not imitated. Invariant: an answer repeats the model of the request.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::call::{Call, events, greeting};

/// The id of every answer.
const ID: &str = "chat-demo";

/// The answer, if it is a chat.
pub(super) fn answer(call: &Call<'_>) -> Option<HttpResponse> {
    (call.path_of("POST")? == "/v2/chat").then(|| chat(call))
}

fn chat(call: &Call<'_>) -> HttpResponse {
    let text = greeting(&call.model());
    if call.wants_stream() {
        return events(&stream_of(&text));
    }
    HttpResponse::Ok().json(json!({
        "id": ID,
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": text}]},
        "usage": usage(),
    }))
}

fn stream_of(text: &str) -> [Value; 5] {
    let start = json!({"message": {"content": {"type": "text", "text": ""}}});
    [
        json!({
            "type": "message-start", "id": ID,
            "delta": {"message": {
                "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [],
                "citations": [],
            }},
        }),
        json!({"type": "content-start", "index": 0, "delta": start}),
        json!({
            "type": "content-delta", "index": 0,
            "delta": {"message": {"content": {"text": text}}},
        }),
        json!({"type": "content-end", "index": 0}),
        json!({
            "type": "message-end",
            "delta": {"finish_reason": "COMPLETE", "usage": usage()},
        }),
    ]
}

fn usage() -> Value {
    json!({
        "billed_units": {"input_tokens": 1, "output_tokens": 4},
        "tokens": {"input_tokens": 1, "output_tokens": 4},
    })
}
