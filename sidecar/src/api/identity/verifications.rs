//! The call of `/v1/verifications`: somebody who has logged in proves again who they are.
//!
//! Does not say what for. Invariant: a proof serves for one act within five minutes, in the
//! session that gave it.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::password::Password;
use crate::domain::identity::user::{User, UserName};
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, invalid, string};
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::{Caller, Person};
use crate::service::proof::Proved;
use crate::store::RowTarget;

/// How long a proof serves, in milliseconds.
const LIFETIME_MS: u64 = 5 * 60 * 1000;

/// Until when the proof serves.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Verified {
    /// When it is worth nothing any more, if no act has used it up before
    expires_at: Shown<UnixMillis>,
}

/// What somebody proves it with.
enum Factor {
    Password(Password),
    Code(String),
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
    let factor = factor(body)?;
    let Some(person) = caller.person.clone() else {
        return Err(Problem::internal(&"a verification without a session"));
    };
    let name = name_of(&app, &person).await?;
    let (attempt, user) = app.attempt(Some(name), caller.address).await?;
    let user = user.ok_or_else(|| Problem::not_found("there is no such user"))?;
    let Some(proved) = prove(&app, &user, factor).await? else {
        return Err(app.refused_proof(&caller, &user).await?);
    };
    let act = caller.act(app.clock.now());
    let until = act.at.plus_ms(LIFETIME_MS);
    let entry = act.entry(
        AuditAction::Verified,
        user.account.as_ref(),
        &user.id,
        json!({}),
    );
    app.store(move |store| {
        let whose = (person.user.as_str(), &person.session);
        store.verify_session(whose, until, &entry, |stored| proved.note(&user, stored))
    })
    .await?;
    app.attempts.clear(&attempt);
    let verified = Verified {
        expires_at: Shown(until),
    };
    answer::json(StatusCode::CREATED, &verified)
}

async fn name_of(app: &App, person: &Person) -> Result<UserName, Problem> {
    let target = RowTarget::of(&person.user);
    let user = app.store(move |store| store.find::<User>(&target)).await?;
    Ok(user.name)
}

async fn prove(app: &App, user: &User, factor: Factor) -> Result<Option<Proved>, Problem> {
    match factor {
        Factor::Password(password) => app.check_password(Some(user), password).await,
        Factor::Code(code) => match user.second_factor() {
            Some(factor) => app.check_code(user, factor, &code, app.clock.now()),
            None => Ok(None),
        },
    }
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
