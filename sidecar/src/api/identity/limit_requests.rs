//! The calls of `/v1/limit-requests`: an account asks for more keys, an operator decides.
//!
//! Does not count keys. Invariant: only an operator decides, and once.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::json;

use crate::api::account;
use crate::api::idempotency;
use crate::api::identity::accounts::KEY_LIMIT_MAX;
use crate::api::identity::listed::{self, List};
use crate::domain::audit::AuditAction;
use crate::domain::identity::account::{LimitDecision, LimitRequest, LimitStatus};
use crate::domain::name::Description;
use crate::domain::secrets::entropy;
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, invalid, number, parsed};
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{Idempotent, Store};

const LIST: List = List {
    name: "limit_requests",
    cursor_mark: 'l',
};

#[derive(Debug, Serialize)]
struct LimitRequestAnswer {
    id: String,
    account: String,
    key_limit: u64,
    reason: String,
    status: &'static str,
    note: String,
    requested_by: String,
    decided_by: Option<String>,
    created_at: String,
    decided_at: Option<String>,
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
    LIST.page(call, Store::limit_requests, LimitRequestAnswer::new)
        .await
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
    let act = caller.act(app.clock.now());
    let new = LimitRequest {
        id: entropy::new_handle("lr")?,
        account,
        key_limit,
        reason,
        status: LimitStatus::Open,
        note: Description::default(),
        requested_by: act.actor.to_string(),
        decided_by: None,
        created_at: act.at,
        decided_at: None,
        revision: 1,
    };
    let detail = json!({"key_limit": key_limit, "reason": new.reason.as_str()});
    let entry = act.entry(
        AuditAction::LimitRequested,
        Some(&new.account),
        &new.id,
        detail,
    );
    let made = app
        .store(
            move |store| match store.insert_limit_request(&new, once.as_ref(), &entry)? {
                Idempotent::Done(()) => Ok(new),
                Idempotent::Repeated(earlier) => {
                    earlier.found(store.limit_request(&earlier.target, None))
                }
            },
        )
        .await?;
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
    let call = (&**app, &caller, &request);
    listed::one(call, id.into_inner(), Store::limit_request, |found| {
        (LimitRequestAnswer::new(found), found.revision)
    })
    .await
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
    let revisions = answer::if_match(&request);
    let decision = decision(body)?;
    let act = caller.act(app.clock.now());
    let action = match decision.granted {
        true => AuditAction::LimitGranted,
        false => AuditAction::LimitDenied,
    };
    let decided = app
        .store(move |store| {
            store.decide_limit_request(&id, revisions.as_deref(), &decision, |request| {
                let detail = json!({"key_limit": request.key_limit, "note": request.note.as_str()});
                act.entry(action, Some(&request.account), &request.id, detail)
            })
        })
        .await?;
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
            account: request.account.to_string(),
            key_limit: request.key_limit,
            reason: request.reason.as_str().into(),
            status: request.status.as_str(),
            note: request.note.as_str().into(),
            requested_by: request.requested_by.clone(),
            decided_by: request.decided_by.clone(),
            created_at: request.created_at.to_string(),
            decided_at: request.decided_at.map(|at| at.to_string()),
        }
    }
}
