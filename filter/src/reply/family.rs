//! One refusal in the words of each API family.
//!
//! Status and message are the same for all; where the message stands and which code goes with it
//! is what each family's SDK reads. Does not choose the family. Invariant: every family has a body
//! for every status that a refusal can have.

use serde_json::{Value, json};

use super::Explanation;
use crate::locator::Family;

/// The body. `request_id` stands where a family's clients look for one.
pub(super) fn body(family: Family, explanation: &Explanation, request_id: &str) -> Value {
    let Explanation {
        status,
        code,
        message,
    } = explanation;
    match family {
        Family::OpenAi => {
            let kind = match *status {
                429 if *code == "insufficient_quota" => "insufficient_quota",
                429 => "rate_limit_error",
                500.. => "server_error",
                _ => "invalid_request_error",
            };
            json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
        }
        Family::Azure => json!({"error": {"code": azure_code(*status), "message": message}}),
        Family::Anthropic => json!({
            "type": "error",
            "error": {"type": anthropic_type(*status), "message": message},
            "request_id": request_id
        }),
        Family::Google => json!({
            "error": {"code": status, "message": message, "status": google_status(*status)}
        }),
        Family::Aws | Family::Cohere => json!({"message": message}),
        Family::Ollama => json!({"error": message}),
        Family::DashScope => {
            json!({"code": dashscope_code(*status), "message": message, "request_id": request_id})
        }
        Family::TokenHub => {
            let (kind, number) = tokenhub_code(*status, code);
            json!({"error": {
                "type": kind, "code": number, "message": message, "source": "gateway",
                "request_id": request_id
            }})
        }
        Family::Tei => json!({"error": message, "error_type": code}),
        Family::Mcp => json!({
            "jsonrpc": "2.0", "id": null, "error": {"code": -32_001, "message": message}
        }),
    }
}

/// Headers in which a family's SDK looks for the id of a request, and the one that all answers have.
pub(super) fn id_headers(family: Family) -> &'static [&'static str] {
    match family {
        Family::Anthropic => &["x-request-id", "request-id"],
        Family::Aws => &["x-request-id", "x-amzn-requestid"],
        _ => &["x-request-id"],
    }
}

/// Headers that a family's SDK reads besides the body.
pub(super) fn headers(family: Family, status: u16) -> Option<(&'static str, &'static str)> {
    match family {
        Family::Aws => Some(("x-amzn-errortype", aws_type(status))),
        _ => None,
    }
}

fn azure_code(status: u16) -> String {
    if status == 404 {
        "DeploymentNotFound".to_owned()
    } else {
        status.to_string()
    }
}

fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

fn google_status(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        400..=499 => "INVALID_ARGUMENT",
        _ => "UNAVAILABLE",
    }
}

fn aws_type(status: u16) -> &'static str {
    match status {
        401 => "UnrecognizedClientException",
        403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        429 => "ThrottlingException",
        400..=499 => "ValidationException",
        _ => "ServiceUnavailableException",
    }
}

fn dashscope_code(status: u16) -> &'static str {
    match status {
        401 => "InvalidApiKey",
        403 => "AccessDenied",
        404 => "ModelNotFound",
        429 => "Throttling",
        400..=499 => "InvalidParameter",
        _ => "ServiceUnavailable",
    }
}

fn tokenhub_code(status: u16, code: &str) -> (&'static str, &'static str) {
    match (status, code) {
        (401, _) => ("authentication_error", "401002"),
        (403, "ip_not_allowed") => ("permission_error", "403005"),
        (403, "endpoint_not_allowed") => ("permission_error", "403002"),
        (403 | 404, _) => ("permission_error", "403001"),
        (429, _) => ("rate_limit_error", "429001"),
        (400..=499, _) => ("invalid_request_error", "400001"),
        _ => ("server_error", "502001"),
    }
}
