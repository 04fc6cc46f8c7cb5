//! Refusals in the words of Tencent Cloud API 3.0.
//!
//! Does not decide what is refused. Invariant: the cause of a failure of ours goes to the log
//! only; the caller gets the request's id to quote.

use crate::http::problem::Problem;
use crate::tokenhub::replay::Replay;
use crate::tokenhub::signature::SignatureError;

/// One refusal.
#[derive(Debug)]
pub(crate) struct Fault {
    /// What programs read.
    pub(crate) code: &'static str,
    /// What people read.
    pub(crate) message: String,
    /// For the log only.
    pub(crate) cause: Option<String>,
}

impl Fault {
    /// A refusal with this code.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            cause: None,
        }
    }

    /// The request is not signed as it has to be.
    pub(crate) fn signature(message: impl Into<String>) -> Self {
        Self::new("AuthFailure.SignatureFailure", message)
    }

    /// A parameter that has to be there is not.
    pub(crate) fn missing(name: &str) -> Self {
        let message = format!("The parameter `{name}` must be given.");
        Self::new("MissingParameter.MissingParameter", message)
    }

    /// A parameter that this action does not have, or not together with another one.
    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameter.InvalidParameter", message)
    }

    /// A parameter with a value that it cannot have.
    pub(crate) fn value(name: &str, detail: impl std::fmt::Display) -> Self {
        let message = format!("The parameter `{name}` {detail}.");
        Self::new("InvalidParameterValue.InvalidParameterValue", message)
    }

    /// There is no such thing, or not for this caller.
    pub(crate) fn not_found(what: &str) -> Self {
        let message = format!("There is no such {what} in this account and region.");
        Self::new("ResourceNotFound.ResourceNotFound", message)
    }

    /// The present state does not allow it.
    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new("OperationDenied.OperationDenied", message)
    }

    /// We failed.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        let message = "The sidecar failed: quote the RequestId to whoever runs it.";
        Self {
            cause: Some(cause.to_string()),
            ..Self::new("InternalError.InternalError", message)
        }
    }
}

/// What the rules and the store refuse, in this API's codes.
fn code_of(slug: &str) -> Option<&'static str> {
    Some(match slug {
        "unauthorized" => "AuthFailure.SignatureFailure",
        "forbidden" | "verification-required" => "UnauthorizedOperation.UnauthorizedOperation",
        "not-found" => "ResourceNotFound.ResourceNotFound",
        "key-limit-reached" => "LimitExceeded",
        "invalid-field" | "invalid-parameter" => "InvalidParameterValue.InvalidParameterValue",
        "malformed-body" | "too-large" => "InvalidParameter.InvalidParameter",
        "conflict" | "taken" | "stale" | "not-recoverable" | "already-done" | "made-and-gone" => {
            "OperationDenied.OperationDenied"
        }
        "too-many-attempts" => "RequestLimitExceeded",
        _ => return None,
    })
}

// === impl Fault ===

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        match code_of(problem.slug()) {
            Some(code) => Self::new(code, problem.explanation()),
            None => Self::internal(problem.cause().map_or_else(
                || problem.explanation(),
                |cause| format!("{}: {cause}", problem.explanation()),
            )),
        }
    }
}

impl From<SignatureError> for Fault {
    fn from(error: SignatureError) -> Self {
        Self::signature(match error {
            SignatureError::Form => {
                "Sign the request: `Authorization: TC3-HMAC-SHA256 Credential=..., \
                 SignedHeaders=..., Signature=...`."
            }
            SignatureError::Headers => {
                "SignedHeaders must have content-type and host, in lower case and in order."
            }
            SignatureError::Header => "Each signed header must be sent once.",
            SignatureError::Date => {
                "The date of the credential must be that of X-TC-Timestamp in UTC."
            }
            SignatureError::Service => "The credential must be for the service tokenhub.",
            SignatureError::Mismatch => {
                "The signature does not fit the request and the secret key; `/` is the path that \
                 is signed, and values of headers are in lower case."
            }
        })
    }
}

impl From<Replay> for Fault {
    fn from(replay: Replay) -> Self {
        match replay {
            Replay::Repeated => Self::signature(
                "This request was received before. Clients sign whole seconds: repeat an equal \
                 call in the next one.",
            ),
            Replay::Full => {
                let message = "The access key has sent too many requests: slow down.";
                Self::new("RequestLimitExceeded", message)
            }
        }
    }
}
