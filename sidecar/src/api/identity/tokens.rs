//! The calls of `/v1/tokens`: how scripts prove who they are.
//!
//! Does not make or check tokens. Invariant: nobody gives a token more than they have themselves, nor for
//! longer; the value is in the answer that makes it and in no other.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::AccountId;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::api::account;
use crate::api::idempotency;
use crate::api::identity::listed::{self, DeletedRow};
use crate::domain::clock::UnixMillis;
use crate::domain::identity::rights::Rights;
use crate::domain::identity::role::{Capabilities, Capability};
use crate::domain::identity::token::ApiToken;
use crate::domain::name::KeyName;
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, Read, fault, future, invalid, parsed, text};
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::tokens::NewToken;
use crate::store::PagedRow;

/// What cursors of this list begin with.
const CURSOR_MARK: char = 't';

/// An API token, without its value.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Token")]
pub(crate) struct TokenAnswer {
    /// Its public handle
    id: String,
    /// The account that it may act in; null: every one
    account: Option<Shown<AccountId>>,
    /// What people call it
    name: Shown<KeyName>,
    /// What it may do
    capabilities: Vec<Shown<Capability>>,
    /// Who made it
    creator: String,
    /// When it was made
    created_at: Shown<UnixMillis>,
    /// From when on it is refused; null: never
    expires_at: Option<Shown<UnixMillis>>,
}

/// The answer that shows the value.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MintedToken<'a> {
    /// The value, in this answer and in no other
    token: &'a str,
    #[serde(flatten)]
    answer: TokenAnswer,
}

/// A page of API tokens.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TokenList {
    /// The tokens, newest first
    tokens: Vec<TokenAnswer>,
    /// What to ask the next page with; null: this is the last one
    next_cursor: Option<String>,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/tokens").get(list).post(create))
        .service(web::resource("/tokens/{id}").get(get).delete(revoke));
}

/// `GET /v1/tokens`
async fn list(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let call = (&**app, &caller, &request);
    let (tokens, next_cursor) = listed::page(call, CURSOR_MARK, TokenAnswer::new).await?;
    let list = TokenList {
        tokens,
        next_cursor,
    };
    answer::json(StatusCode::OK, &list)
}

/// `POST /v1/tokens`
async fn create(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let once = idempotency::wanted(&request, &caller, &body)?;
    let new = new_token(body, &caller, app.clock.now())?;
    let (token, value) = app.make_token(&caller, new, once).await?;
    let body = MintedToken {
        token: &value,
        answer: TokenAnswer::new(&token),
    };
    let location = format!("/v1/tokens/{}", token.id);
    answer::created(&body, token.revision(), &location)
}

/// `GET /v1/tokens/{id}`
async fn get(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    listed::one((&**app, &caller, &request), &id, TokenAnswer::new).await
}

/// `DELETE /v1/tokens/{id}`
async fn revoke(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let target = caller.row(&id, answer::if_match(&request))?;
    let (token, at) = app.revoke_token(&caller, target).await?;
    answer::json(StatusCode::OK, &DeletedRow::new(&token.id, at))
}

fn new_token(body: JsonObject, caller: &Caller, now: UnixMillis) -> Result<NewToken, Problem> {
    let mut fields = Fields::of(body);
    let access = account::access(&mut fields, caller)?;
    let name = fields.required("name", |value| parsed(&value, KeyName::parse));
    let capabilities = fields.required("capabilities", |value| capabilities(&value));
    let expires_at = fields.optional("expires_at", |value| future(&value, now));
    let wanted = capabilities.map(|capabilities| Rights {
        capabilities,
        account: access.account().cloned(),
        ends_at: expires_at.flatten(),
    });
    if let Some(Err(beyond)) = wanted.map(|wanted| caller.rights().cover(&wanted)) {
        let field = match beyond.is_too_much() {
            true => "capabilities",
            false => "expires_at",
        };
        fields.note(FieldError::new(field, beyond.to_string()));
    }
    fields.finish().map_err(invalid)?;
    let (Some(name), Some(capabilities)) = (name, capabilities) else {
        return Err(Problem::internal(&"a refused field was not reported"));
    };
    Ok(NewToken {
        account: access.account().cloned(),
        name,
        capabilities,
        expires_at: expires_at.flatten(),
    })
}

fn capabilities(value: &Value) -> Read<Capabilities> {
    let Value::Array(items) = value else {
        return fault("must be a list of capabilities");
    };
    let mut read = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let capability = text(item)
            .ok()
            .and_then(|text| Capability::parse(text).ok());
        let place = || FieldError::new(format!("[{index}]"), one_of());
        read.push(capability.ok_or_else(|| vec![place()])?);
    }
    if read.is_empty() {
        return fault("must have at least one capability");
    }
    Ok(Capabilities::of(read))
}

fn one_of() -> String {
    format!("must be one of {}", Capabilities::ALL)
}

impl TokenAnswer {
    fn new(token: &ApiToken) -> Self {
        Self {
            id: token.id.clone(),
            account: token.account.clone().map(Shown),
            name: Shown(token.name.clone()),
            capabilities: token.capabilities.iter().map(Shown).collect(),
            creator: token.creator.clone(),
            created_at: Shown(token.created_at),
            expires_at: token.expires_at.map(Shown),
        }
    }
}
