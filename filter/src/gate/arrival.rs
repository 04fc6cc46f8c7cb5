//! What has arrived with the headers of a request, looked at once: its rule, and whom an error is for.
//!
//! Does not judge names or read the credential. Invariant: what is found here holds until the
//! request is over; later the headers are gone, and before that the credential.

use std::rc::Rc;

use keytable::Denial;
use keytable::redact::{redact_bytes, redact_path};

use super::GateShared;
use crate::config::UnknownEndpoint;
use crate::headers::HeaderMap;
use crate::locator::path_only;
use crate::locator::{Family, Located};
use crate::reply::{Client, Refusal};

/// What has arrived.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    pub(super) headers: &'a HeaderMap,
    /// The rule of its endpoint; `None` if there is none.
    pub(super) located: Option<Located<'a>>,
    /// Whom an answer is for.
    pub(super) client: Client,
    /// There is no body.
    pub(super) end_of_stream: bool,
}

// === impl Arrival ===

impl<'a> Arrival<'a> {
    pub(super) fn read(
        shared: &'a GateShared,
        headers: &'a HeaderMap,
        request_id: Rc<str>,
        end_of_stream: bool,
    ) -> Self {
        let located = shared.locators.locate(headers);
        let of_rule = located.map(|located| located.rule.family);
        Self {
            headers,
            located,
            client: Client {
                family: family_of(headers, of_rule, shared.config.errors),
                request_id,
            },
            end_of_stream,
        }
    }

    /// Whether a key for everything may call an endpoint that no rule knows.
    pub(super) fn check_endpoint(&self, shared: &GateShared) -> Result<(), Refusal> {
        let refused =
            shared.config.unknown_endpoint == UnknownEndpoint::Deny && self.located.is_none();
        match refused {
            true => Err(Refusal::UnknownEndpoint(self.line())),
            false => Ok(()),
        }
    }

    /// Method and path, for people; a credential in them is not.
    pub(super) fn line(&self) -> String {
        let header = |name: &[u8]| self.headers.get(name).unwrap_or_default();
        let method = redact_bytes(header(b":method"));
        let line = [method, b" ", &redact_path(path_only(header(b":path")))].concat();
        String::from_utf8_lossy(&line).into_owned()
    }

    /// A denial of the endpoint itself says which it is.
    pub(super) fn named(&self, refusal: Refusal) -> Refusal {
        match refusal {
            Refusal::Denied(Denial::EndpointNotAllowed, None) => {
                Refusal::Denied(Denial::EndpointNotAllowed, Some(self.line()))
            }
            refusal => refusal,
        }
    }
}

/// The family of the rule, unless headers tell of another client.
fn family_of(headers: &HeaderMap, of_rule: Option<Family>, configured: Option<Family>) -> Family {
    if headers.get(b"anthropic-version").is_some() {
        return Family::Anthropic;
    }
    if headers.get(b"x-goog-api-key").is_some() {
        return Family::Google;
    }
    let under_openai = |path: &[u8]| path.starts_with(b"/openai/");
    if headers.get(b"api-key").is_some() && headers.get(b":path").is_some_and(under_openai) {
        return Family::Azure;
    }
    match (of_rule, configured) {
        (None | Some(Family::OpenAi), Some(configured)) => configured,
        (of_rule, _) => of_rule.unwrap_or_default(),
    }
}

/// How large a body is said to be, in bytes; `None` if its end is told otherwise.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(b"content-length")?;
    std::str::from_utf8(value).ok()?.parse().ok()
}
