//! The calls of `/v1/accounts`.
//!
//! Does not make keys. Invariant: whoever is bound to an account sees that one alone.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::{AccountId, Status};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::api::idempotency;
use crate::api::identity::listed::DeletedRow;
use crate::api::limits::answer::{LimitAnswer, LimitsAnswer, ResetAnswer};
use crate::api::limits::request::limits;
use crate::api::wait;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::account::{Account, AccountEdit};
use crate::domain::name::KeyName;
use crate::domain::status::parse_status;
use crate::feed::propagation::Propagation;
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, Read, invalid, number, parsed};
use crate::http::pagination;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::LimitOwner;

/// Highest limit: what the table of one region is made for.
pub(crate) const KEY_LIMIT_MAX: u64 = 1_000_000;

/// What callers are told about an account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Account")]
pub(crate) struct AccountAnswer {
    /// Its handle
    id: Shown<AccountId>,
    /// What people call it
    name: Shown<KeyName>,
    /// Disabled: none of its keys is served, whatever their own status
    status: Shown<Status>,
    /// How many standard keys it may have
    key_limit: u64,
    /// How many standard keys it has
    standard_keys: u64,
    /// How much all its keys together may use
    limits: Vec<LimitAnswer>,
    /// When it was made
    created_at: Shown<UnixMillis>,
    /// When it was last changed
    updated_at: Shown<UnixMillis>,
}

/// An account that was changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChangedAccount {
    #[serde(flatten)]
    answer: AccountAnswer,
    /// How far the change has come; null: it was none that Envoys have to know
    propagation: Option<Propagation>,
}

/// A page of accounts.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AccountList {
    /// The accounts, by id
    accounts: Vec<AccountAnswer>,
    /// What to ask the next page with; null: this is the last one
    next_cursor: Option<String>,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/accounts").get(list).post(create))
        .service(
            web::resource("/accounts/{id}")
                .get(get)
                .patch(edit)
                .delete(delete),
        )
        .service(web::resource("/accounts/{id}/limits").get(limits_of))
        .service(web::resource("/accounts/{id}/limits/reset").post(reset_limits));
}

/// `GET /v1/accounts`
async fn list(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let limit = pagination::limit(&mut query);
    let after = query.text("cursor").unwrap_or_default();
    query.finish()?;
    let found = app
        .accounts(&caller, after, limit.saturating_add(1))
        .await?;
    let (found, next_cursor) = pagination::cut(found, limit, |last| last.id.to_string());
    let shown = |account| AccountAnswer::new(&app, account);
    let list = AccountList {
        accounts: found.iter().map(shown).collect(),
        next_cursor,
    };
    answer::json(StatusCode::OK, &list)
}

/// `POST /v1/accounts`
async fn create(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let once = idempotency::wanted(&request, &caller, &body)?;
    let mut fields = Fields::of(body);
    let id = fields.required("id", |value| parsed(&value, AccountId::parse));
    let name = fields.required("name", |value| parsed(&value, KeyName::parse));
    fields.finish().map_err(invalid)?;
    let (Some(id), Some(name)) = (id, name) else {
        return Err(Problem::internal(&"a refused field was not reported"));
    };
    let account = app.make_account(&caller, (id, name), once).await?;
    let location = format!("/v1/accounts/{}", account.id);
    let body = AccountAnswer::new(&app, &account);
    answer::created(&body, account.revision, &location)
}

/// `GET /v1/accounts/{id}`
async fn get(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let account = app.account(caller.named_account(&id)?).await?;
    let body = AccountAnswer::new(&app, &account);
    answer::tagged(StatusCode::OK, &body, account.revision)
}

/// `PATCH /v1/accounts/{id}`
async fn edit(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let wait = wait::of_query(&mut query);
    query.finish()?;
    let id = caller.named_account(&id)?;
    let revisions = answer::if_match(&request);
    let mut fields = Fields::of(body);
    let edit = AccountEdit {
        name: fields.optional("name", |value| parsed(&value, KeyName::parse)),
        status: fields.optional("status", |value| parsed(&value, parse_status)),
        key_limit: fields.optional("key_limit", |value| key_limit(&value)),
        limits: fields.optional("limits", limits),
    };
    fields.refuse(&["id"], "cannot be changed: make a new account");
    fields.finish().map_err(invalid)?;
    let is_for_envoys = edit.limits.is_some() || edit.status.is_some();
    let stored = app.edit_account(&caller, id, revisions, edit).await?;
    let propagation = match is_for_envoys {
        true => Some(app.propagation_everywhere(stored.generation, wait).await?),
        false => None,
    };
    let account = &stored.value;
    let body = ChangedAccount {
        answer: AccountAnswer::new(&app, account),
        propagation,
    };
    answer::tagged(StatusCode::OK, &body, account.revision)
}

/// `DELETE /v1/accounts/{id}`
async fn delete(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let account = caller.named_account(&id)?;
    let revisions = answer::if_match(&request);
    let at = app.delete_account(&caller, account, revisions).await?;
    answer::json(StatusCode::OK, &DeletedRow::new(&id, at))
}

/// `GET /v1/accounts/{id}/limits`
async fn limits_of(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let owner = LimitOwner::Account(caller.named_account(&id)?);
    let report = app.limits(owner).await?;
    answer::json(StatusCode::OK, &LimitsAnswer::new(&report))
}

/// `POST /v1/accounts/{id}/limits/reset`
async fn reset_limits(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let wait = wait::of_query(&mut query);
    query.finish()?;
    let owner = LimitOwner::Account(caller.named_account(&id)?);
    let (report, propagation) = app.reset_limits(&caller, owner, wait).await?;
    answer::json(StatusCode::OK, &ResetAnswer::new(&report, propagation))
}

fn key_limit(value: &Value) -> Read<Option<u64>> {
    if value.is_null() {
        return Ok(None);
    }
    number(value, KEY_LIMIT_MAX).map(Some)
}

impl AccountAnswer {
    fn new(app: &App, account: &Account) -> Self {
        Self {
            id: Shown(account.id.clone()),
            name: Shown(account.name.clone()),
            status: Shown(account.status),
            key_limit: app.key_limit(account),
            standard_keys: account.standard_keys,
            limits: LimitAnswer::all(&account.limits),
            created_at: Shown(account.created_at),
            updated_at: Shown(account.updated_at),
        }
    }
}
