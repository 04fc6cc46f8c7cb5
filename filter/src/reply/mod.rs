//! Refusals and their answers: one place that turns a reason into status, headers and body.
//!
//! The body is the error JSON of the API that the client speaks, so that its SDK raises its typed
//! exception. Does not decide. Invariant: an answer never holds the credential, nor what would
//! have been allowed.

mod family;
mod limit;

use std::rc::Rc;

use keytable::{Denial, redact};

use crate::credential::CredentialError;
use crate::locator::{Family, Fault, Flaw, Kind};
use crate::outcome::Outcome;
use crate::table::Unavailable;

pub use crate::host::Reply;
pub use limit::{LimitReached, limit_headers};

/// What is told of a key that was deleted, too.
const UNKNOWN_KEY: &str =
    "Incorrect API key provided. Send one valid key, as 'Authorization: Bearer <key>'.";

const UNJUDGED_LIMITS: &str =
    "The limits of this API key cannot be judged at the moment. Try again shortly.";

/// How a key is sent where nothing else is said.
const AS_BEARER: &str = "'Authorization: Bearer <key>'";
/// Longest name that an answer repeats, in bytes.
const ECHO_BYTES_MAX: usize = 256;

/// Why a request does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No usable credential.
    Credential(CredentialError),
    /// The credential is no key of this table.
    UnknownKey,
    /// The key is known and the request is denied. With the resource, the client's own address or the
    /// endpoint, if one is the reason.
    Denied(Denial, Option<String>),
    /// No rule knows this endpoint, and the key needs one that does.
    UnknownEndpoint(String),
    /// The request asks about a resource that is not in scope: as if it did not exist.
    UnknownItem(String),
    /// The body has a Content-Encoding, so it cannot be read.
    Encoding,
    /// The body is not declared as what the endpoint's rule reads.
    ContentType,
    /// It names nothing where the server reads its model. With that place, for people.
    Unnamed(String),
    /// The same, where something stored would choose.
    Unseen(String),
    /// This member or field of it chooses what cannot be seen.
    Indirect(String),
    /// The request is malformed, or says what it says in more than one way.
    Ambiguous(Flaw),
    /// More of the body would have to be held back than is allowed.
    TooLarge,
    /// So much is held back already that this must not be.
    Busy,
    /// The upstream's list cannot be cut down to what the key may see.
    UnreadableList,
    /// The table cannot be used.
    Unavailable(Unavailable),
    /// The key's limits, or its account's, cannot be judged.
    LimitsUnavailable,
    /// What this request would use is told outside of its answer, and the key has a limit of tokens.
    Unmetered(String),
    /// Nothing is left of a limit.
    Limit(Box<LimitReached>),
}

/// Whom an answer is for.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Whose error JSON it understands.
    pub family: Family,
    /// The id of its request, as the access log has it; empty if there is none to show.
    pub request_id: Rc<str>,
}

/// What every family's body says in its own way.
#[derive(Debug)]
struct Explanation {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    /// What becomes of it at an endpoint of this kind: an item out of scope does not exist.
    pub fn of_kind(self, kind: Kind) -> Self {
        match (kind, self) {
            (Kind::Item, Self::Denied(Denial::OutOfScope { .. }, Some(name))) => {
                Self::UnknownItem(name)
            }
            (_, refusal) => refusal,
        }
    }

    /// The answer, in the words of the API that the client speaks. `how`: how a key is sent, for people.
    pub fn reply(&self, client: &Client, how: &str) -> Reply {
        let Client { family, request_id } = client;
        let mut explanation = self.explain();
        explanation.message = explanation.message.replace(AS_BEARER, how);
        let status = explanation.status;
        let mut headers = vec![
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
        ];
        match status {
            401 => headers.push(("www-authenticate", "Bearer")),
            503 => headers.extend([
                ("retry-after", self.retry_after()),
                ("x-should-retry", self.is_retried()),
            ]),
            _ => {}
        }
        let made_headers = match self {
            Self::Limit(reached) => reached.headers(*family),
            _ => Vec::new(),
        };
        if let Self::Limit(reached) = self {
            headers.extend(reached.fixed_headers());
        }
        headers.extend(family::headers(*family, status));
        let body = family::body(*family, &explanation, request_id);
        Reply {
            status,
            details: self.outcome().details(),
            headers,
            made_headers,
            id_headers: family::id_headers(*family),
            request_id: Rc::clone(request_id),
            body: body.to_string().into_bytes(),
        }
    }

