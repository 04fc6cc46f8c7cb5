//! OpenAI's other endpoints: responses, embeddings, images, transcriptions; also under Azure's
//! deployments.
//!
//! Chat is in `chat`. Invariant: as there, an answer repeats the model of the request, where its
//! shape has a place for it.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::call::{Call, events, greeting};
use super::chat::CREATED;

/// The id of every response.
const ID: &str = "resp_demo";
/// The id of the message in it.
const MESSAGE_ID: &str = "msg_demo";

/// The answer, if the path is one of these endpoints.
pub(super) fn answer(call: &Call<'_>) -> Option<HttpResponse> {
    let path = call.path_of("POST")?;
    let ends = |end: &str| path.ends_with(end);
    let answer = match path {
        _ if ends("/responses") => return Some(respond(call)),
        _ if ends("/embeddings") => embedded(&call.model()),
        _ if ends("/images/edits") || ends("/images/generations") => {
            json!({"created": CREATED, "data": [{"b64_json": "aGVsbG8="}]})
        }
        _ if ends("/audio/transcriptions") => json!({"text": "Hello."}),
        _ => return None,
    };
    Some(HttpResponse::Ok().json(answer))
}

fn embedded(model: &str) -> Value {
    json!({
        "object": "list",
        "model": model,
        "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    })
}

fn respond(call: &Call<'_>) -> HttpResponse {
    let model = call.model();
    let whole = response(&model, "completed", &json!([message(&model)]));
    if call.wants_stream() {
        events(&stream_of(&model, &whole))
    } else {
        HttpResponse::Ok().json(whole)
    }
}

fn stream_of(model: &str, whole: &Value) -> [Value; 5] {
    let begun = response(model, "in_progress", &json!([]));
    let item = json!({
        "type": "message", "id": MESSAGE_ID, "status": "in_progress", "role": "assistant",
        "content": [],
    });
    [
        json!({"type": "response.created", "sequence_number": 0, "response": begun}),
        json!({
            "type": "response.output_item.added", "sequence_number": 1, "output_index": 0,
            "item": item,
        }),
        json!({
            "type": "response.output_text.delta", "sequence_number": 2, "item_id": MESSAGE_ID,
            "output_index": 0, "content_index": 0, "delta": greeting(model), "logprobs": [],
        }),
        json!({
            "type": "response.output_item.done", "sequence_number": 3, "output_index": 0,
            "item": message(model),
        }),
        json!({"type": "response.completed", "sequence_number": 4, "response": whole}),
    ]
}

fn message(model: &str) -> Value {
    json!({
        "type": "message", "id": MESSAGE_ID, "status": "completed", "role": "assistant",
        "content": [{
            "type": "output_text", "text": greeting(model), "annotations": [], "logprobs": [],
        }],
    })
}

fn response(model: &str, status: &str, output: &Value) -> Value {
    json!({
        "id": ID,
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "metadata": {},
        "model": model,
        "output": output,
        "parallel_tool_calls": true,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": 1, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 5,
        },
    })
}
