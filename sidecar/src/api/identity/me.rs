//! The calls of `/v1/me`: what somebody who has logged in changes about their own log-in.
//!
//! Does not change anybody else. Invariant: a second factor counts only once a code has proved
//! that its seed has arrived, and goes only with proof of identity.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use qrcodegen::{QrCode, QrCodeEcc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::api::identity::listed::Nothing;
use crate::api::identity::session::new_password;
use crate::domain::audit::AuditAction;
use crate::domain::identity::password::Password;
use crate::domain::identity::totp::TotpSeed;
use crate::domain::identity::user::{TotpFactor, User};
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, invalid, string};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::{Caller, Person, Purpose};
use crate::store::{Ends, RowTarget, StoreError};

/// The seed of a second factor.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TotpSeed")]
pub(crate) struct TotpSeedAnswer<'a> {
    /// In Base32, to be typed in
    seed: &'a str,
    /// As a link, for a device that reads one
    uri: &'a str,
    /// The link as the rows of a QR code, `1` for a dark square
    qr: Vec<String>,
}

/// Whether there is a second factor.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Totp")]
pub(crate) struct TotpAnswer {
    /// Whether it counts now
    totp: bool,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/me/password").post(set_password))
        .service(
            web::resource("/me/totp")
                .post(enroll)
                .put(confirm)
                .delete(remove),
        );
}

/// `POST /v1/me/password`: a new password; ends every session, also this one.
async fn set_password(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let mut fields = Fields::of(body);
    let current = fields.required("current", |value| string(&value));
    let new = fields.required("password", new_password);
    fields.finish().map_err(invalid)?;
    let (Some(current), Some(new)) = (current, new) else {
        return Err(Problem::internal(&"a refused field was not reported"));
    };
    let user = user_of(&app, person(&caller)?).await?;
    let (attempt, _) = app.attempt(Some(user.name.clone()), caller.address).await?;
    let current = Password::attempt(current);
    if app.check_password(Some(&user), current).await?.is_none() {
        return Err(app.refused_proof(&caller, &user).await?);
    }
    let hashed = app.hash_password(new).await?;
    change(&app, &caller, AuditAction::PasswordSet, move |stored| {
        if stored.password != user.password {
            return Err(StoreError::Stale);
        }
        stored.password = Some(hashed);
        Ok(Ends::Sessions)
    })
    .await?;
    app.attempts.clear(&attempt);
    answer::json(StatusCode::OK, &Nothing {})
}

/// `POST /v1/me/totp`: a new seed, which counts once it is confirmed.
async fn enroll(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    caller.require_verification(&app, Purpose::Factor).await?;
    let user = user_of(&app, person(&caller)?).await?;
    let seed = TotpSeed::draw()?;
    let factor = TotpFactor {
        seed: app.seal_seed(&user.id, &seed)?,
        confirmed: false,
        step: 0,
    };
    let now = app.clock.now();
    let whose = RowTarget::of(&user.id);
    let act = caller.act(now);
    app.store(move |store| {
        store.edit_user(&whose, now, |stored| {
            if stored.second_factor().is_some() {
                return Err(StoreError::Conflict(
                    "there is a second factor: remove it first",
                ));
            }
            stored.totp = Some(factor);
            let detail = json!({"confirmed": false});
            let account = stored.account.as_ref();
            let entry = act.entry(AuditAction::TotpEnrolled, account, &stored.id, detail);
            Ok((entry, Ends::Nothing))
        })
    })
    .await?;
    let (text, uri) = (seed.base32(), seed.uri(user.name.as_str()));
    let body = TotpSeedAnswer {
        seed: &text,
        uri: &uri,
        qr: qr_rows(&uri)?,
    };
    answer::json(StatusCode::CREATED, &body)
}

/// `PUT /v1/me/totp`: a code proves that the seed has arrived.
async fn confirm(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let mut fields = Fields::of(body);
    let code = fields.required("totp", |value| string(&value));
    fields.finish().map_err(invalid)?;
    let code = code.unwrap_or_default();
    let user = user_of(&app, person(&caller)?).await?;
    app.attempt(Some(user.name.clone()), caller.address).await?;
    let Some(factor) = user.totp.clone().filter(|factor| !factor.confirmed) else {
        return Err(Problem::conflict(
            "conflict",
            "there is no second factor to confirm: ask for a seed first",
        ));
    };
    let proved = app.check_code(&user, &factor, &code, app.clock.now())?;
    let Some(proved) = proved else {
        return Err(app.refused_proof(&caller, &user).await?);
    };
    change(&app, &caller, AuditAction::TotpEnrolled, move |stored| {
        proved.note(&user, stored)?;
        if let Some(factor) = &mut stored.totp {
            factor.confirmed = true;
        }
        Ok(Ends::Nothing)
    })
    .await?;
    answer::json(StatusCode::OK, &TotpAnswer { totp: true })
}

/// `DELETE /v1/me/totp`
async fn remove(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    caller.require_verification(&app, Purpose::Factor).await?;
    change(&app, &caller, AuditAction::TotpRemoved, |stored| {
        stored.totp = None;
        Ok(Ends::Nothing)
    })
    .await?;
    answer::json(StatusCode::OK, &TotpAnswer { totp: false })
}

/// Changes the caller's own user.
async fn change(
    app: &App,
    caller: &Caller,
    action: AuditAction,
    change: impl FnOnce(&mut User) -> Result<Ends, StoreError> + Send + 'static,
) -> Result<User, Problem> {
    let whose = RowTarget::of(&person(caller)?.user);
    let act = caller.act(app.clock.now());
    app.store(move |store| {
        store.edit_user(&whose, act.at, |stored| {
            let ends = change(stored)?;
            let entry = act.entry(action, stored.account.as_ref(), &stored.id, json!({}));
            Ok((entry, ends))
        })
    })
    .await
}

/// A text as a QR code: its rows, `1` for a dark square.
fn qr_rows(text: &str) -> Result<Vec<String>, Problem> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium);
    let code = code.map_err(|error| Problem::internal(&error))?;
    let row = |y| {
        let squares = (0..code.size()).map(|x| code.get_module(x, y));
        squares.map(|dark| if dark { '1' } else { '0' }).collect()
    };
    Ok((0..code.size()).map(row).collect())
}

fn person(caller: &Caller) -> Result<&Person, Problem> {
    let person = caller.person.as_ref();
    person.ok_or_else(|| Problem::internal(&"a call of a person without a session"))
}

async fn user_of(app: &App, person: &Person) -> Result<User, Problem> {
    let target = RowTarget::of(&person.user);
    app.store(move |store| store.find(&target)).await
}
