//! What access logs may have of a request: its method, its path and its id, without a credential.
//!
//! Envoy's own operators print what the client sent, also where the gate was never asked; so the
//! documented log prints what stands here, and nothing where nothing does. Does not decide, except
//! that a path with a key in it goes nowhere.
//!
//! Invariant: neither query nor credential is left here, whatever the client sent.

use std::rc::Rc;

use keytable::find_credential;
use keytable::redact::{CredentialKind, redact_bytes, redact_path};

use crate::headers::HeaderMap;
use crate::host::RequestHost;
use crate::locator::{KeyPlaces, path_only};
use crate::reply::Refusal;

/// `POST /v1/chat/completions`.
const REQUEST_STATE: &str = "latchkey_request";
/// The id that Envoy gave the request, or took over.
const REQUEST_ID_STATE: &str = "latchkey_request_id";
/// Longest id that a client is told; Envoy's have 36.
const ID_BYTES_MAX: usize = 128;

/// Leaves them for the log, and gives the id for the client, empty if there is none to show. A request
/// stands without.
pub(super) fn leave(host: &impl RequestHost, headers: &HeaderMap) -> Rc<str> {
    let header = |name: &[u8]| headers.get(name).unwrap_or_default();
    let path = redact_path(header(b":path"));
    let line = [redact_bytes(header(b":method")), b" ", &path].concat();
    let _ = host.set_filter_state(REQUEST_STATE, &line);
    let id = redact_bytes(header(b"x-request-id"));
    let _ = host.set_filter_state(REQUEST_ID_STATE, id);
    let is_plain = id.len() <= ID_BYTES_MAX && id.iter().all(u8::is_ascii_graphic);
    let shown = std::str::from_utf8(id).ok().filter(|_| is_plain);
    shown.unwrap_or_default().into()
}

/// Refuses a path with a credential in it: it would be in the logs of the upstream, too. In the
/// query, where uploads carry long ids, values of our own format alone; what is read and removed there
/// is none of them.
pub(super) fn check_target(headers: &HeaderMap, places: &KeyPlaces) -> Result<(), Refusal> {
    let target = headers.get(b":path").unwrap_or_default();
    let in_path = find_credential(path_only(target));
    let is_sure = |found| matches!(found, CredentialKind::Own | CredentialKind::Foreign(_));
    let has_own = |value: &[u8]| find_credential(value) == Some(CredentialKind::Own);
    if in_path.is_some_and(is_sure) || places.query_rest(target).any(has_own) {
        let flaw = "its URL holds what reads as an API key, which belongs into a header alone: send it as \
                    'Authorization: Bearer <key>'";
        return Err(Refusal::Ambiguous(flaw.into()));
    }
    Ok(())
}
