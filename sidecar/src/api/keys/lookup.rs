//! The call `POST /v1/keys/lookup`: which key has this value, for whoever found one somewhere.
//!
//! Does not show or keep the value. Invariant: it is hashed before anything is looked for, stands in
//! no URL and no log, and every attempt is counted and written down.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::api::account;
use crate::api::keys::answer::KeyAnswer;
use crate::api::keys::target::note;
use crate::domain::secrets::secret::Secret;
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, invalid, parsed};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::Caller;

/// `POST /v1/keys/lookup`
pub(super) async fn look_up(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    app.lookups.count(&caller.act(app.clock.now()))?;
    Query::parse(request.query_string()).finish()?;
    let mut fields = Fields::of(body);
    let secret = fields.required("key", |value| parsed(&value, Secret::presented));
    let access = account::access(&mut fields, &caller)?;
    fields.finish().map_err(invalid)?;
    let secret = secret.ok_or_else(|| Problem::internal(&"a refused value was not reported"))?;
    let account = access.account().cloned();
    let key = app.look_up_key(&caller, account, secret).await?;
    note(&request, "looked up", &key);
    answer::tagged(StatusCode::OK, &KeyAnswer::new(&key), key.revision)
}
