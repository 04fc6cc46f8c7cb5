//! Refusals as `application/problem+json` (RFC 9457): what the caller reads, what the log gets.
//!
//! Does not decide what is refused. Invariant: the cause of a failure of ours goes to the log
//! only; the caller gets the request's id to quote.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpResponse, ResponseError};
use keytable::redact;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::identity::rights::BeyondRights;
use crate::domain::secrets::entropy::EntropyError;
use crate::domain::secrets::sealed::SealError;
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
    /// A header that belongs to this refusal.
    header: Option<Box<(HeaderName, String)>>,
    /// For the log only.
    cause: Option<String>,
}

/// One field or parameter that cannot stay as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// Where: `ip_allowlist[0]`, `scope.models`, `limit`
    pub field: String,
    /// What to write instead
    pub detail: String,
}

/// A refusal, as RFC 9457 has it; clients let be what they do not know of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem", extend("additionalProperties" = true))]
pub(crate) struct ProblemBody<'a> {
    /// Which kind of refusal, an address that does not have to lead anywhere
    #[schemars(extend("format" = "uri"))]
    r#type: String,
    /// The same for people
    title: &'a str,
    /// The status of the answer
    status: u16,
    /// What was wrong this time, and what to do
    detail: &'a str,
    /// Each field or parameter that cannot stay as it is
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
    /// The id of the request, to be quoted
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
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
            header: None,
            cause: None,
        }
    }

    /// 400: the body is no JSON that has one meaning.
    pub fn malformed_body(detail: &str) -> Self {
        let title = "The body is not well-formed JSON";
        let detail = redact(detail);
        Self::new(StatusCode::BAD_REQUEST, "malformed-body", title, detail)
    }

    /// 400: the body is no batch of usage.
    pub fn malformed_usage(detail: &str) -> Self {
        let title = "The body is no batch of usage";
        Self::new(StatusCode::BAD_REQUEST, "malformed-usage", title, detail)
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

    /// 403: somebody who may not do this.
    pub fn forbidden(detail: &str) -> Self {
        let title = "The caller may not do this";
        Self::new(StatusCode::FORBIDDEN, "forbidden", title, detail)
    }

    /// 401: the password is right, and the user has a second factor.
    pub fn code_required() -> Self {
        let detail = "repeat the call with `totp`, the code that the user's device shows";
        let title = "The code of the second factor is needed";
        Self::new(StatusCode::UNAUTHORIZED, "code-required", title, detail)
    }

    /// 403: somebody who has logged in did not prove who they are.
    pub fn verification_refused() -> Self {
        let detail = "the password or the code is wrong";
        let title = "The proof of identity is wrong";
        Self::new(StatusCode::FORBIDDEN, "verification-refused", title, detail)
    }

    /// 403: a page of another site has made the call.
    pub fn cross_site() -> Self {
        let detail = "call from the sidecar's own page, or with an API token and no cookie";
        let title = "Another site's page may not do this";
        Self::new(StatusCode::FORBIDDEN, "cross-site", title, detail)
    }

    /// 403: the caller may, after proving their identity again.
    pub fn verification_required() -> Self {
        let detail = "prove who you are with POST /v1/verifications, then repeat this call within \
                      5 minutes; each proof serves for calls of one kind";
        let title = "Proof of identity is needed";
        let slug = "verification-required";
        Self::new(StatusCode::FORBIDDEN, slug, title, detail)
    }

    /// 405: the path has these methods.
    pub fn other_methods(methods: &[&str]) -> Self {
        let problem = Self::of_status(StatusCode::METHOD_NOT_ALLOWED);
        let header = Some(Box::new((header::ALLOW, methods.join(", "))));
        Self { header, ..problem }
    }

    /// 409: the present state does not allow it.
    pub fn conflict(slug: &'static str, detail: &str) -> Self {
        let title = "Not possible in the present state";
        Self::new(StatusCode::CONFLICT, slug, title, detail)
    }

    /// 412: it is not in the state that the caller has read.
    pub fn stale() -> Self {
        let detail = "it was changed meanwhile: read it again and repeat with its new ETag";
        let title = "It was changed meanwhile";
        Self::new(StatusCode::PRECONDITION_FAILED, "stale", title, detail)
    }

    /// 413: the body is larger than is read.
    pub fn too_large(bytes_max: usize) -> Self {
        let detail = format!("send at most {bytes_max} bytes");
        let title = "The body is too large";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title, &detail)
    }

    /// 415: the body is no JSON by its own account.
    pub fn unsupported_media_type() -> Self {
        let (title, detail) = (
            "The body is of another type",
            "send `Content-Type: application/json`",
        );
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "unsupported-media-type", title, detail)
    }

    /// 421: the request is for a name that is not ours.
    pub fn misdirected() -> Self {
        let (title, detail) = (
            "The request is for another host",
            "call the sidecar by address, or start it with --admin-host and this name",
        );
        let status = StatusCode::MISDIRECTED_REQUEST;
        Self::new(status, "misdirected", title, detail)
    }

    /// 422: these fields cannot be stored.
    pub fn invalid_fields(errors: Vec<FieldError>) -> Self {
        let (title, detail) = ("A field is not valid", "see errors for each field");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let problem = Self::new(status, "invalid-field", title, detail);
        Self { errors, ..problem }
    }

    /// 422: these entries of a scope are not in the catalog.
    fn unlisted(errors: Vec<FieldError>) -> Self {
        let detail = "see errors for each entry, or add ?allow_unlisted=true";
        Self {
            detail: detail.into(),
            ..Self::invalid_fields(errors)
        }
    }

    /// 429: too many attempts to prove who somebody is.
    pub fn too_many_attempts(wait_s: u64) -> Self {
        let detail = format!("there were too many attempts: wait {wait_s} s");
        let title = "Too many attempts";
        let status = StatusCode::TOO_MANY_REQUESTS;
        let problem = Self::new(status, "too-many-attempts", title, &detail);
        let header = Some(Box::new((header::RETRY_AFTER, wait_s.to_string())));
        Self { header, ..problem }
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

    /// 503: it may have been done, and nobody can say so now.
    fn outcome_unknown(detail: &str) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(
            status,
            "outcome-unknown",
            "The outcome is not known",
            detail,
        )
    }

    /// 507: the disk is full. The cause is logged.
    pub(crate) fn disk_full(cause: &dyn fmt::Display) -> Self {
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

    /// Which kind of problem it is.
    pub(crate) const fn slug(&self) -> &'static str {
        self.slug
    }

    /// What is wrong, in one line and without the names of fields.
    pub(crate) fn explanation(&self) -> String {
        let errors = self.errors.iter();
        let errors: Vec<_> = errors.map(|error| error.detail.as_str()).collect();
        match errors.is_empty() {
            true => self.detail.clone(),
            false => errors.join("; "),
        }
    }

    /// The fields that are wrong, and what is.
    pub(crate) fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// What the log gets besides the status.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The answer, with the id of the request.
    pub(crate) fn answer(&self, request_id: Option<&str>) -> HttpResponse {
        let body = ProblemBody {
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
        if let Some((name, value)) = self.header.as_deref() {
            answer.insert_header((name.clone(), value.as_str()));
        }
        answer
            .insert_header((header::CONTENT_TYPE, "application/problem+json"))
            .body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

impl FieldError {
    /// An error of one field. What was written there is repeated without a credential.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: redact(&field.into()).into(),
            detail: redact(&detail.into()).into(),
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
            StoreError::UnknownTenant { account, region } => {
                let unknown = [(account, "account"), (region, "region")];
                let unknown = unknown.into_iter().filter(|(unknown, _)| *unknown);
                Self::invalid_fields(unknown.map(|(_, name)| field(name)).collect())
            }
            StoreError::LimitReached { limit } => Self::key_limit_reached(limit),
            StoreError::NotFound => Self::not_found("there is no such key"),
            StoreError::NotConfirmed => Self::invalid_fields(vec![FieldError::new(
                "confirm",
                "must be the name of the key, so that it is this one",
            )]),
            StoreError::Stale => Self::stale(),
            StoreError::Immutable(parts) => {
                let advice = "cannot be changed: make a new key, or leave it out or as it is";
                let error = |part: &str| FieldError::new(part, advice);
                Self::invalid_fields(parts.into_iter().map(error).collect())
            }
            StoreError::Unknown(_) => Self::not_found(&error.to_string()),
            StoreError::Taken(_) => Self::conflict("taken", &error.to_string()),
            StoreError::Conflict(_) => Self::conflict("conflict", &error.to_string()),
            StoreError::Beyond(error) => error.into(),
            StoreError::MadeAndGone(_) => Self::conflict("made-and-gone", &error.to_string()),
            StoreError::KeyReused => Self::conflict("idempotency-key-reused", &error.to_string()),
            StoreError::Full(cause) => Self::disk_full(&cause),
            StoreError::Unavailable(cause) => {
                Self::unavailable("nothing was changed: try again", &cause)
            }
            StoreError::Unlisted(unlisted) => Self::unlisted(
                unlisted
                    .into_iter()
                    .map(|entry| FieldError::new(entry.field, entry.advice))
                    .collect(),
            ),
            StoreError::NotRecoverable => Self::conflict("not-recoverable", &error.to_string()),
            StoreError::Sealed(error) => error.into(),
            StoreError::Unsynced | StoreError::Ousted => {
                Self::unavailable(&error.to_string(), &error)
            }
            StoreError::Unsettled => Self::outcome_unknown(&error.to_string()),
            StoreError::Broken(cause) => Self::internal(&cause),
        }
    }
}

impl From<BeyondRights> for Problem {
    fn from(error: BeyondRights) -> Self {
        Self::forbidden(&error.to_string())
    }
}

impl From<SealError> for Problem {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Entropy => EntropyError.into(),
            SealError::UnknownMasterKey(_) | SealError::Damaged => Self::internal(&error),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_problem_repeats_a_credential_that_stands_in_a_body() {
        let key = format!("sk-ant-{}", "a1".repeat(20));
        let malformed = Problem::malformed_body(&format!("the member {key} is there twice"));
        assert_eq!(malformed.detail, "(redacted)");
        let field = FieldError::new(format!("scope.{key}"), format!("{key} is no model"));
        assert_eq!([field.field, field.detail], ["(redacted)", "(redacted)"]);
        let plain = FieldError::new("name", "must be a text");
        assert_eq!([plain.field, plain.detail], ["name", "must be a text"]);
    }
}
