//! The gate: decides one request, from its headers and, for a list-scoped key, from its body.
//!
//! The order is that of the checks: table, credential, key, status, expiry, address, scope. Does
//! not read JSON, know reasons' texts or touch slots; it is the line that joins those who do.
//!
//! Invariant: nothing of a request reaches the upstream before there is a [`Permit`] in hand, and
//! every path that ends without one ends in an answer.

mod body;

use std::rc::Rc;

use keytable::{ClientAddress, Denial, KeyHash, Permit, RecordView, RequestFacts, admit};

use crate::config::GateConfig;
use crate::credential::{Credential, Removal};
use crate::headers::HeaderMap;
use crate::host::{HostError, Level, RequestHost};
use crate::locator::{self, Locator};
use crate::reply::Refusal;
use crate::table::{TableReader, Unavailable, look_up};
use body::Reading;

/// Headers that only the gate may set; what a client sends under this prefix is removed.
const IDENTITY_PREFIX: &[u8] = b"x-latchkey-";
const KEY_ID_HEADER: &[u8] = b"x-latchkey-key-id";
const ACCOUNT_HEADER: &[u8] = b"x-latchkey-account";
const MODEL_HEADER: &[u8] = b"x-latchkey-model";
const KEY_ID_STATE: &str = "latchkey_key_id";

/// What every request of one worker shares.
#[derive(Debug)]
pub struct GateShared {
    /// The settings.
    pub config: GateConfig,
    /// What the worker remembers of the table.
    pub table: TableReader,
}

/// One request.
#[derive(Debug)]
pub struct Gate {
    shared: Rc<GateShared>,
    state: State,
}

/// What Envoy shall do with what it has in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Pass it on.
    Continue,
    /// Hold it; there is more to come, or the request was answered.
    Hold,
}

#[derive(Debug)]
enum State {
    /// Not decided, or decided against.
    Closed,
    /// The body is being read.
    Reading(Box<Reading>),
    /// Permitted; nothing more to look at.
    Open,
}

impl Gate {
    /// A gate for a new request.
    pub fn new(shared: Rc<GateShared>) -> Self {
        Self {
            shared,
            state: State::Closed,
        }
    }

    /// The headers have arrived. `end_of_stream`: there is no body.
    pub fn on_headers(&mut self, host: &impl RequestHost, end_of_stream: bool) -> Flow {
        match self.judge_headers(host, end_of_stream) {
            Ok(state) => self.enter(state),
            Err(refusal) => self.refuse(host, &refusal),
        }
    }

    /// Body has arrived: `size` bytes in Envoy's buffer, all of the held body while it is held,
    /// else the new piece.
    pub fn on_body(&mut self, host: &impl RequestHost, size: usize, end_of_stream: bool) -> Flow {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Closed => Flow::Hold,
            State::Open => self.enter(State::Open),
            State::Reading(mut reading) => {
                match reading.advance(host, &self.shared, size, end_of_stream) {
                    Ok(()) if end_of_stream => self.enter(State::Open),
                    Ok(()) => self.enter(State::Reading(reading)),
                    Err(refusal) => self.refuse(host, &refusal),
                }
            }
        }
    }

    /// Trailers have arrived: the body is over.
    pub fn on_trailers(&mut self, host: &impl RequestHost) -> Flow {
        match &self.state {
            State::Reading(reading) => {
                let held = reading.held_bytes();
                self.on_body(host, held, true)
            }
            State::Open => Flow::Continue,
            State::Closed => Flow::Hold,
        }
    }

    fn judge_headers(
        &self,
        host: &impl RequestHost,
        end_of_stream: bool,
    ) -> Result<State, Refusal> {
        let edition = self.shared.table.open(host)?;
        let headers = host.request_headers().map_err(failed)?;
        let credential = Credential::find(&headers)?;
        let key_hash = KeyHash::of(&credential.key);
        let record = look_up(host, &key_hash)?.ok_or(Refusal::UnknownKey)?;
        let view = record.view()?;
        host.set_filter_state(KEY_ID_STATE, view.key_id().as_bytes())
            .map_err(failed)?;
        let admitted = admit(&view, &facts(host, &view)?).map_err(denied)?;
        let state = match admitted.permit_unread() {
            Some(permit) => open(permit),
            None => {
                let Locator::JsonBody(patterns) = locator::locate(&headers) else {
                    return Err(denied(Denial::EndpointNotAllowed));
                };
                locator::check_json_body(&headers).map_err(Refusal::Body)?;
                if end_of_stream {
                    return Err(Refusal::Ambiguous("it is empty"));
                }
                let length = content_length(&headers);
                let reading = Reading::new(patterns, key_hash, edition, record.clone(), length);
                State::Reading(Box::new(reading))
            }
        };
        clean(host, &headers, &credential, &view).map_err(failed)?;
        Ok(state)
    }

    fn enter(&mut self, state: State) -> Flow {
        let flow = match &state {
            State::Closed => Flow::Hold,
            State::Open => Flow::Continue,
            State::Reading(reading) if reading.is_held() => Flow::Hold,
            State::Reading(_) => Flow::Continue,
        };
        self.state = state;
        flow
    }

    fn refuse(&mut self, host: &impl RequestHost, refusal: &Refusal) -> Flow {
        self.state = State::Closed;
        let reply = refusal.reply();
        if let Err(HostError(status)) = host.reply(&reply) {
            host.log(
                Level::Error,
                &format!("gate: cannot answer {} ({status})", reply.details),
            );
        }
        Flow::Hold
    }
}

/// The state of a request that may go on: only with a permit in hand.
fn open(_permit: Permit) -> State {
    State::Open
}

/// Takes the credential out and puts the identity in.
fn clean(
    host: &impl RequestHost,
    headers: &HeaderMap,
    credential: &Credential<'_>,
    view: &RecordView<'_>,
) -> Result<(), HostError> {
    for (name, _) in headers
        .iter()
        .filter(|(name, _)| name.starts_with(IDENTITY_PREFIX))
    {
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

/// The facts that this record's checks need, and no more: each one costs a call.
fn facts(host: &impl RequestHost, view: &RecordView<'_>) -> Result<RequestFacts, Refusal> {
    let now_unix_ms = match view.expires_at_unix_ms() {
        Some(_) => host.unix_ms().map_err(failed)?,
        None => 0,
    };
    let address = match view.has_address_list() {
        true => host
            .source_address()
            .ok()
            .and_then(|bytes| ClientAddress::parse(&bytes)),
        false => None,
    };
    Ok(RequestFacts {
        now_unix_ms,
        address,
    })
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(b"content-length")?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn failed(_: HostError) -> Refusal {
    Refusal::Unavailable(Unavailable::Damaged)
}

fn denied(denial: Denial) -> Refusal {
    Refusal::Denied(denial, None)
}
