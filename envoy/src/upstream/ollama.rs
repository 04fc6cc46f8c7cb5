//! Ollama's chat, whole and as lines of JSON.
//!
//! The list of models is in `models`. Invariant: an answer repeats the model of the request.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::call::{Call, greeting, streamed};

/// The answer, if it is a chat.
pub(super) fn answer(call: &Call<'_>) -> Option<HttpResponse> {
    (call.path_of("POST")? == "/api/chat").then(|| chat(call))
}

/// Ollama streams unless it is told not to.
fn chat(call: &Call<'_>) -> HttpResponse {
    let model = call.model();
    let body = call.json();
    if body.get("stream").and_then(Value::as_bool) == Some(false) {
        return HttpResponse::Ok().json(said(&model, &greeting(&model), true));
    }
    let lines = [
        said(&model, &greeting(&model), false),
        said(&model, "", true),
    ];
    let lines = lines.iter().map(|line| format!("{line}\n").into_bytes());
    streamed("application/x-ndjson", lines.collect())
}

fn said(model: &str, text: &str, is_done: bool) -> Value {
    json!({
        "model": model,
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": text},
        "done": is_done,
        "done_reason": is_done.then_some("stop"),
    })
}
