//! The calls of `/v1/keys` and `/v1/keys/{id}`.
//!
//! Does not check texts or speak SQL. Invariant: a change is answered after its commit, and says
//! how far it has come; a key of another account looks like one that does not exist.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::{AccountId, KeyId};
use zeroize::Zeroizing;

use crate::api::App;
use crate::api::answer;
use crate::api::body::JsonObject;
use crate::api::caller::{Caller, Purpose};
use crate::api::envelope::RequestId;
use crate::api::key_answer::{Changed, Created, Deleted, KeyAnswer};
use crate::api::key_list;
use crate::api::key_request;
use crate::api::patience::Patience;
use crate::api::problem::Problem;
use crate::api::query::Query;
use crate::api::{key_check, key_values, once};
use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::entropy;
use crate::domain::key::Key;
use crate::domain::sealed::Sealed;
use crate::domain::secret::Secret;
use crate::feed::propagation::Propagation;
use crate::store::{self, Manner, Minted, Outcome, Stored, Target};

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
    let secret = Secret::mint(&app.key_prefix.of_origin(new.origin))?;
    let minted = app.minted(&secret, &caller, act.at)?;
    let once = once::with_secret(once, &app, minted.id.as_str(), secret.as_str())?;
    let manner = Manner {
        action: AuditAction::KeyCreated,
        allow_unlisted,
    };
    let outcome = app
        .store(move |store| store.insert(new, minted, &manner, once.as_ref(), &act))
        .await?;
    let (stored, value) = match outcome {
        Outcome::Done(stored) => (stored, secret.reveal()),
        Outcome::Earlier(earlier) => {
            let value = once::secret_of(&app, &earlier)?;
            (app.stored_before(&caller, &earlier.target).await?, value)
        }
    };
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
    let minted = app.minted(&secret, &caller, act.at)?;
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
    answer::created(&Changed::new(key, propagation), key.revision, &location)
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
    let stored = app
        .store(move |store| store.edit(&target, edit, allow_unlisted, &act))
        .await?;
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
    let (wanted, name) = (target.clone(), confirm.clone());
    app.store(move |store| store.check_delete(&wanted, name.as_deref()))
        .await?;
    caller
        .require_verification(&app, Purpose::KeyDelete)
        .await?;
    let act = caller.act(app.clock.now());
    let deleted_at = act.at.to_string();
    let stored = app
        .store(move |store| store.delete(&target, confirm.as_deref(), &act))
        .await?;
    note(&request, "deleted", &stored.value);
    let deleted = Deleted {
        id: stored.value.id.to_string(),
        deleted_at,
        propagation: app.progress_of(&stored, patience).await,
    };
    answer::json(StatusCode::OK, &deleted)
}

impl App {
    /// What a value adds to a new key: an id, its hash and mask, and the sealed value unless
    /// nothing recoverable may be stored.
    pub(super) fn minted(
        &self,
        secret: &Secret,
        caller: &Caller,
        now: UnixMillis,
    ) -> Result<Minted, Problem> {
        let id = entropy::new_key_id(now)?;
        Ok(Minted {
            sealed: self.sealed(secret, id.as_str(), 1)?,
            id,
            hash: secret.hash(),
            masked: secret.mask(),
            predecessor: None,
            creator: caller.actor.to_string(),
        })
    }

    /// A value, sealed for the row of its key.
    pub(super) fn sealed(
        &self,
        secret: &Secret,
        id: &str,
        key_version: u32,
    ) -> Result<Option<Sealed>, Problem> {
        if !self.recoverable {
            return Ok(None);
        }
        let place = store::value_place(id, key_version);
        let sealed = self.keyring.seal(&place, secret.as_str().as_bytes());
        Ok(Some(sealed?))
    }

    /// A key that an earlier call has made, at the newest generation.
    pub(super) async fn stored_before(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<Stored<Key>, Problem> {
        let target = target_before(caller, id)?;
        self.store(move |store| {
            Ok(Stored {
                value: store.get(&target)?,
                generation: store.generation()?,
            })
        })
        .await
    }

    /// Says how far a change of a key has come, after waiting for it.
    pub(super) async fn progress_of(
        &self,
        stored: &Stored<Key>,
        patience: Patience,
    ) -> Propagation {
        self.propagation(&stored.value.region, stored.generation, patience)
            .await
    }

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
        answer::created(&created, key.revision, &location)
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
    let (id, account, region) = (&key.id, &key.account, &key.region);
    let request_id = RequestId::of(request);
    log::info!("key {what} key_id={id} account={account} region={region} request_id={request_id}");
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

/// A key that an earlier call has made.
pub(super) fn target_before(caller: &Caller, id: &str) -> Result<Target, Problem> {
    Ok(Target {
        id: key_id(id)?,
        account: caller.account.clone(),
        revisions: None,
    })
}

/// The account that a key has to be in; somebody else's account has none of the caller's keys.
fn account(caller: &Caller, named: Option<&str>) -> Result<Option<AccountId>, Problem> {
    let access = caller.account_for(named).map_err(|_| no_key())?;
    Ok(access.account().cloned())
}

/// A text that cannot be an id is the id of no key.
fn key_id(text: &str) -> Result<KeyId, Problem> {
    KeyId::parse(text).map_err(|_| no_key())
}

fn no_key() -> Problem {
    Problem::not_found("there is no such key")
}

pub(super) fn allow_unlisted(query: &mut Query) -> bool {
    let choices = [("true", true), ("false", false)];
    query.choice("allow_unlisted", &choices).unwrap_or(false)
}
