//! What every API family of the demo upstream is asked with, and what it builds its answers from.
//!
//! Does not know any family. Invariant: a call was read to its end.

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use serde_json::{Value, json};

use super::recorder::Recorder;

/// A request that was read to its end.
pub(super) struct Call<'a> {
    /// Its head.
    pub(super) request: &'a HttpRequest,
    /// Its body.
    pub(super) body: &'a [u8],
    /// Where streams are counted.
    pub(super) recorder: &'a Recorder,
}

/// An error in OpenAI's shape.
pub(super) fn error(status: u16, message: &str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status).json(json!({
        "error": {"message": message, "type": "invalid_request_error", "param": null, "code": null},
    }))
}

/// What every model says.
pub(super) fn greeting(model: &str) -> String {
    format!("Hello from {model}.")
}

/// A streamed answer of these pieces.
pub(super) fn streamed(content_type: &str, pieces: Vec<Vec<u8>>) -> HttpResponse {
    let pieces = pieces
        .into_iter()
        .map(|piece| Ok::<_, actix_web::Error>(web::Bytes::from(piece)));
    HttpResponse::Ok()
        .content_type(content_type)
        .streaming(stream::iter(pieces))
}

/// Server-sent events that carry their own names as their `type`.
pub(super) fn events(events: &[Value]) -> HttpResponse {
    let text = |event: &Value| {
        let name = event.get("type").and_then(Value::as_str);
        let name = name.map(|name| format!("event: {name}\n"));
        format!("{}data: {event}\n\n", name.unwrap_or_default()).into_bytes()
    };
    streamed("text/event-stream", events.iter().map(text).collect())
}

// === impl Call ===

impl Call<'_> {
    /// The path, if the call is of this method.
    pub(super) fn path_of(&self, method: &str) -> Option<&str> {
        (self.request.method().as_str() == method).then(|| self.request.path())
    }

    /// The body as JSON; `null` if it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or_default()
    }

    /// The model that the body asks for.
    pub(super) fn model(&self) -> String {
        text(&self.json(), "model")
    }

    /// Whether the body asks for a stream.
    pub(super) fn wants_stream(&self) -> bool {
        self.json().get("stream").and_then(Value::as_bool) == Some(true)
    }
}

fn text(body: &Value, member: &str) -> String {
    let text = body.get(member).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
