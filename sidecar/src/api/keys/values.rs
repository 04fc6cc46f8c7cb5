//! The calls about the value of a key: reveal, rotate, end of a grace, reset.
//!
//! Does not seal or mint. Invariant: a value is shown only after the audit row that says so is on
//! the disk.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;

use crate::api::keys::answer::{Created, RotatedAnswer};
use crate::api::keys::target::{note, target};
use crate::domain::rotation::{Grace, GraceError};
use crate::domain::secrets::secret::Secret;
use crate::http::answer;
use crate::http::body::MaybeJsonObject;
use crate::http::fields::{Fields, Read, fault, invalid};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::idempotency;
use crate::service::keys::target_before;
use crate::service::wait::Patience;
use crate::store::{Minted, Outcome};

/// The answer that shows a value again.
#[derive(Serialize)]
struct Revealed<'a> {
    id: &'a str,
    key: &'a str,
    key_version: u32,
}

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
    if confirm.is_some() {
        let wanted = target.clone();
        app.store(move |store| store.check_reveal(&wanted, confirm.as_deref()))
            .await?;
    }
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
    let once = idempotency::wanted(&request, &caller, &body.0)?;
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
    let once = idempotency::with_secret(once, &app, minted.id.as_str(), secret.as_str())?;
    let grace = grace.unwrap_or(Grace::DEFAULT);
    let outcome = app
        .store(move |store| store.rotate(&target, minted, grace, once.as_ref(), &act))
        .await?;
    let (rotated, value) = match outcome {
        Outcome::Done(rotated) => (rotated, secret.reveal()),
        Outcome::Earlier(earlier) => {
            let value = idempotency::secret_of(&app, &earlier)?;
            let made = target_before(&caller, &earlier.target)?;
            (app.store(move |store| store.rotated(&made)).await?, value)
        }
    };
    let (successor, predecessor) = (rotated.value.successor, rotated.value.predecessor);
    note(&request, "rotated", &predecessor);
    let propagation = app
        .propagation(&successor.region, rotated.generation, patience)
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
    let once = idempotency::wanted(&request, &caller, &body.0)?;
    Fields::of(body.0).finish().map_err(invalid)?;
    let (stored, value) = app.reset_key_once(&caller, target, once).await?;
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
