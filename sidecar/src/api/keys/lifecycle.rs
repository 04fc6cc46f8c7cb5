//! The calls of `/v1/keys` and `/v1/keys/{id}`.
//!
//! Does not check texts or speak SQL. Invariant: a change is answered after its commit, and says
//! how far it has come; a key of another account looks like one that does not exist.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::api::idempotency;
use crate::api::keys::answer::{Changed, Deleted, KeyAnswer};
use crate::api::keys::request;
use crate::api::keys::target::{note, target};
use crate::api::wait;
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;

/// `POST /v1/keys`
pub(super) async fn create(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let wait = wait::of_query(&mut query);
    let allow_unlisted = allow_unlisted(&mut query);
    query.finish()?;
    let once = idempotency::wanted(&request, &caller, &body)?;
    let act = caller.act(app.clock.now());
    let new = request::new_key(body, &caller, act.at)?;
    let made = app.make_key(&caller, new, allow_unlisted, once, act);
    let (stored, value) = made.await?;
    note(&request, "created", &stored.value);
    app.created_answer(&stored, value, wait).await
}

/// `POST /v1/keys/import`
pub(super) async fn import(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let wait = wait::of_query(&mut query);
    let allow_unlisted = allow_unlisted(&mut query);
    query.finish()?;
    let once = idempotency::wanted(&request, &caller, &body)?;
    let act = caller.act(app.clock.now());
    let imported = request::imported_key(body, &caller, act.at)?;
    let stored = app
        .import_key(&caller, imported, allow_unlisted, once, act)
        .await?;
    let key = &stored.value;
    note(&request, "imported", key);
    let propagation = app.progress_of(&stored, wait).await;
    let location = format!("/v1/keys/{}", key.id);
    answer::created(&Changed::new(key, propagation), key.revision, &location)
}

/// `GET /v1/keys/{id}`
pub(super) async fn get(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let target = target(&id, &caller, &mut query, None)?;
    query.finish()?;
    let key = app.store(move |store| store.get(&target)).await?;
    answer::tagged(StatusCode::OK, &KeyAnswer::new(&key), key.revision)
}

/// `PATCH /v1/keys/{id}`
pub(super) async fn edit(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let wait = wait::of_query(&mut query);
    let allow_unlisted = allow_unlisted(&mut query);
    let target = target(&id, &caller, &mut query, Some(&request))?;
    query.finish()?;
    let act = caller.act(app.clock.now());
    let edit = request::key_edit(body, act.at)?;
    let stored = app.edit_key(target, edit, allow_unlisted, act).await?;
    note(&request, "edited", &stored.value);
    app.changed_answer(&stored, wait).await
}

/// `DELETE /v1/keys/{id}`
pub(super) async fn delete(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let wait = wait::of_query(&mut query);
    let confirm = query.text("confirm");
    let target = target(&id, &caller, &mut query, Some(&request))?;
    query.finish()?;
    let (stored, deleted_at) = app.delete_key(&caller, target, confirm).await?;
    note(&request, "deleted", &stored.value);
    let deleted = Deleted {
        id: stored.value.id.to_string(),
        deleted_at: Shown(deleted_at),
        propagation: app.progress_of(&stored, wait).await,
    };
    answer::json(StatusCode::OK, &deleted)
}

pub(crate) fn allow_unlisted(query: &mut Query) -> bool {
    let choices = [("true", true), ("false", false)];
    query.choice("allow_unlisted", &choices).unwrap_or(false)
}
