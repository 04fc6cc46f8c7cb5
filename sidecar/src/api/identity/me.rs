//! The calls of `/v1/me`: what somebody who has logged in changes about their own log-in.
//!
//! Does not change anybody else. Invariant: the seed of a second factor is in the answer that draws
//! it, and in no other.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use qrcodegen::{QrCode, QrCodeEcc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::identity::listed::{DeletedRow, Nothing};
use crate::api::identity::session::new_password;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::password::Password;
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, invalid, string};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;

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

/// The caller's sessions.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SessionList {
    /// The sessions that are not over, the newest first
    sessions: Vec<ListedSession>,
}

/// A session of the caller.
#[derive(Debug, Serialize, JsonSchema)]
struct ListedSession {
    /// What it is ended by
    id: String,
    /// Whether it is the one that asks
    current: bool,
    /// From where its user logged in; null: not known
    address: Option<String>,
    /// When it began
    created_at: Shown<UnixMillis>,
    /// When it ends
    expires_at: Shown<UnixMillis>,
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
        .service(web::resource("/me/sessions").get(sessions))
        .service(web::resource("/me/sessions/{id}").delete(end_session))
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
    let current = Password::attempt(current);
    app.set_own_password(&caller, current, new).await?;
    answer::json(StatusCode::OK, &Nothing {})
}

/// `GET /v1/me/sessions`
async fn sessions(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let (sessions, this) = app.own_sessions(&caller).await?;
    let sessions = sessions.into_iter().map(|session| ListedSession {
        id: session.id(),
        current: session.hash == this,
        address: session.address,
        created_at: Shown(session.created_at),
        expires_at: Shown(session.expires_at),
    });
    let list = SessionList {
        sessions: sessions.collect(),
    };
    answer::json(StatusCode::OK, &list)
}

/// `DELETE /v1/me/sessions/{id}`
async fn end_session(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let at = app.end_session(&caller, id.clone()).await?;
    answer::json(StatusCode::OK, &DeletedRow::new(&id, at))
}

/// `POST /v1/me/totp`: a new seed, which counts once it is confirmed.
async fn enroll(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let (seed, user) = app.enroll_factor(&caller).await?;
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
    app.confirm_factor(&caller, &code.unwrap_or_default())
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
    app.remove_factor(&caller).await?;
    answer::json(StatusCode::OK, &TotpAnswer { totp: false })
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
