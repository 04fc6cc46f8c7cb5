//! The calls about the value of a key: reveal, rotate, end of a grace, reset.
//!
//! Does not seal or mint. Invariant: a value is shown only after the audit row that says so is on
//! the disk.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;

use crate::api::App;
use crate::api::answer;
use crate::api::body::MaybeJsonObject;
use crate::api::caller::Caller;
use crate::api::fields::{Fields, Read, fault, invalid};
use crate::api::key_answer::{Created, RotatedAnswer};
use crate::api::keys::{note, target};
use crate::api::patience::Patience;
use crate::api::problem::Problem;
use crate::api::query::Query;
use crate::domain::rotation::{Grace, GraceError};
use crate::domain::secret::Secret;
use crate::store::Minted;

/// The answer that shows a value again.
#[derive(Serialize)]
struct Revealed<'a> {
    id: &'a str,
    key: &'a str,
    key_version: u32,
}

pub(super) fn routes(config: &mut ServiceConfig) {
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
    query.finish()?;
    Fields::of(body.0).finish().map_err(invalid)?;
    let (key, value) = app.reveal_key(&caller, target).await?;
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
    let patience = Patience::take(&mut query);
    let target = target(&id, &caller, &mut query, Some(&request))?;
    query.finish()?;
    let mut fields = Fields::of(body.0);
    let grace = fields.optional("grace_s", |value| grace(&value));
    fields.finish().map_err(invalid)?;
    let act = caller.act(app.clock.now());
    let (wanted, prefix) = (target.clone(), app.key_prefix.clone());
    let key = app.store(move |store| store.get(&wanted)).await?;
    let secret = Secret::mint(&prefix.of_origin(key.origin))?;
    let minted = Minted {
        predecessor: Some(key.id),
        ..app.minted(&secret, key.origin, &caller, act.at)?
    };
    let grace = grace.unwrap_or(Grace::DEFAULT);
    let rotated = app
        .store(move |store| store.rotate(&target, minted, grace, &act))
        .await?;
    let (successor, predecessor) = (rotated.value.successor, rotated.value.predecessor);
    note(&request, "rotated", &predecessor);
    let propagation = app
        .propagation(&successor.region, rotated.generation, patience)
        .await;
    let value = secret.reveal();
    let body = RotatedAnswer::new(&successor, &value, &predecessor, propagation);
    let location = format!("/v1/keys/{}", successor.id);
    answer::created(&body, Some(successor.revision), &location)
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
    let patience = Patience::take(&mut query);
    let target = target(&id, &caller, &mut query, Some(&request))?;
    query.finish()?;
    Fields::of(body.0).finish().map_err(invalid)?;
    let act = caller.act(app.clock.now());
    let stored = app
        .store(move |store| store.end_grace(&target, &act))
        .await?;
    note(&request, "ended", &stored.value);
    app.changed_answer(&stored, patience).await
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
    let patience = Patience::take(&mut query);
    let target = target(&id, &caller, &mut query, Some(&request))?;
    query.finish()?;
    Fields::of(body.0).finish().map_err(invalid)?;
    let (stored, value) = app.reset_key(&caller, target).await?;
    note(&request, "reset", &stored.value);
    let propagation = app.progress_of(&stored, patience).await;
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
