//! The calls that probes make, without a credential.
//!
//! Does not say anything about keys or Envoys. Invariant: ready means that the database answers
//! and can be written.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::http::problem::Problem;
use crate::service::App;

/// `GET /healthz`: the process answers.
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body("{\"status\":\"ok\"}")
}

/// `GET /readyz`: the process can do its work.
pub(super) async fn readyz(app: Data<App>) -> Result<HttpResponse, Problem> {
    app.store(|store| store.require_sound().and_then(|()| store.generation()))
        .await
        .map_err(|problem| Problem::unavailable("the database does not answer", &problem))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body("{\"status\":\"ready\"}"))
}
