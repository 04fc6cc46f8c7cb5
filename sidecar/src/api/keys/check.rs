//! The call `POST /v1/keys/{id}/check`: what the gate would say to a request with this key.
//!
//! Reads the request by the gate's rules and decides by the same `decide()`, on the record that the
//! Envoys have or are about to get. Invariant: nothing is counted and nothing is changed.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::{AxisKind, Denial, Found, Norm, RecordView, RequestFacts, Resources, decide};
use locator::credential::{Credential, CredentialError};
use locator::{Asked, Fault, Locators, Refused, Seen};
use schemars::JsonSchema;
use serde::Serialize;

use super::imagined::{Imagined, imagined};
use crate::api::keys::limited::{self, CheckedLimit, Judged};
use crate::api::keys::target::target;
use crate::compile;
use crate::domain::clock::UnixMillis;
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;

/// What the gate would say.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Verdict {
    /// Whether the request would pass
    decision: Decision,
    /// The status that a client would see
    status: u16,
    /// The code of the refusal
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    code: Option<&'static str>,
    /// The decision in words
    reason: String,
    /// The name that was refused
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    resource: Option<String>,
    /// The rule that the request was read by
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    rule: Option<String>,
    /// Every name that was found, and where
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Place>")]
    places: Option<Vec<Place>>,
    /// The place that decided
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    decided_by: Option<String>,
    /// How each limit stands that the request has to fit into, by the ledger's figures
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    limits: Vec<CheckedLimit>,
    /// The time that was decided for
    at: Shown<UnixMillis>,
}

/// Whether a request would pass.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Permit,
    Deny,
}

/// One name in the request.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NamedPlace")]
struct Place {
    /// Where it stands
    place: String,
    /// The name, as it was sent
    name: String,
    /// Whether the server reads its resource here; other places are judged and are never enough
    is_read: bool,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/keys/{id}/check").post(check));
}

/// `POST /v1/keys/{id}/check`
async fn check(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let target = target(&id, &caller, &mut query, None)?;
    query.finish()?;
    let imagined = imagined(body, app.clock.now())?;
    let (at, wanted) = (imagined.at, target.clone());
    let entry = app.store(move |store| store.key_entry(&wanted, at)).await?;
    let record = compile::record(&entry)
        .encode()
        .map_err(|error| Problem::internal(&error))?;
    let record = RecordView::parse(&record).map_err(|error| Problem::internal(&error))?;
    let locators = Locators::compile(&imagined.rules)
        .map_err(|error| Problem::internal(&std::io::Error::other(error)))?;
    let verdict = verdict(&locators, &record, &imagined);
    let body_bytes = imagined.body.len();
    let judged = limited::judge(&app, (&entry, target), at, body_bytes).await?;
    answer::json(StatusCode::OK, &verdict.limited(judged))
}

impl Verdict {
    /// The same after what limits say: they are asked last.
    fn limited(self, judged: Judged) -> Self {
        let limits = judged.limits;
        match (self.decision, judged.refusal) {
            (Decision::Permit, Some((status, code, reason))) => Self {
                decision: Decision::Deny,
                status,
                code: Some(code),
                reason,
                limits,
                ..self
            },
            _ => Self { limits, ..self },
        }
    }
}

fn verdict(locators: &Locators, record: &RecordView<'_>, imagined: &Imagined) -> Verdict {
    let facts = RequestFacts {
        now_unix_ms: imagined.at.get(),
        address: imagined.address,
    };
    if let Some(reason) = misplaced(imagined) {
        return keyless(reason, imagined.at);
    }
    match (&imagined.headers, &imagined.resources) {
        (Some(headers), None) => {
            let body = &imagined.body;
            let judged = Asked { headers, body }.judge(locators, record, &facts);
            seen(judged, imagined.at)
        }
        _ => told(locators, record, &facts, imagined),
    }
}

/// Why the gate would find no key in this request, as far as it says where it carries one: what stands in
/// a place may be anything here, since the key is known.
fn misplaced(imagined: &Imagined) -> Option<String> {
    let headers = imagined.headers.as_ref()?;
    let places = &imagined.key_places;
    let is_elsewhere =
        |(name, value): (&[u8], &[u8])| places.leaves(name) && !value.trim_ascii().is_empty();
    match Credential::find(headers, places).err()? {
        CredentialError::Conflicting => {
            Some("two different keys, or a place that is filled twice: send one key".to_owned())
        }
        CredentialError::Missing if headers.iter().any(is_elsewhere) => Some(format!(
            "no key where this gate reads one: send it as {}",
            places.how()
        )),
        CredentialError::Missing | CredentialError::Malformed => None,
    }
}

/// The verdict on a request in which the gate would find no key.
fn keyless(reason: String, at: UnixMillis) -> Verdict {
    Verdict {
        decision: Decision::Deny,
        status: 401,
        code: Some("invalid_api_key"),
        reason,
        ..of(None, at)
    }
}

