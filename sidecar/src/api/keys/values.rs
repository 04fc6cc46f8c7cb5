//! The calls about the value of a key: reveal, rotate, end of a grace, reset.
//!
//! Does not seal or mint. Invariant: a value is shown only after the audit row that says so is on
//! the disk.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use crate::api::idempotency;
use crate::api::keys::answer::{Created, Revealed, RotatedAnswer};
use crate::api::keys::target::{note, target};
use crate::api::wait;
use crate::domain::rotation::{Grace, GraceError};
use crate::http::answer;
use crate::http::body::MaybeJsonObject;
use crate::http::fields::{Fields, Read, fault, invalid};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::Caller;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/keys/{id}/reveal").post(reveal))
        .service(web::resource("/keys/{id}/rotate").post(rotate))
        .service(web::resource("/keys/{id}/end-grace").post(end_grace))
        .service(web::resource("/keys/{id}/reset").post(reset));
}

/// `POST /v1/keys/{id}/reveal`
async fn reveal(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: MaybeJsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let target = target(&id, &caller, &mut query, None)?;
    let confirm = query.text("confirm");
    query.finish()?;
    Fields::of(body.0).finish().map_err(invalid)?;
    let (key, value) = app.reveal_key(&caller, target, confirm).await?;
    note(&request, "revealed", &key);
    let revealed = Revealed {
        id: key.id.as_str(),
        key: &value,
        key_version: key.key_version,
    };
    answer::json(StatusCode::OK, &revealed)
}

/// `POST /v1/keys/{id}/rotate`
async fn rotate(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: MaybeJsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let wait = wait::of_query(&mut query);
    let target = target(&id, &caller, &mut query, Some(&request))?;
    query.finish()?;
    let once = idempotency::wanted(&request, &caller, &body.0)?;
    let mut fields = Fields::of(body.0);
    let grace = fields.optional("grace_s", |value| grace(&value));
    fields.finish().map_err(invalid)?;
    let grace = grace.unwrap_or(Grace::DEFAULT);
    let (rotated, value) = app.rotate_key(&caller, target, grace, once).await?;
    let (successor, predecessor) = (rotated.value.successor, rotated.value.predecessor);
    note(&request, "rotated", &predecessor);
    let propagation = app
        .propagation(&successor.region, rotated.generation, wait)
        .await;
    let body = RotatedAnswer::new(&successor, &value, &predecessor, propagation);
    let location = format!("/v1/keys/{}", successor.id);
    answer::created(&body, successor.revision, &location)
}

/// `POST /v1/keys/{id}/end-grace`
async fn end_grace(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: MaybeJsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let wait = wait::of_query(&mut query);
    let target = target(&id, &caller, &mut query, Some(&request))?;
    query.finish()?;
    Fields::of(body.0).finish().map_err(invalid)?;
    let stored = app.end_grace(&caller, target).await?;
    note(&request, "ended", &stored.value);
    app.changed_answer(&stored, wait).await
}

/// `POST /v1/keys/{id}/reset`
async fn reset(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: MaybeJsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let wait = wait::of_query(&mut query);
    let target = target(&id, &caller, &mut query, Some(&request))?;
    query.finish()?;
    let once = idempotency::wanted(&request, &caller, &body.0)?;
    Fields::of(body.0).finish().map_err(invalid)?;
    let (stored, value) = app.reset_key(&caller, target, once).await?;
    note(&request, "reset", &stored.value);
    let propagation = app.progress_of(&stored, wait).await;
    let body = Created::new(&stored.value, &value, propagation);
    answer::tagged(StatusCode::OK, &body, stored.value.revision)
}

fn grace(value: &Value) -> Read<Grace> {
    let seconds = value.as_u64().map(Grace::of_seconds);
    match seconds {
        Some(Ok(grace)) => Ok(grace),
        _ => fault(GraceError.to_string()),
    }
}
