//! The calls of `/v1/accounts`.
//!
//! Does not make keys. Invariant: whoever is bound to an account sees that one alone.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::AccountId;
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::idempotency;
use crate::domain::audit::AuditAction;
use crate::domain::identity::account::{Account, AccountEdit};
use crate::domain::name::KeyName;
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, Read, invalid, number, parsed};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::{AccountAccess, Caller};
use crate::store::Idempotent;

const LIST_LIMIT_MAX: u64 = 200;
const LIST_LIMIT_DEFAULT: u64 = 50;
/// Highest limit: what the table of one region is made for.
pub(crate) const KEY_LIMIT_MAX: u64 = 1_000_000;

/// What callers are told about an account.
#[derive(Debug, Serialize)]
struct AccountAnswer {
    id: String,
    name: String,
    key_limit: u64,
    standard_keys: u64,
    created_at: String,
    updated_at: String,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/accounts").get(list).post(create))
        .service(web::resource("/accounts/{id}").get(get).patch(edit));
}

/// `GET /v1/accounts`
async fn list(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let limit = query
        .number("limit", 1..=LIST_LIMIT_MAX)
        .unwrap_or(LIST_LIMIT_DEFAULT);
    let after = query.text("cursor").unwrap_or_default();
    query.finish()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let access = caller.account_for(None)?;
    let mut found = app
        .store(move |store| match access.account() {
            Some(account) => store.account(account).map(|account| vec![account]),
            None => store.accounts(&after, limit.saturating_add(1)),
        })
        .await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| last.id.to_string());
    let accounts: Vec<_> = found
        .iter()
        .map(|account| app.account_answer(account))
        .collect();
    answer::json(
        StatusCode::OK,
        &json!({"accounts": accounts, "next_cursor": next}),
    )
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
    let detail = json!({"name": name.as_str()});
    let act = caller.act(app.clock.now());
    let entry = act.entry(AuditAction::AccountCreated, Some(&id), id.as_str(), detail);
    let account = app
        .store(
            move |store| match store.insert_account(&id, &name, once.as_ref(), &entry)? {
                Idempotent::Done(account) => Ok(account),
                Idempotent::Repeated(_) => store.account(&id),
            },
        )
        .await?;
    let location = format!("/v1/accounts/{}", account.id);
    answer::created(&app.account_answer(&account), account.revision, &location)
}

/// `GET /v1/accounts/{id}`
async fn get(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let id = named(&caller, &id)?;
    let account = app.store(move |store| store.account(&id)).await?;
    answer::tagged(
        StatusCode::OK,
        &app.account_answer(&account),
        account.revision,
    )
}

/// `PATCH /v1/accounts/{id}`
async fn edit(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let id = named(&caller, &id)?;
    let revisions = answer::if_match(&request);
    let mut fields = Fields::of(body);
    let edit = AccountEdit {
        name: fields.optional("name", |value| parsed(&value, KeyName::parse)),
        key_limit: fields.optional("key_limit", |value| key_limit(&value)),
    };
    fields.refuse(&["id"], "cannot be changed: make a new account");
    fields.finish().map_err(invalid)?;
    let detail = json!({
        "name": edit.name.as_ref().map(KeyName::as_str),
        "key_limit": edit.key_limit,
    });
    let act = caller.act(app.clock.now());
    let entry = act.entry(AuditAction::AccountEdited, Some(&id), id.as_str(), detail);
    let account = app
        .store(move |store| store.edit_account(&id, revisions.as_deref(), &edit, &entry))
        .await?;
    answer::tagged(
        StatusCode::OK,
        &app.account_answer(&account),
        account.revision,
    )
}

/// The account that a path names, if the caller may know it.
fn named(caller: &Caller, id: &str) -> Result<AccountId, Problem> {
    let unknown = || Problem::not_found("there is no such account");
    AccountId::parse(id).map_err(|_| unknown())?;
    match caller.account_for(Some(id))? {
        AccountAccess::One(account) => Ok(account),
        AccountAccess::Every => Err(unknown()),
    }
}

fn key_limit(value: &Value) -> Read<Option<u64>> {
    if value.is_null() {
        return Ok(None);
    }
    number(value, KEY_LIMIT_MAX).map(Some)
}

impl App {
    fn account_answer(&self, account: &Account) -> AccountAnswer {
        AccountAnswer {
            id: account.id.to_string(),
            name: account.name.as_str().into(),
            key_limit: account
                .key_limit
                .unwrap_or_else(|| self.store.key_limit_default()),
            standard_keys: account.standard_keys,
            created_at: account.created_at.to_string(),
            updated_at: account.updated_at.to_string(),
        }
    }
}