    /// Whether an SDK should try again by itself, as it reads that.
    fn is_retried(&self) -> &'static str {
        match self {
            Self::Busy => "true",
            _ => "false",
        }
    }

    /// After how many seconds another try may go better.
    fn retry_after(&self) -> &'static str {
        match self {
            Self::LimitsUnavailable => "5",
            _ => "1",
        }
    }

    fn explain(&self) -> Explanation {
        match self {
            Self::Credential(error) => explained(401, "invalid_api_key", said_of(*error)),
            Self::UnknownKey => explained(401, "invalid_api_key", UNKNOWN_KEY),
            Self::UnknownEndpoint(line) => unknown_endpoint(line),
            Self::Denied(denial, reason) => explain_denial(*denial, reason.as_deref()),
            Self::UnknownItem(name) => explained(
                404,
                "model_not_found",
                format!("The model `{}` does not exist.", printable(name)),
            ),
            Self::Encoding => explained(
                415,
                "unsupported_content_encoding",
                "This API key is limited to a list of models, so the request body must be sent \
                 without Content-Encoding.",
            ),
            Self::ContentType => explained(
                415,
                "unsupported_content_type",
                "This API key is limited to a list of models, so `Content-Type` must declare the request \
                 body as what this endpoint takes: application/json in UTF-8, or multipart/form-data.",
            ),
            Self::Ambiguous(flaw) => {
                let message = format!("The request is refused: {}.", said(flaw));
                explained(400, "invalid_request_body", message)
            }
            Self::Unnamed(place) => {
                let message = format!(
                    "The request is refused: it names no model. This API key is limited to a list of \
                     models, so name one of them in {place}; a server's default does not count."
                );
                explained(400, "invalid_request_body", message)
            }
            Self::Unseen(place) => explained(403, "endpoint_not_allowed", unseen(place)),
            Self::Indirect(place) => explained(403, "endpoint_not_allowed", indirect(place)),
            Self::TooLarge => explained(
                413,
                "request_too_large",
                "The request body is too large to be judged before 'model' is known: send 'model' \
                 earlier in the body, or a smaller body. Whoever runs this gateway can raise its \
                 setting hold_bytes_max, or let such bodies through with beyond_hold.",
            ),
            Self::Busy => explained(
                503,
                "too_much_held",
                "Too many large requests wait for their 'model' at the moment. Try again shortly, or \
                 send 'model' at the beginning of the body.",
            ),
            Self::UnreadableList => explained(
                502,
                "unreadable_model_list",
                "The upstream's list of models could not be limited to what this API key may use.",
            ),
            Self::Unavailable(_) => explained(
                503,
                "key_table_unavailable",
                "API keys cannot be checked at the moment. Try again shortly.",
            ),
            Self::Unmetered(line) => unmetered(line),
            Self::Limit(reached) => {
                let (code, message) = reached.explain();
                explained(429, code, message)
            }
            Self::LimitsUnavailable => explained(503, "limits_unavailable", UNJUDGED_LIMITS),
        }
    }

    /// The reason in one word.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Credential(CredentialError::Missing) => Outcome::NoKey,
            Self::Credential(CredentialError::Malformed) => Outcome::MalformedKey,
            Self::Credential(CredentialError::Conflicting) => Outcome::ConflictingKeys,
            Self::UnknownKey => Outcome::UnknownKey,
            Self::Denied(denial, _) => match denial {
                Denial::Disabled => Outcome::Disabled,
                Denial::Expired { .. } => Outcome::Expired,
                Denial::AddressNotAllowed => Outcome::Address,
                Denial::OutOfScope { .. } => Outcome::Scope,
                Denial::EndpointNotAllowed => Outcome::Endpoint,
            },
            Self::UnknownItem(_) => Outcome::Scope,
            Self::UnknownEndpoint(_) => Outcome::Endpoint,
            Self::Unseen(_) | Self::Indirect(_) => Outcome::Endpoint,
            Self::Encoding => Outcome::BodyEncoding,
            Self::ContentType => Outcome::BodyType,
            Self::Ambiguous(_) | Self::Unnamed(_) => Outcome::Body,
            Self::TooLarge => Outcome::BodySize,
            Self::Busy => Outcome::Busy,
            Self::UnreadableList => Outcome::List,
            Self::Unavailable(Unavailable::NoTable) => Outcome::NoTable,
            Self::Unavailable(Unavailable::LeaseOver) => Outcome::LeaseOver,
            Self::Unavailable(Unavailable::Damaged) => Outcome::TableDamaged,
            Self::LimitsUnavailable => Outcome::LimitsUnavailable,
            Self::Unmetered(_) => Outcome::Endpoint,
            Self::Limit(reached) => match reached.is_exhausted() {
                true => Outcome::Quota,
                false => Outcome::RateLimit,
            },
        }
    }
}

