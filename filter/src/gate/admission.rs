//! What the headers of a request decide, for every key: how it goes on, or why not.
//!
//! The order is that of the checks: credential, key, status, expiry, address, scope. Does not read
//! bodies or answer. Invariant: a request goes on only with a [`Permit`] in hand, or to be read.

use keytable::cell::Spent;
use keytable::{Permit, RecordedLimit, Unit, Unmetered, admit};

use super::arrival::{Arrival, content_length};
use super::header_allowlist::Caller;
use super::holder::{Holder, denied_from, facts};
use super::identity::{self, Identified};
use super::judge::{self, Verdict};
use super::limiting::{self, Allowance, Charging, Size};
use super::listing::Listing;
use super::logged;
use super::observing::{self, NameSource, Observing};
use super::running::{Judged, Running};
use super::{GateShared, State, failed};
use crate::cache::KnownKey;
use crate::config::LimitsSetting;
use crate::credential::Credential;
use crate::host::RequestHost;
use crate::locator::Mentions;
use crate::reply::Refusal;

const KEY_ID_STATE: &str = "latchkey_key_id";

/// Everything that the headers decide.
pub(super) fn judge(
    shared: &GateShared,
    host: &impl RequestHost,
    arrival: &Arrival<'_>,
    edition: u64,
) -> Result<(State, Running, Option<Allowance>), Refusal> {
    let credential = Credential::find(arrival.headers, &shared.config.key_places)?;
    let known = shared.table.find(host, &credential.key)?;
    let KnownKey { key_hash, record } = known.ok_or(Refusal::UnknownKey)?;
    let holder = Holder {
        key_hash,
        edition,
        record: &record,
    };
    let judged = judge_holder(shared, host, arrival, &credential, &holder)
        .map_err(|refusal| arrival.named(refusal));
    if let Err(refusal) = &judged {
        shared.count_refusal(host, refusal, holder.counted(&record.view()?, ""));
    }
    let ((state, judged), allowance) = judged?;
    let running = Running::new(key_hash, edition, record, judged, arrival.client.clone());
    Ok((state, running, allowance))
}

/// What the headers decide for a key that is known.
fn judge_holder(
    shared: &GateShared,
    host: &impl RequestHost,
    arrival: &Arrival<'_>,
    credential: &Credential<'_>,
    holder: &Holder<'_>,
) -> Result<((State, Judged), Option<Allowance>), Refusal> {
    let view = holder.record.view()?;
    host.set_filter_state(KEY_ID_STATE, view.key_id().as_bytes())
        .map_err(failed)?;
    logged::check_target(arrival.headers, &shared.config.key_places)?;
    let facts = facts(host, &view)?;
    let admitted = admit(&view, &facts).map_err(|denial| denied_from(&facts, denial))?;
    let identified = Identified {
        headers: arrival.headers,
        credential,
        holder,
    };
    let Some(permit) = admitted.permit_unread() else {
        let verdict = judge::judge(shared, arrival, holder)?;
        let is_provisional = matches!(verdict, Verdict::Unread(_));
        return within_limits(shared, host, arrival, holder, is_provisional, || {
            identified.clean(shared, host, Caller::Limited)?;
            carry_out(shared, host, verdict, arrival, holder)
        });
    };
    arrival.check_endpoint(shared)?;
    within_limits(shared, host, arrival, holder, false, || {
        identified.clean(shared, host, Caller::Unlimited)?;
        Ok(match observing::look(shared, arrival) {
            NameSource::Body(reader) => {
                let state = observed(Observing::new(permit, holder, reader));
                (state, Judged::Everything(String::new()))
            }
            NameSource::Headers(name) => {
                shared.count_permit(host, &permit, holder.counted(&view, &name));
                (open(permit), Judged::Everything(name))
            }
        })
    })
}

