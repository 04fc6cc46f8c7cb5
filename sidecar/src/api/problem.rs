//! Refusals as `application/problem+json` (RFC 9457): what the caller reads, what the log gets.
//!
//! Does not decide what is refused. Invariant: the cause of a failure of ours goes to the log
//! only; the caller gets the request's id to quote.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::domain::entropy::EntropyError;
use crate::store::StoreError;

/// Where the kinds of problems are described.
const TYPE_BASE: &str = "https://latchkey.dev/problems/";

/// The header that carries a request's id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// One refusal.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    /// For the log only.
    cause: Option<String>,
}

/// One field or parameter that cannot stay as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where: `ip_allowlist[0]`, `scope.models`, `limit`.
    pub field: String,
    /// What to write instead.
    pub detail: String,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Problem {
    fn new(status: StatusCode, slug: &'static str, title: &'static str, detail: &str) -> Self {
        Self {
            status,
            slug,
            title,
            detail: detail.into(),
            errors: Vec::new(),
            cause: None,
        }
    }

    /// 400: the body is no JSON that has one meaning.
    pub fn malformed_body(detail: &str) -> Self {
        let title = "The body is not well-formed JSON";
        Self::new(StatusCode::BAD_REQUEST, "malformed-body", title, detail)
    }

    /// 400: these query parameters cannot be read.
    pub fn invalid_parameters(errors: Vec<FieldError>) -> Self {
        let (title, detail) = ("A parameter is not valid", "see errors for each parameter");
        let status = StatusCode::BAD_REQUEST;
        let problem = Self::new(status, "invalid-parameter", title, detail);
        Self { errors, ..problem }
    }

    /// 401.
    pub fn unauthorized(detail: &str) -> Self {
        let title = "The credential is missing or wrong";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", title, detail)
    }

    /// 404.
    pub fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// 409: an account has as many keys as it may have.
    pub fn key_limit_reached(limit: u64) -> Self {
        let detail = format!(
            "the account has {limit} of {limit} keys: delete one that is not used, or ask the \
             operator of this installation to raise the account's limit"
        );
        let title = "The account's key limit is reached";
        Self::new(StatusCode::CONFLICT, "key-limit-reached", title, &detail)
    }

    /// 412: the key is not in the state that the caller has read.
    pub fn stale() -> Self {
        let detail = "the key was changed meanwhile: read it again and repeat with its new ETag";
        let title = "The key was changed meanwhile";
        Self::new(StatusCode::PRECONDITION_FAILED, "stale", title, detail)
    }

    /// 413: the body is larger than is read.
    pub fn too_large(bytes_max: usize) -> Self {
        let detail = format!("send at most {bytes_max} bytes");
        let title = "The body is too large";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title, &detail)
    }

    /// 422: these fields cannot be stored.
    pub fn invalid_fields(errors: Vec<FieldError>) -> Self {
        let (title, detail) = ("A field is not valid", "see errors for each field");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let problem = Self::new(status, "invalid-field", title, detail);
        Self { errors, ..problem }
    }

    /// 500: we failed. The cause is logged.
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let detail = "the sidecar failed: quote the request_id to whoever runs it";
        let problem = Self::new(status, "internal", "The sidecar failed", detail);
        let cause = Some(cause.to_string());
        Self { cause, ..problem }
    }

    /// 503: this process is about to end.
    pub fn stopping() -> Self {
        let (title, detail) = (
            "Not available now",
            "the sidecar is stopping: ask again soon",
        );
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            title,
            detail,
        )
    }

    /// 503: it may work later. The cause is logged.
    pub fn unavailable(detail: &str, cause: &dyn fmt::Display) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let problem = Self::new(status, "unavailable", "Not available now", detail);
        let cause = Some(cause.to_string());
        Self { cause, ..problem }
    }

    /// 507: the disk is full. The cause is logged.
    fn disk_full(cause: &dyn fmt::Display) -> Self {
        let status = StatusCode::INSUFFICIENT_STORAGE;
        let detail = "nothing was changed: make room on the sidecar's disk and try again";
        let problem = Self::new(status, "disk-full", "The disk is full", detail);
        let cause = Some(cause.to_string());
        Self { cause, ..problem }
    }

    /// A refusal that the web framework made on its own.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found("there is no such call"),
            StatusCode::METHOD_NOT_ALLOWED => {
                let detail = "see the Allow header for the methods of this call";
                Self::new(status, "method-not-allowed", "Method not allowed", detail)
            }
            status if status.is_client_error() => {
                let detail = "the request cannot be read";
                Self::new(status, "bad-request", "The request cannot be read", detail)
            }
            _ => Self::internal(&"the web framework failed"),
        }
    }

    /// What the log gets besides the status.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The answer, with the id of the request.
    pub(crate) fn answer(&self, request_id: Option<&str>) -> HttpResponse {
        let body = Body {
            r#type: format!("{TYPE_BASE}{}", self.slug),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
            request_id,
        };
        let mut answer = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"latchkey\""));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((header::RETRY_AFTER, "1"));
        }
        answer
            .insert_header((header::CONTENT_TYPE, "application/problem+json"))
            .body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

impl FieldError {
    /// An error of one field.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            detail: detail.into(),
        }
    }
}

// === impl Problem ===

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.answer(None)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let field = |name: &str| FieldError::new(name, format!("there is no such {name}"));
        match error {
            StoreError::UnknownHome { account, region } => {
                let unknown = [(account, "account"), (region, "region")];
                let unknown = unknown.into_iter().filter(|(unknown, _)| *unknown);
                Self::invalid_fields(unknown.map(|(_, name)| field(name)).collect())
            }
            StoreError::LimitReached { limit } => Self::key_limit_reached(limit),
            StoreError::NotFound => Self::not_found("there is no such key"),
            StoreError::NotConfirmed => Self::invalid_fields(vec![FieldError::new(
                "confirm",
                "must be the name of the key: deleting cannot be undone",
            )]),
            StoreError::Stale => Self::stale(),
            StoreError::Full(cause) => Self::disk_full(&cause),
            StoreError::Unavailable(cause) => {
                Self::unavailable("nothing was changed: try again", &cause)
            }
            StoreError::DeadValue => Self::internal(&error),
            StoreError::Broken(cause) => Self::internal(&cause),
        }
    }
}

impl From<EntropyError> for Problem {
    fn from(error: EntropyError) -> Self {
        Self::unavailable("nothing was changed: try again", &error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}
