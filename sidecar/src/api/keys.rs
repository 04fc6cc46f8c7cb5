//! The calls of `/v1/keys` and `/v1/keys/{id}`.
//!
//! Does not check texts or speak SQL. Invariant: a change is answered after its commit, and says
//! how far it has come; a key of another account looks like one that does not exist.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::AccountId;
use zeroize::Zeroizing;

use crate::api::App;
use crate::api::answer;
use crate::api::body::JsonObject;
use crate::api::caller::Caller;
use crate::api::envelope::RequestId;
use crate::api::key_answer::{Changed, Created, Deleted, KeyAnswer};
use crate::api::key_list;
use crate::api::key_request;
use crate::api::key_service::{self, key_id, no_key};
use crate::api::patience::Patience;
use crate::api::problem::Problem;
use crate::api::query::Query;
use crate::api::{key_check, key_values, once};
use crate::domain::audit::AuditAction;
use crate::domain::key::Key;
use crate::store::{Manner, Outcome, Stored, Target};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/keys").get(key_list::list).post(create))
        .service(web::resource("/keys/import").post(import))
        .service(
            web::resource("/keys/{id}")
                .get(get)
                .patch(edit)
                .delete(delete),
        )
        .configure(key_values::routes)
        .configure(key_check::routes);
}

/// `POST /v1/keys`
async fn create(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let patience = Patience::take(&mut query);
    let allow_unlisted = allow_unlisted(&mut query);
    query.finish()?;
    let once = once::wanted(&request, &caller, &body)?;
    let act = caller.act(app.clock.now());
    let new = key_request::new_key(body, &caller, act.at)?;
    let manner = Manner {
        action: AuditAction::KeyCreated,
        allow_unlisted,
    };
    let (stored, value) = app.make_key(&caller, new, manner, once, act).await?;
    note(&request, "created", &stored.value);
    app.created_answer(&stored, value, patience).await
}

/// `POST /v1/keys/import`
async fn import(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let patience = Patience::take(&mut query);
    let allow_unlisted = allow_unlisted(&mut query);
    query.finish()?;
    let once = once::wanted(&request, &caller, &body)?;
    let act = caller.act(app.clock.now());
    let (new, secret) = key_request::imported_key(body, &caller, act.at)?;
    let minted = app.minted(&secret, new.origin, &caller, act.at)?;
    let manner = Manner {
        action: AuditAction::KeyImported,
        allow_unlisted,
    };
    let outcome = app
        .store(move |store| store.insert(new, minted, &manner, once.as_ref(), &act))
        .await?;
    let stored = match outcome {
        Outcome::Done(stored) => stored,
        Outcome::Earlier(earlier) => app.stored_before(&caller, &earlier.target).await?,
    };
    let key = &stored.value;
    note(&request, "imported", key);
    let propagation = app.progress_of(&stored, patience).await;
    let location = format!("/v1/keys/{}", key.id);
    answer::created(
        &Changed::new(key, propagation),
        Some(key.revision),
        &location,
    )
}

/// `GET /v1/keys/{id}`
async fn get(
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
async fn edit(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let patience = Patience::take(&mut query);
    let allow_unlisted = allow_unlisted(&mut query);
    let target = target(&id, &caller, &mut query, Some(&request))?;
    query.finish()?;
    let act = caller.act(app.clock.now());
    let edit = key_request::key_edit(body, act.at)?;
    let stored = app.edit_key(target, edit, allow_unlisted, act).await?;
    note(&request, "edited", &stored.value);
    app.changed_answer(&stored, patience).await
}

/// `DELETE /v1/keys/{id}`
async fn delete(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let patience = Patience::take(&mut query);
    let confirm = query.text("confirm");
    let target = target(&id, &caller, &mut query, Some(&request))?;
    query.finish()?;
    let (stored, deleted_at) = app.delete_key(&caller, target, confirm).await?;
    note(&request, "deleted", &stored.value);
    let deleted = Deleted {
        id: stored.value.id.to_string(),
        deleted_at: deleted_at.to_string(),
        propagation: app.progress_of(&stored, patience).await,
    };
    answer::json(StatusCode::OK, &deleted)
}

impl App {
    /// The answer that shows the value of a new key.
    pub(super) async fn created_answer(
        &self,
        stored: &Stored<Key>,
        value: Zeroizing<String>,
        patience: Patience,
    ) -> Result<HttpResponse, Problem> {
        let key = &stored.value;
        let propagation = self.progress_of(stored, patience).await;
        let created = Created::new(key, &value, propagation);
        let location = format!("/v1/keys/{}", key.id);
        answer::created(&created, Some(key.revision), &location)
    }

    /// The answer to a change that shows no value.
    pub(super) async fn changed_answer(
        &self,
        stored: &Stored<Key>,
        patience: Patience,
    ) -> Result<HttpResponse, Problem> {
        let key = &stored.value;
        let propagation = self.progress_of(stored, patience).await;
        answer::tagged(
            StatusCode::OK,
            &Changed::new(key, propagation),
            key.revision,
        )
    }
}

pub(super) fn note(request: &HttpRequest, what: &str, key: &Key) {
    key_service::log_change(&RequestId::of(request), what, key);
}

/// Which key a call means. `If-Match` counts where the request is given.
pub(super) fn target(
    id: &str,
    caller: &Caller,
    query: &mut Query,
    request: Option<&HttpRequest>,
) -> Result<Target, Problem> {
    let named = query.text("account");
    Ok(Target {
        id: key_id(id)?,
        account: account(caller, named.as_deref())?,
        revisions: request.and_then(answer::if_match),
    })
}

/// The account that a key has to be in; somebody else's account has none of the caller's keys.
fn account(caller: &Caller, named: Option<&str>) -> Result<Option<AccountId>, Problem> {
    let access = caller.account_for(named).map_err(|_| no_key())?;
    Ok(access.account().cloned())
}

pub(super) fn allow_unlisted(query: &mut Query) -> bool {
    let choices = [("true", true), ("false", false)];
    query.choice("allow_unlisted", &choices).unwrap_or(false)
}