/// The verdict on a request that was read.
fn seen(seen: Seen, at: UnixMillis) -> Verdict {
    let mut places: Vec<Place> = Vec::new();
    if let Some(service) = seen.mentions.service() {
        places.push(Place {
            place: "endpoint".to_owned(),
            name: service.to_owned(),
            is_read: true,
        });
    }
    let names = seen.mentions.names().iter().map(|mention| Place {
        place: mention.place.clone().unwrap_or_default(),
        name: mention.name.clone(),
        is_read: mention.is_read,
    });
    places.extend(names);
    let (refused, resource) = seen.outcome.err().unzip();
    let resource = resource.flatten();
    let decides = |place: &&Place| match &resource {
        Some(name) => place.name == *name,
        None => place.is_read,
    };
    let decided_by = places.iter().find(decides).map(|place| place.place.clone());
    Verdict {
        resource,
        rule: seen.rule,
        places: Some(places),
        decided_by,
        ..of(refused, at)
    }
}

/// The verdict on names that the caller told instead of a body.
fn told(
    locators: &Locators,
    record: &RecordView<'_>,
    facts: &RequestFacts,
    imagined: &Imagined,
) -> Verdict {
    let located = imagined
        .headers
        .as_ref()
        .and_then(|headers| locators.locate(headers));
    let norm = located.map_or(Norm::Plain, |located| located.rule.norm);
    let names = imagined.resources.as_deref().unwrap_or_default();
    let names_as_sent = names.iter().map(String::as_bytes);
    let found: Vec<Found<'_>> = names_as_sent.map(|name| Found { name, norm }).collect();
    let resources = match imagined.resources {
        Some(_) => Resources::Named(&found),
        None => Resources::Unlocated,
    };
    let denial = decide(record, facts, resources).err();
    let resource = match denial {
        Some(Denial::OutOfScope { index, .. }) => names.get(index).cloned(),
        _ => None,
    };
    Verdict {
        resource,
        rule: located.map(|located| located.rule.name.clone()),
        ..of(denial.map(Refused::Denied), imagined.at)
    }
}

/// Decision, status, code and reason.
fn of(refused: Option<Refused>, at: UnixMillis) -> Verdict {
    let (decision, (status, code, reason)) = match refused {
        None => (
            Decision::Permit,
            (200, None, "the key may do this".to_owned()),
        ),
        Some(refused) => (Decision::Deny, explain(refused)),
    };
    Verdict {
        decision,
        status,
        code,
        reason,
        resource: None,
        rule: None,
        places: None,
        decided_by: None,
        limits: Vec::new(),
        at: Shown(at),
    }
}

/// Status, code and reason; the codes are those of the gate.
fn explain(refused: Refused) -> (u16, Option<&'static str>, String) {
    let (status, code, reason) = match refused {
        Refused::Denied(denial) => explain_denial(denial),
        Refused::Unknown => (404, "model_not_found", "the item is not in the key's scope"),
        Refused::Fault(Fault::Ambiguous(flaw)) => {
            return (400, Some("invalid_request_body"), flaw.to_string());
        }
        Refused::Fault(Fault::Unnamed(place)) => {
            let reason =
                format!("it names no model where the server reads it: name one in {place}");
            return (400, Some("invalid_request_body"), reason);
        }
        Refused::Fault(Fault::Unseen(place)) => {
            let reason = format!(
                "it names no model where the server reads it, and what is stored with the provider may run \
                 any: name one in {place}"
            );
            return (403, Some("endpoint_not_allowed"), reason);
        }
        Refused::Fault(Fault::Indirect(place)) => {
            let reason = format!("{place} may choose any model: leave it out, and name the model");
            return (403, Some("endpoint_not_allowed"), reason);
        }
        Refused::Fault(Fault::Encoding) => (
            415,
            "unsupported_content_encoding",
            "a body with a Content-Encoding cannot be read",
        ),
        Refused::Fault(Fault::ContentType) => (
            415,
            "unsupported_content_type",
            "the body is not declared as what the endpoint's rule reads",
        ),
    };
    (status, Some(code), reason.into())
}

fn explain_denial(denial: Denial) -> (u16, &'static str, &'static str) {
    match denial {
        Denial::Disabled => (401, "api_key_disabled", "the key is disabled"),
        Denial::Expired { .. } => (401, "api_key_expired", "the key has expired"),
        Denial::AddressNotAllowed => (
            403,
            "ip_not_allowed",
            "the address is not on the key's list, or none was given",
        ),
        Denial::OutOfScope { axis, .. } => {
            let reason = match axis {
                AxisKind::Models => "the resource is not among the models of the key's scope",
                AxisKind::Services => "the resource is not among the services of the key's scope",
            };
            (403, "model_not_found", reason)
        }
        Denial::EndpointNotAllowed => (
            403,
            "endpoint_not_allowed",
            "the key is limited to a list, and the endpoint is not granted or has no rule",
        ),
    }
}
