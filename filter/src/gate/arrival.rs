//! What has arrived with the headers of a request, looked at once: its rule, and whom an error is for.
//!
//! Does not judge names or read the credential. Invariant: what is found here holds until the
//! request is over; later the headers are gone, and before that the credential.

use super::GateShared;
use super::holder::denied;
use crate::config::UnknownEndpoint;
use crate::headers::HeaderMap;
use crate::locator::{Family, Located};
use crate::reply::Refusal;

/// What has arrived.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    pub(super) headers: &'a HeaderMap,
    /// The rule of its endpoint; `None` if there is none.
    pub(super) located: Option<Located<'a>>,
    /// Whose error JSON its client understands.
    pub(super) family: Family,
    /// There is no body.
    pub(super) end_of_stream: bool,
}

// === impl Arrival ===

impl<'a> Arrival<'a> {
    pub(super) fn read(
        shared: &'a GateShared,
        headers: &'a HeaderMap,
        end_of_stream: bool,
    ) -> Self {
        let located = shared.locators.locate(headers);
        let of_rule = located.map(|located| located.rule.family);
        Self {
            headers,
            located,
            family: family_of(headers, of_rule, shared.config.errors),
            end_of_stream,
        }
    }

    /// Whether a key for everything may call an endpoint that no rule knows.
    pub(super) fn check_endpoint(&self, shared: &GateShared) -> Result<(), Refusal> {
        let refused =
            shared.config.unknown_endpoint == UnknownEndpoint::Deny && self.located.is_none();
        match refused {
            true => Err(denied(keytable::Denial::EndpointNotAllowed)),
            false => Ok(()),
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
