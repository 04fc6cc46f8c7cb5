//! The calls of `/v1/access-keys`: how clients of the cloud API sign their requests.
//!
//! Does not make or check them. Invariant: the secret key is in the answer that makes it and in no
//! other.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::{AccountId, Status};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::account;
use crate::api::idempotency;
use crate::api::identity::listed;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::access_key::AccessKey;
use crate::domain::identity::role::Capability;
use crate::domain::name::KeyName;
use crate::domain::status::{parse_status, status_of};
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, invalid, parsed, text};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::access_keys::NewAccessKey;
use crate::service::caller::Caller;

/// What cursors of this list begin with.
const CURSOR_MARK: char = 's';

/// An access key, without its secret.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AccessKey")]
pub(crate) struct AccessKeyAnswer {
    /// The SecretId that clients sign with, which is no secret
    secret_id: String,
    /// The account that it may act in
    account: Shown<AccountId>,
    /// What people call it
    name: Shown<KeyName>,
    /// Whether it may be used
    status: Shown<Status>,
    /// The id of the user whose it is and with whom it ends; null: a script's
    user: Option<String>,
    /// What it may do at most
    capabilities: Vec<Shown<Capability>>,
    /// Who made it
    creator: String,
    /// When it was made
    created_at: Shown<UnixMillis>,
    /// When it was last changed
    updated_at: Shown<UnixMillis>,
}

/// The answer that shows the secret.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MintedAccessKey<'a> {
    /// The secret, in this answer and in no other
    secret_key: &'a str,
    #[serde(flatten)]
    answer: AccessKeyAnswer,
}

/// A page of access keys.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AccessKeyList {
    /// The access keys, newest first
    access_keys: Vec<AccessKeyAnswer>,
    /// What to ask the next page with; null: this is the last one
    next_cursor: Option<String>,
}

/// Which access key was deleted, and when.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeletedAccessKey {
    /// The SecretId that it had
    secret_id: String,
    /// When it was deleted
    deleted_at: Shown<UnixMillis>,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/access-keys").get(list).post(create))
        .service(
            web::resource("/access-keys/{id}")
                .get(get)
                .patch(switch)
                .delete(delete),
        );
}

/// `GET /v1/access-keys`
async fn list(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let call = (&**app, &caller, &request);
    let (access_keys, next_cursor) = listed::page(call, CURSOR_MARK, AccessKeyAnswer::new).await?;
    let list = AccessKeyList {
        access_keys,
        next_cursor,
    };
    answer::json(StatusCode::OK, &list)
}

/// `POST /v1/access-keys`
async fn create(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let once = idempotency::wanted(&request, &caller, &body)?;
    let new = new_access_key(body, &caller)?;
    let (key, secret) = app.make_access_key(&caller, new, once).await?;
    let body = MintedAccessKey {
        secret_key: &secret,
        answer: AccessKeyAnswer::new(&key),
    };
    let location = format!("/v1/access-keys/{}", key.id);
    answer::created(&body, key.revision, &location)
}

/// `GET /v1/access-keys/{id}`
async fn get(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    listed::one((&**app, &caller, &request), &id, AccessKeyAnswer::new).await
}

/// `PATCH /v1/access-keys/{id}`
async fn switch(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let mut fields = Fields::of(body);
    let status = fields.required("status", |value| parsed(&value, parse_status));
    fields.finish().map_err(invalid)?;
    let target = caller.row(&id, answer::if_match(&request))?;
    let enabled = status == Some(Status::Enabled);
    let key = app.switch_access_key(&caller, target, enabled).await?;
    answer::tagged(StatusCode::OK, &AccessKeyAnswer::new(&key), key.revision)
}

/// `DELETE /v1/access-keys/{id}`
async fn delete(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let target = caller.row(&id, answer::if_match(&request))?;
    let (key, at) = app.delete_access_key(&caller, target).await?;
    let body = DeletedAccessKey {
        secret_id: key.id,
        deleted_at: Shown(at),
    };
    answer::json(StatusCode::OK, &body)
}

fn new_access_key(body: JsonObject, caller: &Caller) -> Result<NewAccessKey, Problem> {
    let mut fields = Fields::of(body);
    let account = account::of_body(&mut fields, caller)?;
    let name = fields.required("name", |value| parsed(&value, KeyName::parse));
    let user = fields.optional("user", |value| text(&value).map(str::to_owned));
    fields.finish().map_err(invalid)?;
    match (account, name) {
        (Some(account), Some(name)) => Ok(NewAccessKey {
            account,
            name,
            user,
        }),
        _ => Err(Problem::internal(&"a refused field was not reported")),
    }
}

impl AccessKeyAnswer {
    fn new(key: &AccessKey) -> Self {
        Self {
            secret_id: key.id.clone(),
            account: Shown(key.account.clone()),
            name: Shown(key.name.clone()),
            status: Shown(status_of(key.enabled)),
            user: key.user.clone(),
            capabilities: key.capabilities.iter().map(Shown).collect(),
            creator: key.creator.clone(),
            created_at: Shown(key.created_at),
            updated_at: Shown(key.updated_at),
        }
    }
}