/// Goes on if limits allow it; if it does not go on for another reason, nothing is held.
fn within_limits<T>(
    shared: &GateShared,
    host: &impl RequestHost,
    arrival: &Arrival<'_>,
    holder: &Holder<'_>,
    is_provisional: bool,
    go_on: impl FnOnce() -> Result<T, Refusal>,
) -> Result<(T, Option<Allowance>), Refusal> {
    let allowance = admit_to_limits(shared, host, arrival, holder, is_provisional)?;
    match (go_on(), allowance) {
        (Ok(done), allowance) => Ok((done, allowance)),
        (Err(refusal), Some(allowance)) => {
            shared.limits.settle(host, allowance, Spent::Nothing);
            Err(refusal)
        }
        (Err(refusal), None) => Err(refusal),
    }
}

/// Takes what the request is expected to use of the limits of its key and its account, if there are any.
fn admit_to_limits(
    shared: &GateShared,
    host: &impl RequestHost,
    arrival: &Arrival<'_>,
    holder: &Holder<'_>,
    is_provisional: bool,
) -> Result<Option<Allowance>, Refusal> {
    let view = holder.record.view()?;
    if !view.has_limits() && !view.is_account_limited() {
        return Ok(None);
    }
    if shared.config.limits == LimitsSetting::Refuse {
        return Err(Refusal::LimitsUnavailable);
    }
    let mut limited = limiting::of_record(host, &shared.table, holder.record)?;
    let charging = Charging::of(arrival);
    for (_, limits) in &mut limited {
        let of_tokens = |one: &RecordedLimit| one.limit.unit == Unit::Tokens;
        let refuses = |one: &RecordedLimit| one.limit.unmetered == Unmetered::Refuse;
        match charging {
            Charging::Answered => {}
            Charging::Free => limits.retain(|one| !of_tokens(one)),
            Charging::Elsewhere => {
                if limits.iter().any(|one| of_tokens(one) && refuses(one)) {
                    return Err(Refusal::Unmetered(arrival.line()));
                }
            }
        }
    }
    limited.retain(|(_, limits)| !limits.is_empty());
    let size = Size {
        body_bytes: content_length(arrival.headers).unwrap_or(0),
        is_provisional,
    };
    let allowance = shared.limits.admit(host, &limited, size)?;
    if allowance.has_tokens() {
        // A compressed answer could not be read for what it states.
        host.remove_request_header(b"accept-encoding")
            .map_err(failed)?;
    }
    Ok(Some(allowance))
}

/// What follows for a list-scoped key; the credential is out already.
fn carry_out(
    shared: &GateShared,
    host: &impl RequestHost,
    verdict: Verdict,
    arrival: &Arrival<'_>,
    holder: &Holder<'_>,
) -> Result<(State, Judged), Refusal> {
    let view = holder.record.view()?;
    match verdict {
        Verdict::Permitted(permit, finding) => {
            if let Some(name) = finding.first() {
                identity::set_model(host, name).map_err(failed)?;
            }
            let resource = finding.first().unwrap_or_default();
            shared.count_permit(host, &permit, holder.counted(&view, resource));
            Ok((open(permit), Judged::Found(finding)))
        }
        Verdict::Unread(mut reading) => {
            if !shared.config.hold_whole_body {
                reading.release_if_named(host)?;
            }
            let judged = reading.judged();
            Ok((State::Reading(reading), judged))
        }
        Verdict::List(permit, norm) => {
            Listing::ask(host, arrival.client.family).map_err(failed)?;
            shared.count_permit(host, &permit, holder.counted(&view, ""));
            let listing = Listing::new(norm);
            Ok((list(permit, listing), Judged::Found(Mentions::new(norm))))
        }
    }
}

/// The state of a request that may go on: only with a permit in hand.
pub(super) fn open(_permit: Permit) -> State {
    State::Open
}

/// The same, with the permit inside.
fn observed(observing: Observing) -> State {
    State::Observing(Box::new(observing))
}

fn list(_permit: Permit, listing: Listing) -> State {
    State::Listing(Box::new(listing))
}