fn unknown_endpoint(line: &str) -> Explanation {
    let message = format!(
        "`{}` is no endpoint that this gateway knows, so this API key may not call it. Check method and \
         path, or ask the gateway's operator for a rule.",
        printable(line)
    );
    explained(403, "endpoint_not_allowed", message)
}

fn unmetered(line: &str) -> Explanation {
    let message = format!(
        "This API key has a limit of tokens, and `{}` does not say in its answer what it uses. Use another \
         endpoint or key, or ask its owner to let it be charged what it is expected to use.",
        printable(line)
    );
    explained(403, "endpoint_not_allowed", message)
}

fn explained(status: u16, code: &'static str, message: impl Into<String>) -> Explanation {
    Explanation {
        status,
        code,
        message: message.into(),
    }
}

/// Nothing is named where something stored would choose.
fn unseen(place: &str) -> String {
    format!(
        "This API key is limited to a list of models, so name one of them in {place}: what is stored \
         with the provider may run any."
    )
}

/// This member or field chooses what cannot be seen.
fn indirect(place: &str) -> String {
    format!(
        "This API key is limited to a list of models, and {} may choose any: leave it out, and name \
         the model itself.",
        printable(place)
    )
}

fn explain_denial(denial: Denial, reason: Option<&str>) -> Explanation {
    let (status, code, message) = match denial {
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
        Denial::AddressNotAllowed => {
            let address = reason.map(|address| format!(" {}", printable(address)));
            let address = address.unwrap_or_default();
            let message = format!("This API key may not be used from your IP address{address}.");
            (403, "ip_not_allowed", message)
        }
        Denial::OutOfScope { .. } => {
            let name = reason.map(printable).unwrap_or_default();
            let message = format!("This API key does not have access to model `{name}`.");
            (403, "model_not_found", message)
        }
        Denial::EndpointNotAllowed => {
            let endpoint = reason.map(|line| format!("`{}`", printable(line)));
            let endpoint = endpoint.unwrap_or_else(|| "this endpoint".to_owned());
            let message = format!(
                "This API key is limited to a list and may not call {endpoint}. Ask its owner to grant it."
            );
            (403, "endpoint_not_allowed", message)
        }
    };
    Explanation {
        status,
        code,
        message,
    }
}

/// What a client did wrong with its credential; nothing of what a key may do.
fn said_of(error: CredentialError) -> &'static str {
    match error {
        CredentialError::Missing => {
            "No API key was sent. Send one valid key, as 'Authorization: Bearer <key>'."
        }
        CredentialError::Malformed => {
            "What was sent is not an API key of this gateway: check that it was copied whole, and send it \
             as 'Authorization: Bearer <key>'."
        }
        CredentialError::Conflicting => {
            "More than one API key was sent, or one place holds several: send one valid key in one place, as \
             'Authorization: Bearer <key>'."
        }
    }
}

/// What is wrong and where; the place may be in a client's words.
fn said(flaw: &Flaw) -> String {
    match &flaw.at {
        Some(place) => format!("{} ({})", flaw.what, printable(place)),
        None => flaw.what.to_owned(),
    }
}

/// A client's text, cut, without a credential and control characters; JSON escapes the rest.
fn printable(name: &str) -> String {
    let cut = redact(name)
        .char_indices()
        .take_while(|(at, _)| *at < ECHO_BYTES_MAX);
    cut.map(|(_, c)| if c.is_control() { '\u{fffd}' } else { c })
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

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Encoding => Self::Encoding,
            Fault::ContentType => Self::ContentType,
            Fault::Ambiguous(what) => Self::Ambiguous(what),
            Fault::Indirect(place) => Self::Indirect(place),
            Fault::Unnamed(place) => Self::Unnamed(place),
            Fault::Unseen(place) => Self::Unseen(place),
        }
    }
}
