//! Anthropic's messages, whole and streamed, and their token count.
//!
//! The list of models is in `models`. Invariant: an answer repeats the model of the request.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::call::{Call, events, greeting};

/// The id of every message.
const ID: &str = "msg_demo";

/// The answer, if the path is one of these endpoints.
pub(super) fn answer(call: &Call<'_>) -> Option<HttpResponse> {
    let path = call.path_of("POST")?;
    if path.ends_with("/messages/count_tokens") {
        return Some(HttpResponse::Ok().json(json!({"input_tokens": 3})));
    }
    if !path.ends_with("/messages") {
        return None;
    }
    let model = call.model();
    Some(if call.wants_stream() {
        events(&stream_of(&model))
    } else {
        let content = json!([{"type": "text", "text": greeting(&model)}]);
        HttpResponse::Ok().json(message(&model, &content, Some("end_turn")))
    })
}

fn message(model: &str, content: &Value, stop_reason: Option<&str>) -> Value {
    json!({
        "id": ID, "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": stop_reason, "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": 4},
    })
}

fn stream_of(model: &str) -> [Value; 6] {
    let delta = json!({"type": "text_delta", "text": greeting(model)});
    [
        json!({"type": "message_start", "message": message(model, &json!([]), None)}),
        json!({
            "type": "content_block_start", "index": 0,
            "content_block": {"type": "text", "text": ""},
        }),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 4},
        }),
        json!({"type": "message_stop"}),
    ]
}
