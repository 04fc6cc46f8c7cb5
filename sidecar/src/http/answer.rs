//! Answers as JSON, with the tag of what they show; and the tags that a caller expects.
//!
//! Does not know what is shown. Invariant: a tag is the revision, so that one that matches means
//! that nothing was changed.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ETAG, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::http::problem::Problem;

/// An answer of this status and body.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<HttpResponse, Problem> {
    let bytes = serde_json::to_vec(body).map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::build(status)
        .content_type("application/json")
        .body(bytes))
}

/// An answer that shows something at this revision.
pub(crate) fn tagged(
    status: StatusCode,
    body: &impl Serialize,
    revision: u64,
) -> Result<HttpResponse, Problem> {
    let mut answer = json(status, body)?;
    put(&mut answer, ETAG, &format!("\"{revision}\""))?;
    Ok(answer)
}

/// An answer that something was made, and where it is.
pub(crate) fn created(
    body: &impl Serialize,
    revision: u64,
    location: &str,
) -> Result<HttpResponse, Problem> {
    let mut answer = tagged(StatusCode::CREATED, body, revision)?;
    put(&mut answer, LOCATION, location)?;
    Ok(answer)
}

/// The revisions that `If-Match` names; none for `*`, which everything matches.
pub(crate) fn if_match(request: &HttpRequest) -> Option<Vec<u64>> {
    let values: Vec<&[u8]> = request
        .headers()
        .get_all(header::IF_MATCH)
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .collect();
    if values.is_empty() || values.contains(&b"*".as_slice()) {
        return None;
    }
    let revision = |tag: &&[u8]| {
        let inner = tag.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        std::str::from_utf8(inner).ok()?.parse().ok()
    };
    Some(values.iter().filter_map(revision).collect())
}

fn put(answer: &mut HttpResponse, name: header::HeaderName, text: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(text).map_err(|error| Problem::internal(&error))?;
    answer.headers_mut().insert(name, value);
    Ok(())
}
