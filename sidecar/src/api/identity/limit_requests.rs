//! The calls of `/v1/limit-requests`: an account asks for more keys, an operator decides.
//!
//! Does not count keys. Invariant: only an operator decides, and once.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::AccountId;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::account;
use crate::api::idempotency;
use crate::api::identity::accounts::KEY_LIMIT_MAX;
use crate::api::identity::listed;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::account::{LimitDecision, LimitRequest, LimitStatus};
use crate::domain::name::Description;
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, invalid, number, parsed};
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::limit_requests::NewLimitRequest;

/// What cursors of this list begin with.
const CURSOR_MARK: char = 'l';

/// A request of an account for more keys.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LimitRequest")]
pub(crate) struct LimitRequestAnswer {
    /// Its handle
    id: String,
    /// Who asks
    account: Shown<AccountId>,
    /// For how many keys; once it is granted, how many were granted
    key_limit: u64,
    /// What the keys are for
    reason: Shown<Description>,
    /// What became of it
    status: Shown<LimitStatus>,
    /// What the operator says about it
    note: Shown<Description>,
    /// Who wrote it
    requested_by: String,
    /// Who decided; null: nobody has
    decided_by: Option<String>,
    /// When it was written
    created_at: Shown<UnixMillis>,
    /// When it was decided; null: it is open
    decided_at: Option<Shown<UnixMillis>>,
}

/// A page of requests for more keys.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LimitRequestList {
    /// The requests, newest first
    limit_requests: Vec<LimitRequestAnswer>,
    /// What to ask the next page with; null: this is the last one
    next_cursor: Option<String>,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/limit-requests").get(list).post(create))
        .service(web::resource("/limit-requests/{id}").get(get).patch(decide));
}

/// `GET /v1/limit-requests`
async fn list(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let call = (&**app, &caller, &request);
    let page = listed::page(call, CURSOR_MARK, LimitRequestAnswer::new);
    let (limit_requests, next_cursor) = page.await?;
    let list = LimitRequestList {
        limit_requests,
        next_cursor,
    };
    answer::json(StatusCode::OK, &list)
}

/// `POST /v1/limit-requests`
async fn create(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let once = idempotency::wanted(&request, &caller, &body)?;
    let mut fields = Fields::of(body);
    let account = account::of_body(&mut fields, &caller)?;
    let key_limit = fields.required("key_limit", |value| number(&value, KEY_LIMIT_MAX));
    let reason = fields.required("reason", |value| parsed(&value, reason));
    fields.finish().map_err(invalid)?;
    let (Some(account), Some(key_limit), Some(reason)) = (account, key_limit, reason) else {
        return Err(Problem::internal(&"a refused field was not reported"));
    };
    let new = NewLimitRequest {
        account,
        key_limit,
        reason,
    };
    let made = app.make_limit_request(&caller, new, once).await?;
    let location = format!("/v1/limit-requests/{}", made.id);
    answer::created(&LimitRequestAnswer::new(&made), made.revision, &location)
}

/// `GET /v1/limit-requests/{id}`
async fn get(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    listed::one((&**app, &caller, &request), &id, LimitRequestAnswer::new).await
}

/// `PATCH /v1/limit-requests/{id}`
async fn decide(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let decision = decision(body)?;
    let target = caller.row(&id, answer::if_match(&request))?;
    let decided = app.decide_limit_request(&caller, target, decision).await?;
    answer::tagged(
        StatusCode::OK,
        &LimitRequestAnswer::new(&decided),
        decided.revision,
    )
}

fn decision(body: JsonObject) -> Result<LimitDecision, Problem> {
    let mut fields = Fields::of(body);
    let status = fields.required("status", |value| parsed(&value, LimitStatus::parse));
    let key_limit = fields.optional("key_limit", |value| number(&value, KEY_LIMIT_MAX));
    let note = fields.optional("note", |value| parsed(&value, Description::parse));
    if status == Some(LimitStatus::Open) {
        fields.note(FieldError::new(
            "status",
            "must be \"granted\" or \"denied\"",
        ));
    }
    if status == Some(LimitStatus::Denied) && key_limit.is_some() {
        fields.note(FieldError::new("key_limit", "goes with \"granted\" only"));
    }
    fields.finish().map_err(invalid)?;
    Ok(LimitDecision {
        key_limit,
        granted: status == Some(LimitStatus::Granted),
        note: note.unwrap_or_default(),
    })
}

fn reason(text: &str) -> Result<Description, String> {
    if text.trim().is_empty() {
        return Err("must say what the keys are for".into());
    }
    Description::parse(text).map_err(|error| error.to_string())
}

impl LimitRequestAnswer {
    fn new(request: &LimitRequest) -> Self {
        Self {
            id: request.id.clone(),
            account: Shown(request.account.clone()),
            key_limit: request.key_limit,
            reason: Shown(request.reason.clone()),
            status: Shown(request.status),
            note: Shown(request.note.clone()),
            requested_by: request.requested_by.clone(),
            decided_by: request.decided_by.clone(),
            created_at: Shown(request.created_at),
            decided_at: request.decided_at.map(Shown),
        }
    }
}
