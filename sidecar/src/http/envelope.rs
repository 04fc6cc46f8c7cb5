//! What every request and every answer gets, on both ports: an id and security headers.
//!
//! Does not look into bodies. Invariant: every refusal leaves as a problem with the request's id,
//! also when a handler panicked; and nothing of a request but its id is logged.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest};
use keytable::find_credential;

use crate::http::problem::{Problem, REQUEST_ID};
use crate::telemetry::Line;

/// Longest request id that is taken over from a caller, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 64;

const SECURITY_HEADERS: [(HeaderName, HeaderValue); 2] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
];

/// An answer that does not say otherwise may hold a secret.
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// An answer that is no page of ours may load nothing and stand in no frame.
const NOTHING_ALLOWED: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// The id of a request, for whoever logs something about it.
#[derive(Debug)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The id of a request that came through here.
    pub(crate) fn of(request: &HttpRequest) -> String {
        let extensions = request.extensions();
        extensions
            .get::<Self>()
            .map_or_else(String::new, |id| id.0.clone())
    }
}

/// Wraps one request.
pub(crate) async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    match catch_panic(next.call(request)).await {
        Ok(Ok(response)) => Ok(complete(response.map_into_boxed_body(), &id)),
        Ok(Err(error)) => Err(bare_refusal(&Problem::internal(&error), &id)),
        Err(_) => Err(bare_refusal(&Problem::internal(&"a handler panicked"), &id)),
    }
}

/// Adds the headers; a refusal becomes a problem with the request's id.
fn complete(response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let mut response = if status.is_client_error() || status.is_server_error() {
        refuse(response, id)
    } else {
        response
    };
    add_security_headers(response.headers_mut(), id);
    response
}

fn refuse(response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let (request, response) = response.into_parts();
    let own = response
        .error()
        .and_then(|error| error.as_error::<Problem>());
    let made;
    let problem = match own {
        Some(problem) => problem,
        None => {
            made = Problem::of_status(response.status());
            &made
        }
    };
    log_cause(problem, id);
    let mut answer = problem.answer(Some(id));
    if let Some(allow) = response.headers().get(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow.clone());
    }
    ServiceResponse::new(request, answer)
}

/// The refusal of a request that was lost on the way.
fn bare_refusal(problem: &Problem, id: &str) -> Error {
    log_cause(problem, id);
    let mut answer = problem.answer(Some(id));
    add_security_headers(answer.headers_mut(), id);
    InternalError::from_response("refused", answer).into()
}

fn log_cause(problem: &Problem, id: &str) {
    if let Some(cause) = problem.cause() {
        Line::error("request failed")
            .field("request_id", id)
            .field("problem", problem.to_string())
            .field("cause", cause)
            .write();
    }
}

fn add_security_headers(headers: &mut HeaderMap, id: &str) {
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, NOTHING_ALLOWED);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, NOT_KEPT);
    }
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, value);
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
}

/// The caller's id if it is a plain word, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
    let given = headers
        .get(REQUEST_ID)
        .map(HeaderValue::as_bytes)
        .filter(|id| (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.iter().all(plain))
        .filter(|id| find_credential(id).is_none());
    match given.and_then(|id| std::str::from_utf8(id).ok()) {
        Some(id) => id.into(),
        None => format!(
            "{:x}-{:x}",
            std::process::id(),
            REQUESTS.fetch_add(1, Ordering::Relaxed)
        ),
    }
}

/// Runs a future to its end or to its first panic.
async fn catch_panic<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => std::task::Poll::Ready(Err(panic)),
        },
    )
    .await
}

#[cfg(test)]
mod tests;
