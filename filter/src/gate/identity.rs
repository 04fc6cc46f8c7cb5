//! Who a request is, towards the upstream: the credential goes out, the key's identity goes in.
//!
//! Does not decide. Invariant: headers that name an identity or a model to a gateway are ours
//! alone; what a client sends under these names is removed.

use keytable::{RecordView, redact};

use crate::credential::{Credential, Removal, is_credential};
use crate::headers::HeaderMap;
use crate::host::{HostError, RequestHost};

/// Headers under these prefixes are ours, or another gateway's that trusts whoever sends them.
const FOREIGN_PREFIXES: [&[u8]; 4] = [b"x-latchkey-", b"x-ai-eg-", b"x-litellm-", b"x-higress-"];
/// Other headers by which gateways and frameworks choose model, consumer or method.
const FOREIGN: [&[u8]; 7] = [
    b"x-mse-consumer",
    b"x-gateway-model-name",
    b"x-http-method-override",
    b"x-http-method",
    b"x-method-override",
    b"x-original-url",
    b"x-rewrite-url",
];
const KEY_ID_HEADER: &[u8] = b"x-latchkey-key-id";
const ACCOUNT_HEADER: &[u8] = b"x-latchkey-account";
const MODEL_HEADER: &[u8] = b"x-latchkey-model";
const MODEL_STATE: &str = "latchkey_model";

/// Takes the credential out and puts the identity in.
pub(super) fn clean(
    host: &impl RequestHost,
    headers: &HeaderMap,
    credential: &Credential<'_>,
    view: &RecordView<'_>,
) -> Result<(), HostError> {
    for (name, _) in headers.iter().filter(|(name, _)| is_foreign(name)) {
        host.remove_request_header(name)?;
    }
    for removal in credential.removals(headers) {
        match removal {
            Removal::Header(name) => host.remove_request_header(name)?,
            Removal::Rest(name, value) => host.set_request_header(name, &value)?,
        }
    }
    host.set_request_header(KEY_ID_HEADER, view.key_id().as_bytes())?;
    host.set_request_header(ACCOUNT_HEADER, view.account().as_bytes())
}

/// Takes out of the trailers what would speak of an identity or a credential if it were a header:
/// some servers merge the two.
pub(super) fn clean_trailers(host: &impl RequestHost) -> Result<(), HostError> {
    let trailers = host.request_trailers()?;
    for (name, _) in trailers.iter() {
        // Where Envoy is not told to refuse underscores, `x_api_key` is `x-api-key` to some.
        let spelled = name
            .to_ascii_lowercase()
            .iter()
            .map(dashed)
            .collect::<Vec<u8>>();
        if is_foreign(&spelled) || is_credential(&spelled) || spelled.starts_with(b"x-forwarded-") {
            host.remove_request_trailer(name)?;
        }
    }
    Ok(())
}

fn dashed(byte: &u8) -> u8 {
    match byte {
        b'_' => b'-',
        other => *other,
    }
}

/// Tells upstream and access log what the request calls.
pub(super) fn set_model(host: &impl RequestHost, name: &str) -> Result<(), HostError> {
    let value = header_value(redact(name));
    host.set_request_header(MODEL_HEADER, &value)?;
    host.set_filter_state(MODEL_STATE, &value)
}

fn is_foreign(name: &[u8]) -> bool {
    // All of them begin so; most headers of most requests do not.
    name.starts_with(b"x-")
        && (FOREIGN_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
            || FOREIGN.contains(&name))
}

/// A name as a header value: what is not visible ASCII is percent-encoded.
fn header_value(name: &str) -> Vec<u8> {
    name.bytes().fold(Vec::new(), |mut out, byte| {
        if byte.is_ascii_graphic() && byte != b'%' {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
        out
    })
}
