//! The calls of `/v1/session` and `/v1/setup`: log in, log out, set the first password.
//!
//! Does not check passwords. Invariant: the session is in a cookie that no script can read, and in
//! no answer.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use keytable::{AccountId, KeyHash, PresentedKey};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::api::identity::listed::Nothing;
use crate::domain::audit::Actor;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::password::Password;
use crate::domain::identity::role::{Capability, Role};
use crate::domain::identity::user::UserName;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, Read, invalid, string};
use crate::http::host_policy::CallAddress;
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::http::{answer, cookie};
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::sessions::{Begun, Credentials, SESSION_S};

/// Who calls, and what they may do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(crate) struct SessionAnswer {
    /// Who calls, as the audit names them
    actor: String,
    /// What they are
    role: Shown<Role>,
    /// The only account that they may act in; null: every one
    account: Option<Shown<AccountId>>,
    /// What they may do
    capabilities: Vec<Shown<Capability>>,
    /// Whether it is a person who has logged in
    person: bool,
    /// Whether that person has a second factor
    totp: bool,
    /// When the session ends, in the answer that begins it
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Shown<UnixMillis>")]
    expires_at: Option<Shown<UnixMillis>>,
}

/// Whose password was set.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SetUp")]
pub(crate) struct SetUpAnswer {
    /// What to log in with
    user: Shown<UserName>,
    /// What the user may do
    role: Shown<Role>,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/session")
                .get(show)
                .post(log_in)
                .delete(log_out),
        )
        .service(web::resource("/setup").post(set_up));
}

/// `GET /v1/session`: who calls.
async fn show(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let totp = match &caller.person {
        Some(person) => app.user_of(person).await?.second_factor().is_some(),
        None => false,
    };
    let body = SessionAnswer {
        actor: caller.actor.to_string(),
        role: Shown(caller.role),
        account: caller.account.clone().map(Shown),
        capabilities: caller.capabilities.iter().map(Shown).collect(),
        person: caller.person.is_some(),
        totp,
        expires_at: None,
    };
    answer::json(StatusCode::OK, &body)
}

/// `POST /v1/session`: log in.
async fn log_in(
    app: Data<App>,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let credentials = credentials(body)?;
    let earlier = cookie::session(request.headers(), &app.host_policy);
    let begun = app.log_in(credentials, earlier, address(&request)).await?;
    let mut answer = answer::json(StatusCode::OK, &SessionAnswer::begun(&begun))?;
    give_cookie(&app, &mut answer, &begun.secret, SESSION_S)?;
    Ok(answer)
}

/// `DELETE /v1/session`: log out.
async fn log_out(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    app.log_out(&caller).await?;
    let mut answer = answer::json(StatusCode::OK, &Nothing {})?;
    give_cookie(&app, &mut answer, "", 0)?;
    Ok(answer)
}

/// `POST /v1/setup`: set a password with a one-time secret.
async fn set_up(
    app: Data<App>,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let (secret, password) = setup(body)?;
    let user = app.set_up(secret, password, address(&request)).await?;
    let body = SetUpAnswer {
        user: Shown(user.name),
        role: Shown(user.role),
    };
    answer::json(StatusCode::OK, &body)
}

impl SessionAnswer {
    fn begun(begun: &Begun) -> Self {
        let user = &begun.user;
        Self {
            actor: Actor::User(user.name.to_string()).to_string(),
            role: Shown(user.role),
            account: user.account.clone().map(Shown),
            capabilities: user.role.capabilities().iter().map(Shown).collect(),
            person: true,
            totp: user.second_factor().is_some(),
            expires_at: Some(Shown(begun.expires_at)),
        }
    }
}

fn give_cookie(
    app: &App,
    answer: &mut HttpResponse,
    value: &str,
    age_s: u64,
) -> Result<(), Problem> {
    let text = Zeroizing::new(cookie::set(&app.host_policy, value, age_s));
    let header = HeaderValue::from_str(&text).map_err(|error| Problem::internal(&error))?;
    answer.headers_mut().insert(SET_COOKIE, header);
    Ok(())
}

fn credentials(body: JsonObject) -> Result<Credentials, Problem> {
    let mut fields = Fields::of(body);
    let typed = fields.required("user", |value| string(&value));
    let password = fields.required("password", |value| string(&value));
    let code = fields.optional("totp", |value| string(&value));
    fields.finish().map_err(invalid)?;
    let (Some(typed), Some(password)) = (typed, password) else {
        return Err(Problem::internal(&"a refused field was not reported"));
    };
    Ok(Credentials {
        name: UserName::typed(&typed).ok(),
        typed_bytes: typed.len(),
        password: Password::attempt(password),
        code,
    })
}

fn setup(body: JsonObject) -> Result<(Option<KeyHash>, Password), Problem> {
    let mut fields = Fields::of(body);
    let secret = fields.required("setup_secret", |value| string(&value).map(Zeroizing::new));
    let password = fields.required("password", new_password);
    fields.finish().map_err(invalid)?;
    let (Some(secret), Some(password)) = (secret, password) else {
        return Err(Problem::internal(&"a refused field was not reported"));
    };
    let presented = PresentedKey::parse(secret.as_bytes()).ok();
    Ok((presented.map(|secret| KeyHash::of(&secret)), password))
}

/// Reads a password that is to be set.
pub(crate) fn new_password(value: Value) -> Read<Password> {
    let chosen = Password::choose(string(&value)?);
    chosen.map_err(|error| vec![FieldError::new("", error.to_string())])
}

fn address(request: &HttpRequest) -> Option<std::net::IpAddr> {
    let extensions = request.extensions();
    extensions
        .get::<CallAddress>()
        .and_then(|address| address.0)
}
