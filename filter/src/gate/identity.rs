//! Who a request is, towards the upstream: the credential goes out, the key's identity goes in.
//!
//! Does not decide. Invariant: headers that name an identity or a model to a gateway are ours
//! alone; what a client sends under these names is removed, and of a list-scoped key's request all
//! that is not known to be harmless.

use keytable::redact;

use super::header_allowlist::{Caller, canonical};
use super::holder::Holder;
use super::{GateShared, failed};
use crate::carried;
use crate::credential::{Credential, Removal};
use crate::headers::HeaderMap;
use crate::host::{HostError, RequestHost};
use crate::reply::Refusal;

const KEY_ID_HEADER: &[u8] = b"x-latchkey-key-id";
const ACCOUNT_HEADER: &[u8] = b"x-latchkey-account";
const MODEL_HEADER: &[u8] = b"x-latchkey-model";
const MODEL_STATE: &str = "latchkey_model";

/// The headers of a request, the credential in them, and whose it is.
pub(super) struct Identified<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) credential: &'a Credential<'a>,
    pub(super) holder: &'a Holder<'a>,
}

impl Identified<'_> {
    /// Takes the credential out and puts the identity in; removes what does not pass.
    pub(super) fn clean(
        &self,
        shared: &GateShared,
        host: &impl RequestHost,
        caller: Caller,
    ) -> Result<(), Refusal> {
        let places = &shared.config.key_places;
        for (name, value) in self.headers.iter() {
            if places.reads(name) {
                continue;
            }
            // What carries a key for the upstream is not in question, unless it is one of ours.
            if !places.leaves(name) && !shared.header_allowlist.passes(name, caller) {
                host.remove_request_header(name).map_err(failed)?;
                shared.count_removed_header(host, name, &self.holder.key_hash);
            } else if !name.starts_with(b":") && holds_key(shared, host, value)? {
                host.remove_request_header(name).map_err(failed)?;
            }
        }
        self.put_identity(host)
    }

    fn put_identity(&self, host: &impl RequestHost) -> Result<(), Refusal> {
        for removal in self.credential.removals(self.headers) {
            let removed = match removal {
                Removal::Header(name) => host.remove_request_header(name),
                Removal::Rest(name, value) => host.set_request_header(name, &value),
            };
            removed.map_err(failed)?;
        }
        let view = self.holder.record.view()?;
        host.set_request_header(KEY_ID_HEADER, view.key_id().as_bytes())
            .and_then(|()| host.set_request_header(ACCOUNT_HEADER, view.account().as_bytes()))
            .map_err(failed)
    }
}

/// Whether a key of this table stands in a header's value, in whatever standard spelling.
fn holds_key(shared: &GateShared, host: &impl RequestHost, value: &[u8]) -> Result<bool, Refusal> {
    carried::any(value, |key| Ok(shared.table.find(host, key)?.is_some()))
}

/// Takes out of the trailers what would not pass as a header, or would speak of a credential or an
/// address: some servers merge the two.
pub(super) fn clean_trailers(
    shared: &GateShared,
    host: &impl RequestHost,
    caller: Caller,
) -> Result<(), HostError> {
    let trailers = host.request_trailers()?;
    for (name, _) in trailers.iter() {
        // Where Envoy is not told to refuse underscores, `x_api_key` is `x-api-key` to some.
        let spelled = canonical(name);
        let places = &shared.config.key_places;
        let stays = shared.header_allowlist.passes(name, caller)
            && !places.reads(&spelled)
            && !places.leaves(&spelled)
            && !spelled.starts_with(b"x-forwarded-");
        if !stays {
            host.remove_request_trailer(name)?;
        }
    }
    Ok(())
}

/// Tells upstream and access log what the request calls.
pub(super) fn set_model(host: &impl RequestHost, name: &str) -> Result<(), HostError> {
    host.set_request_header(MODEL_HEADER, &header_value(redact(name)))?;
    log_model(host, name)
}

/// Tells the access log alone: the head of the request has gone on.
pub(super) fn log_model(host: &impl RequestHost, name: &str) -> Result<(), HostError> {
    host.set_filter_state(MODEL_STATE, &header_value(redact(name)))
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
