//! The calls of `/v1/regions`.
//!
//! Does not know what is in a region. Invariant: only an operator changes one.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::Status;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::idempotency;
use crate::api::identity::listed::DeletedRow;
use crate::api::wait;
use crate::domain::clock::UnixMillis;
use crate::domain::region::{Region, RegionId};
use crate::domain::status::parse_status;
use crate::feed::propagation::Propagation;
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, invalid, parsed};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;

/// Every region.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RegionList {
    /// The regions, by id
    regions: Vec<RegionAnswer>,
}

/// A region.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Region")]
pub(crate) struct RegionAnswer {
    /// Its id
    id: Shown<RegionId>,
    /// Disabled: none of its keys is served, whatever their own status
    status: Shown<Status>,
    /// Where clients reach its Envoys; null: the installation does not say
    gateway: Option<String>,
    /// When it was made
    created_at: Shown<UnixMillis>,
    /// When it was last changed
    updated_at: Shown<UnixMillis>,
}

/// A region that was changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChangedRegion {
    #[serde(flatten)]
    answer: RegionAnswer,
    /// How far the change has come
    propagation: Propagation,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/regions").get(list).post(create))
        .service(
            web::resource("/regions/{id}")
                .get(get)
                .patch(edit)
                .delete(delete),
        );
}

/// The region that a path names.
pub(crate) fn region_of(text: &str) -> Result<RegionId, Problem> {
    RegionId::parse(text).map_err(|_| Problem::not_found("there is no such region"))
}

/// `GET /v1/regions`
async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let regions = app.regions().await?;
    let shown = |region| RegionAnswer::new(&app, region);
    let list = RegionList {
        regions: regions.iter().map(shown).collect(),
    };
    answer::json(StatusCode::OK, &list)
}

/// `POST /v1/regions`
async fn create(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let once = idempotency::wanted(&request, &caller, &body)?;
    let mut fields = Fields::of(body);
    let id = fields.required("id", |value| parsed(&value, RegionId::parse));
    fields.finish().map_err(invalid)?;
    let id = id.ok_or_else(|| Problem::internal(&"a refused field was not reported"))?;
    let region = app.make_region(&caller, id, once).await?;
    let location = format!("/v1/regions/{}", region.id);
    let body = RegionAnswer::new(&app, &region);
    answer::created(&body, region.revision, &location)
}

/// `GET /v1/regions/{id}`
async fn get(
    app: Data<App>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let region = app.region(region_of(&id)?).await?;
    let body = RegionAnswer::new(&app, &region);
    answer::tagged(StatusCode::OK, &body, region.revision)
}

/// `PATCH /v1/regions/{id}`
async fn edit(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let wait = wait::of_query(&mut query);
    query.finish()?;
    let id = region_of(&id)?;
    let revisions = answer::if_match(&request);
    let mut fields = Fields::of(body);
    let status = fields.optional("status", |value| parsed(&value, parse_status));
    fields.refuse(&["id"], "cannot be changed: make a new region");
    fields.finish().map_err(invalid)?;
    let stored = app
        .edit_region(&caller, id.clone(), revisions, status)
        .await?;
    let region = &stored.value;
    let body = ChangedRegion {
        answer: RegionAnswer::new(&app, region),
        propagation: app.propagation(&id, stored.generation, wait).await,
    };
    answer::tagged(StatusCode::OK, &body, region.revision)
}

/// `DELETE /v1/regions/{id}`
async fn delete(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let region = region_of(&id)?;
    let revisions = answer::if_match(&request);
    let at = app.delete_region(&caller, region, revisions).await?;
    answer::json(StatusCode::OK, &DeletedRow::new(&id, at))
}

impl RegionAnswer {
    fn new(app: &App, region: &Region) -> Self {
        let gateway = app
            .gateways
            .iter()
            .find(|gateway| gateway.region == region.id);
        Self {
            id: Shown(region.id.clone()),
            status: Shown(region.status),
            gateway: gateway.map(|gateway| gateway.url.clone()),
            created_at: Shown(region.created_at),
            updated_at: Shown(region.updated_at),
        }
    }
}
