//! What the demo upstream answers, by method and path.
//!
//! The texts of models are in `chat`. Invariant: the body is read to its end before anything is
//! answered, so a request that is cut gets no answer.

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::recorder::{Entry, Recorder};
use super::{chat, websocket};

/// The models that the demo upstream claims to serve.
const MODELS: [&str; 4] = ["glm-5.1", "deepseek-v3.2", "kimi-k2.6", "hy-mt2-plus"];

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
    match (request.method().as_str(), request.path()) {
        ("POST", path) if path.ends_with("/chat/completions") => {
            chat::complete(&request, &body, &recorder)
        }
        ("GET", "/v1/models") => models(),
        ("GET", path) if path.starts_with("/v1/models/") => model(path),
        (method, _) => HttpResponse::Ok().json(json!({
            "method": method,
            "path": request.head().uri.to_string(),
        })),
    }
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

/// An error in OpenAI's shape.
pub(super) fn error(status: u16, message: &str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status).json(json!({
        "error": {"message": message, "type": "invalid_request_error", "param": null, "code": null},
    }))
}

fn models() -> HttpResponse {
    let list: Vec<Value> = MODELS.iter().map(|name| described(name)).collect();
    HttpResponse::Ok().json(json!({"object": "list", "data": list}))
}

fn model(path: &str) -> HttpResponse {
    match MODELS
        .iter()
        .find(|name| path.strip_prefix("/v1/models/") == Some(name))
    {
        Some(name) => HttpResponse::Ok().json(described(name)),
        None => error(404, "there is no such model"),
    }
}

fn described(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": chat::CREATED, "owned_by": "demo"})
}
