//! OAuth discovery: clients of MCP look for an authorization server when a request of theirs is refused, and
//! there is none. Told so in OAuth's own words, they show what is wrong; a refusal in its place they take
//! for OAuth.
//!
//! Does not decide about a request and asks for no key. Invariant: it counts nothing and reaches no
//! upstream.

use crate::config::{GateConfig, OauthDiscovery};
use crate::credential::{Credential, CredentialError};
use crate::headers::HeaderMap;
use crate::host::{HostError, Reply, RequestHost};
use crate::locator::path_only;

const WELL_KNOWN: &[u8] = b"/.well-known/";
/// How the names of its documents begin, which may stand behind or before the path of a server.
const DOCUMENTS: [&[u8]; 2] = [b"oauth-", b"openid-configuration"];

/// Where clients register that found no document: where older servers let them.
const REGISTER: &[u8] = b"/register";

/// Whether a request looks for an authorization server.
pub(super) fn is_asked(config: &GateConfig, headers: &HeaderMap) -> bool {
    if config.oauth_discovery != OauthDiscovery::Absent {
        return false;
    }
    let path = path_only(headers.get(b":path").unwrap_or_default());
    match headers.get(b":method") {
        Some(b"GET" | b"HEAD") => is_document(path),
        // With a key it is a request like any other.
        Some(b"POST") => {
            let found = || Credential::find(headers, &config.key_places).err();
            path == REGISTER && found() == Some(CredentialError::Missing)
        }
        _ => false,
    }
}

fn is_document(path: &[u8]) -> bool {
    let mut tails = (0..path.len()).filter_map(|at| path.get(at..)?.strip_prefix(WELL_KNOWN));
    tails.any(|tail| DOCUMENTS.iter().any(|name| tail.starts_with(name)))
}

/// Answers 404.
pub(super) fn answer(config: &GateConfig, host: &impl RequestHost) -> Result<(), HostError> {
    let how = config.key_places.how();
    let message = format!(
        "There is no OAuth here: a request that is answered with 401 needs a valid API key. Send one, as {how}."
    );
    let body = serde_json::json!({"error": "invalid_request", "error_description": message});
    host.reply(&Reply {
        status: 404,
        details: "latchkey_no_oauth",
        headers: vec![
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
        ],
        made_headers: Vec::new(),
        id_headers: &[],
        request_id: "".into(),
        body: body.to_string().into_bytes(),
    })
}
