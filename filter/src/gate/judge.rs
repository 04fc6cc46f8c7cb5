//! A list-scoped key's request, judged by the rule of its endpoint as far as the headers tell.
//!
//! Does not read bodies, answer or change headers. Invariant: what a rule does not cover is
//! denied, and every name that path or query give is judged before any is used.

use keytable::{
    ClientAddress, Denial, KeyHash, Permit, RecordView, RequestFacts, Resources, judge_resources,
};

use super::body::{BodyReader, Reading};
use super::running::Judged;
use super::{Arrival, GateShared, failed};
use crate::credential::path_only;
use crate::form::FormReader;
use crate::headers::HeaderMap;
use crate::host::RequestHost;
use crate::json::JsonReader;
use crate::locator::{Absent, Kind, Located, Norm, check_path, in_query, other_spellings};
use crate::reply::Refusal;
use crate::table::RecordBytes;
use crate::tally::Counted;

/// A key that was admitted, and under which edition it was read.
#[derive(Debug)]
pub(super) struct Holder<'a> {
    pub(super) key_hash: KeyHash,
    pub(super) edition: u64,
    pub(super) record: &'a RecordBytes,
}

impl<'a> Holder<'a> {
    /// A request of this key, to be counted.
    pub(super) fn counted(&'a self, view: &RecordView<'a>, resource: &'a str) -> Counted<'a> {
        Counted {
            key_hash: &self.key_hash,
            key_id: view.key_id(),
            resource,
        }
    }
}

/// What follows for the request.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It may go on; with the first resource it names, and all that was judged.
    Permitted(Permit, Option<String>, Judged),
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
        .ok_or_else(|| denied(Denial::EndpointNotAllowed))?;
    let raw = headers.get(b":path").unwrap_or_default();
    let path = path_only(raw);
    check_path(path).map_err(Refusal::Ambiguous)?;
    let mut names =
        in_query(raw.get(path.len() + 1..).unwrap_or_default()).map_err(Refusal::Ambiguous)?;
    names.extend(located.name_in_path(path).map_err(Refusal::Ambiguous)?);
    let norm = located.rule.norm;
    match located.rule.kind {
        Kind::Object => judge_object(holder.record, &located, path, names),
        Kind::Open => {
            let permit = permit_open(holder.record, &names, norm)?;
            Ok(Verdict::Permitted(permit, None, Judged::Names(names, norm)))
        }
        Kind::List => {
            permit_open(holder.record, &names, norm).map(|permit| Verdict::List(permit, norm))
        }
        kind @ (Kind::Infer | Kind::Item) => {
            judge_naming(shared, headers, holder, &located, names, end_of_stream)
                .map_err(|refusal| refusal.of_kind(kind))
        }
    }
}

/// Judges names by a record whose holder was admitted; each by the spelling that is in scope.
pub(super) fn judge_names(
    record: &RecordBytes,
    names: &[String],
    norm: Norm,
) -> Result<Permit, Refusal> {
    let view = record.view()?;
    let spelled: Vec<String> = names
        .iter()
        .map(|name| spelling(&view, name, norm))
        .collect();
    let bytes: Vec<&[u8]> = spelled.iter().map(String::as_bytes).collect();
    judge_resources(&view, Resources::Named(&bytes)).map_err(|denial| {
        let name = match denial {
            Denial::OutOfScope { index, .. } => names.get(index).cloned(),
            _ => None,
        };
        Refusal::Denied(denial, name)
    })
}

/// What it means that a request names nothing.
pub(super) fn absent(shared: &GateShared, absent: Absent) -> Result<String, Refusal> {
    match (absent, shared.locators.service()) {
        (Absent::Service, Some(service)) => Ok(service.to_owned()),
        (Absent::Indirect, _) => Err(denied(Denial::EndpointNotAllowed)),
        (Absent::Deny | Absent::Service, _) => Err(Refusal::Ambiguous("it names no model")),
    }
}

