//! Gemini's `generateContent`, whole and streamed.
//!
//! The list of models is in `models`. Invariant: an answer repeats the model of the path.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::call::{Call, greeting, streamed};

/// The answer, if the path ends with one of these verbs.
pub(super) fn answer(call: &Call<'_>) -> Option<HttpResponse> {
    let (before, verb) = call.path_of("POST")?.rsplit_once(':')?;
    let model = before.rsplit('/').next().unwrap_or_default();
    match verb {
        "generateContent" => {
            Some(HttpResponse::Ok().json(said(model, &greeting(model), Some("STOP"))))
        }
        "streamGenerateContent" => Some(stream_of(model)),
        "countTokens" => Some(HttpResponse::Ok().json(json!({"totalTokens": 3}))),
        _ => None,
    }
}

fn stream_of(model: &str) -> HttpResponse {
    let chunks = [
        said(model, "Hello", None),
        said(model, &format!(" from {model}."), Some("STOP")),
    ];
    let events = chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\r\n\r\n").into_bytes());
    streamed("text/event-stream", events.collect())
}

fn said(model: &str, text: &str, finish_reason: Option<&str>) -> Value {
    let mut candidate = json!({
        "content": {"role": "model", "parts": [{"text": text}]},
        "index": 0,
    });
    if let (Some(reason), Some(members)) = (finish_reason, candidate.as_object_mut()) {
        members.insert("finishReason".to_owned(), json!(reason));
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 4, "totalTokenCount": 5},
        "modelVersion": model,
    })
}
