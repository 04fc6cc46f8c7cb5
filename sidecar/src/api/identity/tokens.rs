//! The calls of `/v1/tokens`: how scripts prove who they are.
//!
//! Does not check tokens. Invariant: nobody gives a token more than they have themselves; the
//! value is in the answer that makes it and in no other.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::api::account;
use crate::api::idempotency;
use crate::api::identity::listed::{self, List};
use crate::domain::audit::AuditAction;
use crate::domain::identity::rights::Rights;
use crate::domain::identity::role::{Capabilities, Capability};
use crate::domain::identity::token::ApiToken;
use crate::domain::name::KeyName;
use crate::domain::secrets::entropy;
use crate::domain::secrets::secret::{KeyPrefix, Secret};
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, Read, fault, future, invalid, parsed, text};
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::{Caller, Purpose};
use crate::store::{Idempotent, Store, StoreError};

const LIST: List = List {
    name: "tokens",
    cursor_mark: 't',
};
/// A token is never changed, so it has one revision.
const REVISION: u64 = 1;

#[derive(Debug, Serialize)]
struct TokenAnswer {
    id: String,
    account: Option<String>,
    name: String,
    capabilities: Vec<&'static str>,
    creator: String,
    created_at: String,
    expires_at: Option<String>,
}

/// The answer that shows the value.
#[derive(Serialize)]
struct MintedAnswer<'a> {
    token: &'a str,
    #[serde(flatten)]
    answer: TokenAnswer,
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
    LIST.page(call, Store::tokens, TokenAnswer::new).await
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
    let secret = Secret::mint(&KeyPrefix::api_token())?;
    let token = new_token(body, &caller, &secret, &app)?;
    if token
        .capabilities
        .iter()
        .any(Capability::needs_verification)
    {
        caller.require_verification(&app, Purpose::Mint).await?;
    }
    let value = secret.reveal();
    let once = app.with_secret(once, &token.id, &value)?;
    let detail = json!({
        "name": token.name.as_str(),
        "capabilities": token.capabilities.to_string(),
        "expires_at": token.expires_at.map(|at| at.to_string()),
    });
    let act = caller.act(app.clock.now());
    let entry = act.entry(
        AuditAction::TokenCreated,
        token.account.as_ref(),
        &token.id,
        detail,
    );
    let (token, outcome) = app
        .store(
            move |store| match store.insert_token(&token, once.as_ref(), &entry)? {
                Idempotent::Done(()) => Ok((token, None)),
                Idempotent::Repeated(earlier) => {
                    let token = store.token(&earlier.target, None);
                    Ok((earlier.found(token)?, Some(earlier)))
                }
            },
        )
        .await?;
    let value = match outcome {
        None => value,
        Some(earlier) => app.earlier_secret(&earlier)?,
    };
    minted(&token, &value)
}

/// `GET /v1/tokens/{id}`
async fn get(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let call = (&**app, &caller, &request);
    listed::one(call, id.into_inner(), Store::token, |found| {
        (TokenAnswer::new(found), REVISION)
    })
    .await
}

/// `DELETE /v1/tokens/{id}`
async fn revoke(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let access = caller.account_for(None)?;
    let is_stale = answer::if_match(&request).is_some_and(|tags| !tags.contains(&REVISION));
    let act = caller.act(app.clock.now());
    let at = act.at;
    let token = app
        .store(move |store| {
            if is_stale {
                let known = store.token(&id, access.account());
                return known.and(Err(StoreError::Stale));
            }
            store.revoke_token(&id, access.account(), |token| {
                let detail = json!({"name": token.name.as_str()});
                let account = token.account.as_ref();
                act.entry(AuditAction::TokenRevoked, account, &token.id, detail)
            })
        })
        .await?;
    let body = json!({"id": token.id, "deleted_at": at.to_string()});
    answer::json(StatusCode::OK, &body)
}

fn new_token(
    body: JsonObject,
    caller: &Caller,
    secret: &Secret,
    app: &App,
) -> Result<ApiToken, Problem> {
    let now = app.clock.now();
    let mut fields = Fields::of(body);
    let access = account::access(&mut fields, caller)?;
    let name = fields.required("name", |value| parsed(&value, KeyName::parse));
    let capabilities = fields.required("capabilities", |value| capabilities(&value));
    let expires_at = fields.optional("expires_at", |value| future(&value, now));
    let wanted = capabilities.map(|capabilities| Rights {
        capabilities,
        account: access.account().cloned(),
    });
    if let Some(Err(beyond)) = wanted.map(|wanted| caller.rights().cover(&wanted)) {
        fields.note(FieldError::new("capabilities", beyond.to_string()));
    }
    fields.finish().map_err(invalid)?;
    let (Some(name), Some(capabilities)) = (name, capabilities) else {
        return Err(Problem::internal(&"a refused field was not reported"));
    };
    Ok(ApiToken {
        id: entropy::new_handle("lt")?,
        hash: secret.hash(),
        account: access.account().cloned(),
        name,
        capabilities,
        creator: caller.actor.to_string(),
        user: caller.user.clone(),
        created_at: now,
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

fn minted(token: &ApiToken, value: &Zeroizing<String>) -> Result<HttpResponse, Problem> {
    let body = MintedAnswer {
        token: value,
        answer: TokenAnswer::new(token),
    };
    answer::created(&body, REVISION, &format!("/v1/tokens/{}", token.id))
}

impl TokenAnswer {
    fn new(token: &ApiToken) -> Self {
        Self {
            id: token.id.clone(),
            account: token.account.as_ref().map(ToString::to_string),
            name: token.name.as_str().into(),
            capabilities: token.capabilities.iter().map(Capability::as_str).collect(),
            creator: token.creator.clone(),
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.map(|at| at.to_string()),
        }
    }
}
