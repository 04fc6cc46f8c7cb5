//! The calls of `/v1/keys/{id}/limits`: how a key's limits stand, and new counters for them.
//!
//! Does not write limits: an edit of the key does. Invariant: a key of another account looks like one that does
//! not exist.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use crate::api::keys::target::target;
use crate::api::limits::answer::{LimitsAnswer, ResetAnswer};
use crate::api::wait;
use crate::http::answer;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::LimitOwner;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/keys/{id}/limits").get(show))
        .service(web::resource("/keys/{id}/limits/reset").post(reset));
}

/// `GET /v1/keys/{id}/limits`
async fn show(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let target = target(&id, &caller, &mut query, None)?;
    query.finish()?;
    let report = app.limits(LimitOwner::Key(target)).await?;
    answer::json(StatusCode::OK, &LimitsAnswer::new(&report))
}

/// `POST /v1/keys/{id}/limits/reset`
async fn reset(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let wait = wait::of_query(&mut query);
    let target = target(&id, &caller, &mut query, None)?;
    query.finish()?;
    let owner = LimitOwner::Key(target);
    let (report, propagation) = app.reset_limits(&caller, owner, wait).await?;
    answer::json(StatusCode::OK, &ResetAnswer::new(&report, propagation))
}
