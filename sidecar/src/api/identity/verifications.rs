//! The call of `/v1/verifications`: somebody who has logged in proves again who they are.
//!
//! Does not say what for. Invariant: a proof serves for one kind of act within five minutes, in the
//! session that gave it.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::clock::UnixMillis;
use crate::domain::identity::password::Password;
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, invalid, string};
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::sessions::Factor;

/// Until when the proof serves.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Verified {
    /// When it is worth nothing any more
    expires_at: Shown<UnixMillis>,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/verifications").post(verify));
}

/// `POST /v1/verifications`
async fn verify(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let until = app.verify(&caller, factor(body)?).await?;
    let verified = Verified {
        expires_at: Shown(until),
    };
    answer::json(StatusCode::CREATED, &verified)
}

fn factor(body: JsonObject) -> Result<Factor, Problem> {
    let mut fields = Fields::of(body);
    let password = fields.optional("password", |value| string(&value));
    let code = fields.optional("totp", |value| string(&value));
    let factor = match (password, code) {
        (Some(password), None) => Some(Factor::Password(Password::attempt(password))),
        (None, Some(code)) => Some(Factor::Code(code)),
        _ => None,
    };
    if factor.is_none() {
        fields.note(FieldError::new("password", "give either this or totp"));
    }
    fields.finish().map_err(invalid)?;
    factor.ok_or_else(|| Problem::internal(&"a refused field was not reported"))
}
