//! Refusals and their answers: one place that turns a reason into status, headers and body.
//!
//! The body is the error JSON of OpenAI's API, so that SDKs raise their typed exceptions. Does not
//! decide. Invariant: an answer never holds the credential, nor what would have been allowed.

use keytable::Denial;

use crate::credential::CredentialError;
use crate::locator::BodyRefusal;
use crate::table::Unavailable;

/// Longest name that an answer repeats, in bytes.
const ECHO_BYTES_MAX: usize = 256;

/// Why a request does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No usable credential.
    Credential(CredentialError),
    /// The credential is no key of this table.
    UnknownKey,
    /// The key is known and the request is denied. With the resource, if one is the reason.
    Denied(Denial, Option<Vec<u8>>),
    /// The body cannot be read under the rule of its endpoint.
    Body(BodyRefusal),
    /// The body is malformed, or says what it says in more than one way.
    Ambiguous(&'static str),
    /// More of the body would have to be held back than is allowed.
    TooLarge,
    /// The table cannot be used.
    Unavailable(Unavailable),
}

/// An answer to a client.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The reason in one word, for `%RESPONSE_CODE_DETAILS%`.
    pub details: &'static str,
    /// Headers besides the status.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body, JSON.
    pub body: Vec<u8>,
}

impl Refusal {
    /// The answer.
    pub fn reply(&self) -> Reply {
        let (status, code, message) = self.explain();
        let kind = if status == 503 {
            "server_error"
        } else {
            "invalid_request_error"
        };
        let error = serde_json::json!({
            "error": { "message": message, "type": kind, "param": null, "code": code }
        });
        let mut headers = vec![
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
        ];
        match status {
            401 => headers.push(("www-authenticate", "Bearer")),
            503 => headers.extend([("retry-after", "1"), ("x-should-retry", "false")]),
            _ => {}
        }
        Reply {
            status,
            details: self.details(),
            headers,
            body: error.to_string().into_bytes(),
        }
    }

    /// Status, code and message.
    fn explain(&self) -> (u16, &'static str, String) {
        match self {
            Self::Credential(_) | Self::UnknownKey => (
                401,
                "invalid_api_key",
                "Incorrect API key provided. Send one valid key, as 'Authorization: Bearer <key>'."
                    .to_owned(),
            ),
            Self::Denied(denial, resource) => explain_denial(*denial, resource.as_deref()),
            Self::Body(BodyRefusal::Encoding) => (
                415,
                "unsupported_content_encoding",
                "This API key is limited to a list of models, so the request body must be sent \
                 without Content-Encoding."
                    .to_owned(),
            ),
            Self::Body(BodyRefusal::ContentType) => (
                415,
                "unsupported_content_type",
                "Send the request body as 'Content-Type: application/json' in UTF-8.".to_owned(),
            ),
            Self::Ambiguous(what) => (
                400,
                "invalid_request_body",
                format!("The request body is refused: {what}."),
            ),
            Self::TooLarge => (
                413,
                "request_too_large",
                "The request body is too large to be judged before 'model' is known: send 'model' \
                 earlier in the body, or a smaller body."
                    .to_owned(),
            ),
            Self::Unavailable(_) => (
                503,
                "key_table_unavailable",
                "API keys cannot be checked at the moment. Try again shortly.".to_owned(),
            ),
        }
    }

    /// One word per reason; finer than what the client learns.
    fn details(&self) -> &'static str {
        match self {
            Self::Credential(CredentialError::Missing) => "latchkey_no_key",
            Self::Credential(CredentialError::Malformed) => "latchkey_malformed_key",
            Self::Credential(CredentialError::Conflicting) => "latchkey_conflicting_keys",
            Self::UnknownKey => "latchkey_unknown_key",
            Self::Denied(denial, _) => match denial {
                Denial::Disabled => "latchkey_disabled",
                Denial::Expired { .. } => "latchkey_expired",
                Denial::AddressNotAllowed => "latchkey_address",
                Denial::OutOfScope { .. } => "latchkey_scope",
                Denial::EndpointNotAllowed => "latchkey_endpoint",
            },
            Self::Body(BodyRefusal::Encoding) => "latchkey_body_encoding",
            Self::Body(BodyRefusal::ContentType) => "latchkey_body_type",
            Self::Ambiguous(_) => "latchkey_body",
            Self::TooLarge => "latchkey_body_size",
            Self::Unavailable(Unavailable::NoTable) => "latchkey_no_table",
            Self::Unavailable(Unavailable::LeaseOver) => "latchkey_lease_over",
            Self::Unavailable(Unavailable::Damaged) => "latchkey_table_damaged",
        }
    }
}

fn explain_denial(denial: Denial, resource: Option<&[u8]>) -> (u16, &'static str, String) {
    match denial {
        Denial::Disabled => (
            401,
            "api_key_disabled",
            "This API key is disabled. Ask its owner to enable it, or use another key.".to_owned(),
        ),
        Denial::Expired { .. } => (
            401,
            "api_key_expired",
            "This API key has expired. Use a new key.".to_owned(),
        ),
        Denial::AddressNotAllowed => (
            403,
            "ip_not_allowed",
            "This API key may not be used from your IP address.".to_owned(),
        ),
        Denial::OutOfScope { .. } => {
            let name = resource.map(printable).unwrap_or_default();
            let message = format!("This API key does not have access to model `{name}`.");
            (403, "model_not_found", message)
        }
        Denial::EndpointNotAllowed => (
            403,
            "endpoint_not_allowed",
            "This API key is limited to a list of models and may not call this endpoint."
                .to_owned(),
        ),
    }
}

/// A client's text, cut and without control characters; JSON escapes the rest.
fn printable(name: &[u8]) -> String {
    let cut = name.get(..ECHO_BYTES_MAX).unwrap_or(name);
    let text = String::from_utf8_lossy(cut);
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

// === impl From for Refusal ===

impl From<Unavailable> for Refusal {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

impl From<CredentialError> for Refusal {
    fn from(error: CredentialError) -> Self {
        Self::Credential(error)
    }
}
