//! A list-scoped key's request, judged by the rule of its endpoint as far as the headers tell.
//!
//! Does not read bodies, answer or change headers. Invariant: what a rule does not cover is
//! denied, and every name that path or query give is judged before any is used.

use keytable::{Denial, Norm, Permit, Resources, judge_resources};

use super::GateShared;
use super::arrival::Arrival;
use super::body::Reading;
use super::holder::{Holder, denied, judge_finding};
use crate::headers::HeaderMap;
use crate::locator::{Absent, BodyReader, Kind, Located, Mentions, Reads, Unnamed, path_only};
use crate::reply::Refusal;
use crate::table::CheckedRecord;

/// What follows for the request.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It may go on; with all that was judged.
    Permitted(Permit, Mentions),
    /// Its body has to be read.
    Unread(Box<Reading>),
    /// It may go on, and its answer has to be cut down.
    List(Permit, Norm),
}

/// Judges a request of a list-scoped key.
pub(super) fn judge(
    shared: &GateShared,
    arrival: &Arrival<'_>,
    holder: &Holder<'_>,
) -> Result<Verdict, Refusal> {
    let Arrival {
        headers,
        end_of_stream,
        ..
    } = *arrival;
    let located = arrival
        .located
        .ok_or_else(|| Refusal::UnknownEndpoint(arrival.line()))?;
    let raw = headers.get(b":path").unwrap_or_default();
    let path = path_only(raw);
    located.check_path(path).map_err(Refusal::Ambiguous)?;
    let query = raw.get(path.len() + 1..).unwrap_or_default();
    let finding = located.in_target(path, query).map_err(Refusal::Ambiguous)?;
    match located.rule.kind {
        Kind::Object => judge_object(holder.record, &located, path, finding),
        Kind::Open => {
            let permit = permit_open(holder.record, &finding)?;
            Ok(Verdict::Permitted(permit, finding))
        }
        Kind::List => permit_open(holder.record, &finding)
            .map(|permit| Verdict::List(permit, located.rule.norm)),
        kind @ (Kind::Infer | Kind::Item) => {
            judge_naming(shared, headers, holder, &located, finding, end_of_stream)
                .map_err(|refusal| refusal.of_kind(kind))
        }
    }
}

/// An endpoint that needs no name; what it is given all the same must be in scope.
fn permit_open(record: &CheckedRecord, finding: &Mentions) -> Result<Permit, Refusal> {
    match finding.is_empty() {
        true => judge_resources(&record.view()?, Resources::Open).map_err(denied),
        false => judge_finding(record, finding),
    }
}

/// An endpoint that is granted by its own name on the services axis.
fn judge_object(
    record: &CheckedRecord,
    located: &Located<'_>,
    path: &[u8],
    mut finding: Mentions,
) -> Result<Verdict, Refusal> {
    let service = located
        .service(path)
        .ok_or_else(|| denied(Denial::EndpointNotAllowed))?;
    finding.set_service(service);
    let permit = judge_finding(record, &finding)?;
    Ok(Verdict::Permitted(permit, finding))
}

/// An endpoint that runs or describes what its path, query or body name.
fn judge_naming(
    shared: &GateShared,
    headers: &HeaderMap,
    holder: &Holder<'_>,
    located: &Located<'_>,
    mut finding: Mentions,
    end_of_stream: bool,
) -> Result<Verdict, Refusal> {
    let rule = located.rule;
    if !finding.is_empty() {
        judge_finding(holder.record, &finding)?;
    }
    let has_places = rule.json.is_some() || rule.form.is_some();
    if has_places && !end_of_stream {
        let reader = BodyReader::new(headers, located, Reads::All)?;
        let hold_bytes_max = shared.config.hold_bounds().of_rule(rule);
        let reading = Reading::new(reader, holder, finding, located, headers, hold_bytes_max);
        return Ok(Verdict::Unread(Box::new(reading)));
    }
    if has_places && rule.body_needed && rule.absent == Absent::Deny && finding.read().is_none() {
        return Err(Refusal::Ambiguous("its body is empty".into()));
    }
    if finding.read().is_none() {
        Unnamed::of(rule).stand_in(shared.locators.service(), &mut finding)?;
    }
    let permit = judge_finding(holder.record, &finding)?;
    Ok(Verdict::Permitted(permit, finding))
}
