//! Bedrock's `converse`, whole and as an event stream of Amazon's binary framing.
//!
//! It checks no signature. Invariant: every frame carries the two checksums that the SDK verifies.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::call::{Call, greeting, streamed};

/// Bytes of a frame beside headers and payload: two lengths and two checksums.
const FRAMING_BYTES: usize = 16;
/// The type of a header that holds text.
const TEXT_HEADER: u8 = 7;

/// The answer, if the path ends with one of these operations.
pub(super) fn answer(call: &Call<'_>) -> Option<HttpResponse> {
    let path = call.path_of("POST")?.strip_prefix("/model/")?;
    let (model, operation) = path.rsplit_once('/')?;
    match operation {
        "converse" => Some(HttpResponse::Ok().json(conversed(model))),
        "converse-stream" => Some(stream_of(model)),
        "invoke" => Some(HttpResponse::Ok().json(json!({"outputText": greeting(model)}))),
        _ => None,
    }
}

fn conversed(model: &str) -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": [{"text": greeting(model)}]}},
        "stopReason": "end_turn",
        "usage": usage(),
        "metrics": {"latencyMs": 1},
    })
}

fn stream_of(model: &str) -> HttpResponse {
    let events = [
        ("messageStart", json!({"role": "assistant"})),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"text": greeting(model)}}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("messageStop", json!({"stopReason": "end_turn"})),
        (
            "metadata",
            json!({"usage": usage(), "metrics": {"latencyMs": 1}}),
        ),
    ];
    let frames = events
        .iter()
        .filter_map(|(name, payload)| frame(name, payload))
        .collect();
    streamed("application/vnd.amazon.eventstream", frames)
}

fn usage() -> Value {
    json!({"inputTokens": 1, "outputTokens": 4, "totalTokens": 5})
}

/// One event; `None` if it is longer than the framing can say.
fn frame(event: &str, payload: &Value) -> Option<Vec<u8>> {
    let payload = payload.to_string();
    let mut headers = Vec::new();
    for (name, value) in [
        (":message-type", "event"),
        (":event-type", event),
        (":content-type", "application/json"),
    ] {
        headers.push(u8::try_from(name.len()).ok()?);
        headers.extend(name.as_bytes());
        headers.push(TEXT_HEADER);
        headers.extend(u16::try_from(value.len()).ok()?.to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let total = headers.len() + payload.len() + FRAMING_BYTES;
    let mut frame = u32::try_from(total).ok()?.to_be_bytes().to_vec();
    frame.extend(u32::try_from(headers.len()).ok()?.to_be_bytes());
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend(headers);
    frame.extend(payload.as_bytes());
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    Some(frame)
}
