//! The models that the demo upstream claims to serve, listed in the shape of each API family.
//!
//! A client that takes gzip gets gzip, as from most servers. Invariant: an item that is not on the
//! list is 404.

use actix_web::HttpResponse;
use actix_web::http::header;
use serde_json::{Value, json};

use super::call::{Call, error};
use super::chat::CREATED;

/// The models.
const MODELS: [&str; 4] = ["glm-5.1", "deepseek-v3.2", "kimi-k2.6", "hy-mt2-plus"];

/// The answer, if models are asked for.
pub(super) fn answer(call: &Call<'_>) -> Option<HttpResponse> {
    let path = call.path_of("GET")?;
    let anthropic = call.request.headers().contains_key("anthropic-version");
    let list = match path {
        "/api/tags" => listed("models", of_ollama),
        "/v1beta/models" => listed("models", of_gemini),
        "/v1/models" if anthropic => list_of_anthropic(),
        "/v1/models" | "/openai/models" => {
            let mut list = listed("data", of_openai);
            if let Some(members) = list.as_object_mut() {
                members.insert("object".to_owned(), json!("list"));
            }
            list
        }
        _ => return item(path, anthropic),
    };
    Some(in_gzip_if_wanted(call, &list))
}

fn listed(member: &str, shape: fn(&str) -> Value) -> Value {
    let elements: Vec<Value> = MODELS.iter().map(|name| shape(name)).collect();
    json!({ member: elements })
}

fn item(path: &str, anthropic: bool) -> Option<HttpResponse> {
    let (shape, name): (fn(&str) -> Value, _) = match path.strip_prefix("/v1beta/models/") {
        Some(name) => (of_gemini, name),
        None if anthropic => (of_anthropic, path.strip_prefix("/v1/models/")?),
        None => (of_openai, path.strip_prefix("/v1/models/")?),
    };
    Some(match MODELS.iter().find(|known| **known == name) {
        Some(name) => HttpResponse::Ok().json(shape(name)),
        None => error(404, "there is no such model"),
    })
}

fn of_openai(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": CREATED, "owned_by": "demo"})
}

fn of_anthropic(name: &str) -> Value {
    json!({
        "type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z",
    })
}

fn of_gemini(name: &str) -> Value {
    json!({
        "name": format!("models/{name}"), "version": "1", "displayName": name,
        "supportedGenerationMethods": ["generateContent"],
    })
}

fn of_ollama(name: &str) -> Value {
    let name = format!("{name}:latest");
    json!({
        "name": name, "model": name, "modified_at": "2026-01-01T00:00:00Z", "size": 1,
        "digest": "0".repeat(64), "details": {"format": "gguf", "family": "demo"},
    })
}

fn list_of_anthropic() -> Value {
    let mut list = listed("data", of_anthropic);
    if let Some(members) = list.as_object_mut() {
        members.insert("has_more".to_owned(), json!(false));
        members.insert("first_id".to_owned(), json!(MODELS.first()));
        members.insert("last_id".to_owned(), json!(MODELS.last()));
    }
    list
}

fn in_gzip_if_wanted(call: &Call<'_>, list: &Value) -> HttpResponse {
    let wanted = call.request.headers().get(header::ACCEPT_ENCODING);
    let wanted = wanted.and_then(|value| value.to_str().ok());
    let zipped = wanted
        .filter(|value| value.contains("gzip"))
        .and_then(|_| gzip(list.to_string().as_bytes()));
    let mut response = HttpResponse::Ok();
    match zipped {
        Some(bytes) => response
            .content_type("application/json")
            .insert_header((header::CONTENT_ENCODING, "gzip"))
            .body(bytes),
        None => response.json(list),
    }
}

/// Gzip of one stored block; `None` if it is too long for one.
fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(bytes.len()).ok()?;
    let mut zipped = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01".to_vec();
    zipped.extend(length.to_le_bytes());
    zipped.extend((!length).to_le_bytes());
    zipped.extend(bytes);
    zipped.extend(crc32fast::hash(bytes).to_le_bytes());
    zipped.extend(u32::from(length).to_le_bytes());
    Some(zipped)
}
