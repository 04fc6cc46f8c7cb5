//! Chat completions as OpenAI shapes them, whole and as server-sent events.
//!
//! No model is behind it. Invariant: an answer repeats the name of the model that was asked for, so
//! that a test can see which request it belongs to.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, rt, web};
use futures_util::{Stream, stream};
use serde_json::{Value, json};

use super::call::{Call, error, greeting};
use super::recorder::OpenStream;

/// When everything here was made, in seconds since 1970.
pub(super) const CREATED: u64 = 1_764_000_000;
/// The id of every answer.
const ID: &str = "chatcmpl-demo";
/// Header: pause between two chunks of a stream, in milliseconds (0 if absent).
const INTERVAL_HEADER: &str = "x-demo-stream-interval-ms";
/// Header: number of chunks of a stream.
const CHUNKS_HEADER: &str = "x-demo-stream-chunks";
/// Chunks of a stream that asks for no number.
const CHUNKS: u64 = 5;

/// The answer to a chat request, also of Azure's deployments and of Mistral.
pub(super) fn answer(call: &Call<'_>) -> Option<HttpResponse> {
    let path = call.path_of("POST")?;
    path.ends_with("/chat/completions").then(|| complete(call))
}

fn complete(call: &Call<'_>) -> HttpResponse {
    let Ok(body) = serde_json::from_slice::<Value>(call.body) else {
        return error(400, "the body is no JSON");
    };
    let named = body.get("model").and_then(Value::as_str);
    let Some(model) = named.or_else(|| deployment(call.request.path())) else {
        return error(400, "the body names no model");
    };
    if body.get("stream").and_then(Value::as_bool) == Some(true) {
        let usage = body.pointer("/stream_options/include_usage");
        let states_usage = usage.and_then(Value::as_bool) == Some(true);
        let open = call.recorder.stream();
        HttpResponse::Ok()
            .content_type("text/event-stream")
            .streaming(events(model, states_usage, call.request, open))
    } else {
        whole(model)
    }
}

/// What a path calls that names a deployment or an endpoint: then a body need not name a model.
fn deployment(path: &str) -> Option<&str> {
    let mut segments = path.split('/');
    segments.find(|segment| matches!(*segment, "deployments" | "endpoints"))?;
    segments.next().filter(|name| *name != "openapi")
}

fn whole(model: &str) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "id": ID,
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": greeting(model)},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": usage(),
    }))
}

fn usage() -> Value {
    json!({"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5})
}

/// `chunks` words with pauses between them, then what was used, if that was asked for, and the end.
fn events(
    model: &str,
    states_usage: bool,
    request: &HttpRequest,
    open: OpenStream,
) -> impl Stream<Item = Result<web::Bytes, actix_web::Error>> + use<> {
    let interval = Duration::from_millis(number(request, INTERVAL_HEADER).unwrap_or(0));
    let chunks = number(request, CHUNKS_HEADER).unwrap_or(CHUNKS);
    let model = model.to_owned();
    stream::unfold((0, open), move |(sent, open)| {
        let event = match sent {
            _ if sent < chunks => chunk(&model, json!({"content": format!("word{sent} ")}), None),
            _ if sent == chunks => chunk(&model, json!({}), Some("stop")),
            _ if states_usage => format!("{}\n\ndata: [DONE]", usage_chunk(&model)),
            _ => "[DONE]".to_owned(),
        };
        let is_over = sent > chunks.saturating_add(1);
        async move {
            if is_over {
                return None;
            }
            if sent > 0 && sent < chunks {
                rt::time::sleep(interval).await;
            }
            Some((
                Ok(web::Bytes::from(format!("data: {event}\n\n"))),
                (sent + 1, open),
            ))
        }
    })
}

fn chunk(model: &str, delta: Value, finish_reason: Option<&str>) -> String {
    json!({
        "id": ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    })
    .to_string()
}

fn usage_chunk(model: &str) -> String {
    json!({
        "id": ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": model,
        "choices": [],
        "usage": usage(),
    })
    .to_string()
}

fn number(request: &HttpRequest, header: &str) -> Option<u64> {
    request.headers().get(header)?.to_str().ok()?.parse().ok()
}
