//! What the demo upstream answers, by method and path: each API family in its own module.
//!
//! Invariant: the body is read to its end before anything is answered, so a request that is cut
//! gets no answer.

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use serde_json::json;

use super::call::{Call, error};
use super::recorder::{Entry, Recorder};
use super::{anthropic, bedrock, chat, cohere, gemini, models, ollama, openai, websocket};

/// The answer of one family; `None` if the call is not one of its own.
type Family = fn(&Call<'_>) -> Option<HttpResponse>;

/// The families, in the order in which they are asked.
const FAMILIES: [Family; 8] = [
    models::answer,
    chat::answer,
    openai::answer,
    anthropic::answer,
    gemini::answer,
    cohere::answer,
    ollama::answer,
    bedrock::answer,
];

/// Records a request and answers it.
pub(super) async fn answer(
    request: HttpRequest,
    payload: web::Payload,
    recorder: web::Data<Recorder>,
) -> HttpResponse {
    let entry = recorder.open(&request);
    if websocket::is_asked_for(&request) {
        entry.complete();
        return websocket::echo(&request, payload, recorder.stream());
    }
    let Ok(body) = drain(payload, &entry).await else {
        return error(400, "the body was cut");
    };
    let call = Call {
        request: &request,
        body: &body,
        recorder: &recorder,
    };
    FAMILIES
        .iter()
        .find_map(|family| family(&call))
        .unwrap_or_else(|| described(&request))
}

/// What is asked for by a path that no family has.
fn described(request: &HttpRequest) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "method": request.method().as_str(),
        "path": request.head().uri.to_string(),
    }))
}

/// Reads a body to its end; an error if it is cut.
async fn drain(mut payload: web::Payload, entry: &Entry) -> Result<Vec<u8>, ()> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ())?;
        entry.extend(&chunk);
        body.extend_from_slice(&chunk);
    }
    entry.complete();
    Ok(body)
}
