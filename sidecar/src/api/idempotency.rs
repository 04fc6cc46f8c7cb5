//! `Idempotency-Key`: a call that makes something and is repeated with the same key makes
//! nothing twice.
//!
//! Does not remember: the store does. Invariant: the same key with another path, query or body is
//! refused.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::http::body::{JsonObject, credential_fault};
use crate::http::problem::{FieldError, Problem};
use crate::service::caller::Caller;
use crate::store::IdempotentCall;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 128;

/// The key of a call, if it has one. To be asked before the body is taken apart.
pub(crate) fn wanted(
    request: &HttpRequest,
    caller: &Caller,
    body: &JsonObject,
) -> Result<Option<IdempotentCall>, Problem> {
    let mut values = request.headers().get_all(IDEMPOTENCY_KEY);
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.as_bytes(),
        (Some(_), Some(_)) => return Err(refusal("must be given once")),
    };
    let fits = (1..=KEY_BYTES_MAX).contains(&value.len());
    let key = std::str::from_utf8(value)
        .ok()
        .filter(|key| fits && key.bytes().all(|b| b.is_ascii_graphic()))
        .ok_or_else(|| refusal("must be 1 to 128 visible ASCII characters"))?;
    if let Some(detail) = credential_fault(key) {
        return Err(refusal(&detail));
    }
    Ok(Some(IdempotentCall {
        caller: caller.actor.to_string(),
        key: key.into(),
        fingerprint: fingerprint(request, &body.0),
        secret: None,
    }))
}

/// A hash of method, path, query and body; members in the order of their names.
fn fingerprint(request: &HttpRequest, body: &Map<String, Value>) -> [u8; 32] {
    let mut hash = Sha256::new();
    let parts = [
        request.method().as_str(),
        request.path(),
        request.query_string(),
    ];
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    // Maps are sorted by name, so equal bodies have equal texts.
    hash.update(serde_json::to_vec(body).unwrap_or_default());
    hash.finalize().into()
}

fn refusal(detail: &str) -> Problem {
    Problem::invalid_parameters(vec![FieldError::new("Idempotency-Key", detail)])
}
