//! The call `POST /v1/keys/{id}/check`: what the gate would say to a request with this key.
//!
//! Decides by the same `decide()` as the gate, on the record that the Envoys have or are about to
//! get. Does not locate: the caller says which resources a request names. Invariant: nothing is
//! counted and nothing is changed.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::{
    AxisKind, ClientAddress, Denial, Found, Norm, RecordView, RequestFacts, Resources, decide,
};
use serde::Serialize;
use serde_json::Value;

use crate::api::keys::target::target;
use crate::compile;
use crate::domain::clock::UnixMillis;
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, Read, fault, invalid, parsed, text};
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::Caller;

/// Resources that one request may name.
const RESOURCES_MAX: usize = 100;
/// Longest path that is looked at, in bytes.
const PATH_BYTES_MAX: usize = 8 * 1024;

/// A request that nobody makes.
#[derive(Debug)]
struct Imagined {
    address: Option<ClientAddress>,
    at: UnixMillis,
    /// What it names; `None`: an endpoint that cannot be judged.
    resources: Option<Vec<String>>,
}

/// What the gate would say.
#[derive(Debug, Serialize)]
struct Verdict {
    decision: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    at: String,
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
    let key = app.store(move |store| store.get(&target)).await?;
    let record = compile::record(&key)
        .encode()
        .map_err(|error| Problem::internal(&error))?;
    let record = RecordView::parse(&record).map_err(|error| Problem::internal(&error))?;
    answer::json(StatusCode::OK, &verdict(&record, &imagined))
}

fn verdict(record: &RecordView<'_>, imagined: &Imagined) -> Verdict {
    let facts = RequestFacts {
        now_unix_ms: imagined.at.get(),
        address: imagined.address,
    };
    let names = imagined.resources.as_deref().unwrap_or_default();
    let found: Vec<Found<'_>> = names
        .iter()
        .map(|name| Found {
            name: name.as_bytes(),
            norm: Norm::Plain,
        })
        .collect();
    let resources = match imagined.resources {
        Some(_) => Resources::Named(&found),
        None => Resources::Unlocated,
    };
    let denial = decide(record, &facts, resources).err();
    let (status, code, reason) = match denial {
        None => (200, None, "the key may do this".to_owned()),
        Some(denial) => explain(denial),
    };
    let resource = match denial {
        Some(Denial::OutOfScope { index, .. }) => names.get(index).cloned(),
        _ => None,
    };
    Verdict {
        decision: if denial.is_none() { "permit" } else { "deny" },
        status,
        code,
        reason,
        resource,
        at: imagined.at.to_string(),
    }
}

/// Status, code and reason; the codes are those of the gate.
fn explain(denial: Denial) -> (u16, Option<&'static str>, String) {
    let (status, code, reason) = match denial {
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
            "the key is limited to a list, and the request names no resource",
        ),
    };
    (status, Some(code), reason.into())
}

fn imagined(body: JsonObject, now: UnixMillis) -> Result<Imagined, Problem> {
    let mut fields = Fields::of(body);
    let address = fields.optional("ip", |value| address(&value));
    let at = fields.optional("at", |value| parsed(&value, UnixMillis::parse_rfc3339));
    let resources = fields.optional("model", |value| resources(&value));
    fields.optional("method", |value| method(&value));
    fields.optional("path", |value| path(&value));
    fields.finish().map_err(invalid)?;
    Ok(Imagined {
        address,
        at: at.unwrap_or(now),
        resources,
    })
}

fn address(value: &Value) -> Read<ClientAddress> {
    let address = ClientAddress::parse(text(value)?.as_bytes());
    address.map_or_else(|| fault("must be an IP address"), Ok)
}

/// One name, or a list of all that the request names.
fn resources(value: &Value) -> Read<Vec<String>> {
    match value {
        Value::String(name) => Ok(vec![name.clone()]),
        Value::Array(items) if items.len() > RESOURCES_MAX => {
            fault(format!("must have at most {RESOURCES_MAX} names"))
        }
        Value::Array(items) => {
            let name = |(index, item): (usize, &Value)| {
                let name = item.as_str().map(str::to_owned);
                let wrong = || FieldError::new(format!("[{index}]"), "must be a string");
                name.ok_or_else(|| vec![wrong()])
            };
            items.iter().enumerate().map(name).collect()
        }
        _ => fault("must be a name, or a list of names"),
    }
}

fn method(value: &Value) -> Read<()> {
    let text = text(value)?;
    let is_word = !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase());
    if is_word {
        Ok(())
    } else {
        fault("must be a method, as POST")
    }
}

fn path(value: &Value) -> Read<()> {
    let text = text(value)?;
    if text.starts_with('/') && text.len() <= PATH_BYTES_MAX {
        Ok(())
    } else {
        fault("must be a path, as /v1/chat/completions")
    }
}
