//! The calls of `/v1/session` and `/v1/setup`: log in, log out, set the first password.
//!
//! Does not check passwords itself. Invariant: a log-in begins a session of its own, whatever
//! cookie the browser had; a refusal says nothing about which part was wrong.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use keytable::{AccountId, KeyHash, PresentedKey};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::api::identity::listed::Nothing;
use crate::domain::act::Act;
use crate::domain::audit::{Actor, AuditAction};
use crate::domain::clock::UnixMillis;
use crate::domain::identity::password::Password;
use crate::domain::identity::role::{Capability, Role};
use crate::domain::identity::user::{User, UserName};
use crate::domain::secrets::secret::{KeyPrefix, Secret};
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, Read, invalid, string};
use crate::http::host_policy::CallAddress;
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::http::{answer, cookie};
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::proof::Proved;
use crate::store::{Ends, NewSession, RowTarget, StoreError};

/// How long a session lasts, in seconds: a working day.
const SESSION_S: u64 = 12 * 60 * 60;

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

/// What somebody logs in with.
struct Credentials {
    name: Option<UserName>,
    /// The name as it was typed, for the audit.
    typed: String,
    password: Password,
    code: Option<String>,
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
    let totp = match caller.person.clone() {
        Some(person) => {
            let target = RowTarget::of(&person.user);
            let user = app.store(move |store| store.find::<User>(&target)).await?;
            user.second_factor().is_some()
        }
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
    let address = address(&request);
    let (attempt, user) = app.attempt(credentials.name.clone(), address).await?;
    let typed = credentials.typed.clone();
    let proved = prove(&app, user.as_ref(), credentials).await;
    let (user, proved) = match (user, proved) {
        (Some(user), Ok(proved)) => (user, proved),
        (user, refused) => {
            let problem = refused.err().unwrap_or_else(refusal);
            note_refusal(&app, &request, user.as_ref(), &typed).await?;
            return Err(problem);
        }
    };
    let answer = begin(&app, &request, user, proved).await?;
    app.attempts.clear(&attempt);
    Ok(answer)
}

/// `DELETE /v1/session`: log out.
async fn log_out(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let Some(person) = caller.person.clone() else {
        return Err(Problem::internal(&"a log-out without a session"));
    };
    let act = caller.act(app.clock.now());
    let account = caller.account.clone();
    let entry = act.entry(
        AuditAction::LoggedOut,
        account.as_ref(),
        &person.user,
        json!({}),
    );
    app.store(move |store| store.log_out(&person.session, &entry))
        .await?;
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
    let (hash, password) = setup(body)?;
    let (attempt, _) = app.attempt(None, address(&request)).await?;
    let now = app.clock.now();
    let user = match hash {
        Some(hash) => {
            app.store(move |store| store.user_by_setup(&hash, now))
                .await?
        }
        None => None,
    };
    let user = user.ok_or_else(|| {
        Problem::unauthorized(
            "the setup secret is wrong, was used or is too old: ask for a new one",
        )
    })?;
    let hashed = app.hash_password(password).await?;
    let act = act(&app, &request, &user);
    let body = SetUpAnswer {
        user: Shown(user.name.clone()),
        role: Shown(user.role),
    };
    app.store(move |store| {
        store.edit_user(&RowTarget::of(&user.id), now, |stored| {
            if stored.setup != user.setup {
                return Err(StoreError::Stale);
            }
            stored.setup = None;
            stored.password = Some(hashed);
            let account = stored.account.as_ref();
            let entry = act.entry(AuditAction::PasswordSet, account, &stored.id, json!({}));
            Ok((entry, Ends::Sessions))
        })
    })
    .await?;
    app.attempts.clear(&attempt);
    answer::json(StatusCode::OK, &body)
}

/// Checks every factor that the user has.
async fn prove(
    app: &App,
    user: Option<&User>,
    credentials: Credentials,
) -> Result<Proved, Problem> {
    let user = user.filter(|user| user.enabled);
    let proved = app.check_password(user, credentials.password).await?;
    let (Some(user), Some(proved)) = (user, proved) else {
        return Err(refusal());
    };
    let Some(factor) = user.second_factor() else {
        return Ok(proved);
    };
    let code = credentials.code.ok_or_else(Problem::code_required)?;
    let by_code = app.check_code(user, factor, &code, app.clock.now())?;
    by_code
        .map(|by_code| proved.and(by_code))
        .ok_or_else(refusal)
}

/// Begins a session of somebody who has proved who they are.
async fn begin(
    app: &App,
    request: &HttpRequest,
    user: User,
    proved: Proved,
) -> Result<HttpResponse, Problem> {
    let secret = Secret::mint(&KeyPrefix::session())?;
    let act = act(app, request, &user);
    let session = NewSession {
        hash: secret.hash(),
        earlier: cookie::session(request.headers(), &app.host_policy),
        address: act.address,
        expires_at: act.at.plus_ms(SESSION_S * 1000),
    };
    let entry = act.entry(
        AuditAction::LoggedIn,
        user.account.as_ref(),
        &user.id,
        json!({}),
    );
    let id = user.id.clone();
    let user = app
        .store(move |store| {
            store.log_in(&id, &session, &entry, |stored| proved.note(&user, stored))
        })
        .await?;
    let mut answer = answer::json(StatusCode::OK, &session_body(&user, &session))?;
    give_cookie(app, &mut answer, &secret.reveal(), SESSION_S)?;
    Ok(answer)
}

fn session_body(user: &User, session: &NewSession) -> SessionAnswer {
    SessionAnswer {
        actor: Actor::User(user.name.to_string()).to_string(),
        role: Shown(user.role),
        account: user.account.clone().map(Shown),
        capabilities: user.role.capabilities().iter().map(Shown).collect(),
        person: true,
        totp: user.second_factor().is_some(),
        expires_at: Some(Shown(session.expires_at)),
    }
}

async fn note_refusal(
    app: &App,
    request: &HttpRequest,
    user: Option<&User>,
    typed: &str,
) -> Result<(), Problem> {
    let act = Act {
        actor: Actor::Anonymous,
        address: address(request),
        at: app.clock.now(),
    };
    // Somebody may have typed the password where the name goes: an unknown name is not kept.
    let target = user.map_or("", |user| user.id.as_str());
    let detail = json!({"name": user.map(|user| user.name.as_str()), "chars": typed.len()});
    let account = user.and_then(|user| user.account.as_ref());
    let entry = act.entry(AuditAction::LoginRefused, account, target, detail);
    app.store(move |store| store.note(&entry)).await
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
        typed,
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

fn act(app: &App, request: &HttpRequest, user: &User) -> Act {
    Act {
        actor: Actor::User(user.name.to_string()),
        address: address(request),
        at: app.clock.now(),
    }
}

fn address(request: &HttpRequest) -> Option<std::net::IpAddr> {
    let extensions = request.extensions();
    extensions
        .get::<CallAddress>()
        .and_then(|address| address.0)
}

fn refusal() -> Problem {
    Problem::unauthorized("the name, the password or the code is wrong")
}