/// The facts that this record's checks need, and no more: each one costs a call.
pub(super) fn facts(
    host: &impl RequestHost,
    view: &RecordView<'_>,
) -> Result<RequestFacts, Refusal> {
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

pub(super) fn denied(denial: Denial) -> Refusal {
    Refusal::Denied(denial, None)
}

/// An endpoint that needs no name; what it is given all the same must be in scope.
fn permit_open(record: &RecordBytes, names: &[String], norm: Norm) -> Result<Permit, Refusal> {
    match names {
        [] => judge_resources(&record.view()?, Resources::Open).map_err(denied),
        names => judge_names(record, names, norm),
    }
}

/// An endpoint that is granted by its own name on the services axis.
fn judge_object(
    record: &RecordBytes,
    located: &Located<'_>,
    path: &[u8],
    mut names: Vec<String>,
) -> Result<Verdict, Refusal> {
    let service = located
        .service(path)
        .ok_or_else(|| denied(Denial::EndpointNotAllowed))?;
    let permit = judge_names(record, std::slice::from_ref(&service), Norm::Plain)
        .map_err(|_| denied(Denial::EndpointNotAllowed))?;
    let norm = located.rule.norm;
    if !names.is_empty() {
        judge_names(record, &names, norm)?;
    }
    let first = names.first().cloned();
    names.push(service);
    Ok(Verdict::Permitted(
        permit,
        first,
        Judged::Names(names, norm),
    ))
}

/// An endpoint that runs or describes what its path, query or body name.
fn judge_naming(
    shared: &GateShared,
    headers: &HeaderMap,
    holder: &Holder<'_>,
    located: &Located<'_>,
    names: Vec<String>,
    end_of_stream: bool,
) -> Result<Verdict, Refusal> {
    let rule = located.rule;
    let permit = match names.is_empty() {
        true => None,
        false => Some(judge_names(holder.record, &names, rule.norm)?),
    };
    let has_places = rule.json.is_some() || rule.form.is_some();
    let reader = match (has_places, end_of_stream) {
        (false, _) => None,
        (true, true) if rule.body_needed && rule.absent == Absent::Deny => {
            return Err(Refusal::Ambiguous("its body is empty"));
        }
        (true, true) => None,
        (true, false) => Some(reader_for(headers, located)?),
    };
    match (reader, permit) {
        (Some(reader), _) => {
            let reading = Reading::new(reader, holder, names, located, headers);
            Ok(Verdict::Unread(Box::new(reading)))
        }
        (None, Some(permit)) => {
            let first = names.first().cloned();
            Ok(Verdict::Permitted(
                permit,
                first,
                Judged::Names(names, rule.norm),
            ))
        }
        (None, None) => {
            let name = absent(shared, rule.absent)?;
            let permit = judge_names(holder.record, std::slice::from_ref(&name), rule.norm)?;
            let judged = Judged::Names(vec![name.clone()], rule.norm);
            Ok(Verdict::Permitted(permit, Some(name), judged))
        }
    }
}

/// The reader that a rule and the declared content type agree on.
pub(super) fn reader_for(
    headers: &HeaderMap,
    located: &Located<'_>,
) -> Result<BodyReader, Refusal> {
    let plain = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"identity");
    if !headers
        .iter()
        .filter(|(name, _)| *name == b"content-encoding")
        .all(|(_, v)| plain(v))
    {
        return Err(Refusal::Encoding);
    }
    let Ok(Some(content_type)) = headers.get_single(b"content-type") else {
        return Err(Refusal::ContentType);
    };
    let json = located.rule.json.as_ref().filter(|_| is_json(content_type));
    if let Some(patterns) = json {
        return Ok(BodyReader::Json(Box::new(JsonReader::new(
            patterns.clone(),
        ))));
    }
    let form = located.rule.form.as_ref();
    form.and_then(|fields| FormReader::new(content_type, fields.clone()))
        .map(|reader| BodyReader::Form(Box::new(reader)))
        .ok_or(Refusal::ContentType)
}

/// `application/json` or `application/<any>+json`, with no parameter but `charset=utf-8`.
fn is_json(value: &[u8]) -> bool {
    let mut parts = value.split(|b| *b == b';').map(<[u8]>::trim_ascii);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let known = media_type
        .strip_prefix(b"application/")
        .is_some_and(|subtype| {
            let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._+".contains(b);
            subtype.iter().all(plain) && (subtype == b"json" || subtype.ends_with(b"+json"))
        });
    known
        && parts.all(|parameter| {
            let parameter = parameter.to_ascii_lowercase();
            parameter == b"charset=utf-8" || parameter == b"charset=\"utf-8\""
        })
}

/// The name as it was sent, or another spelling of it if that is the one in scope.
pub(super) fn spelling(view: &RecordView<'_>, name: &str, norm: Norm) -> String {
    if view.covers(name.as_bytes()) {
        return name.to_owned();
    }
    other_spellings(name, norm)
        .into_iter()
        .find(|other| view.covers(other.as_bytes()))
        .unwrap_or_else(|| name.to_owned())
}
