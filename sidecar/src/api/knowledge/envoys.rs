//! The calls of `/v1/envoys`: the fleet as it is known here.
//!
//! Invariant: says what Envoys have said, nothing that is only hoped for.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use keytable::Generation;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::envoy::AgentId;
use crate::domain::region::RegionId;
use crate::feed::fleet::{Dismissal, Sighting};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;

/// Every Envoy.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EnvoyList")]
pub(crate) struct Envoys {
    /// The Envoys that may serve, in contact or not
    envoys: Vec<EnvoyAnswer>,
}

/// An Envoy, as it was last heard.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Envoy")]
struct EnvoyAnswer {
    /// Its name
    envoy: String,
    /// Drawn at each start, to tell restarts apart
    instance: String,
    /// Whose keys it has
    region: Shown<RegionId>,
    /// Which release its agent is; null: it does not say
    version: Option<String>,
    /// The generation of the key table that it has in force; null: none yet
    generation: Option<u64>,
    /// For how long it has not had the newest generation, in milliseconds
    lag_ms: u64,
    /// When it was last heard
    last_seen: Shown<UnixMillis>,
    /// Whether it is in contact
    live: bool,
    /// How long it may go on without hearing from the sidecar, in seconds; null: without end
    lease_s: Option<u64>,
    /// Until when it may go on; null: without end
    may_serve_until: Option<Shown<UnixMillis>>,
    /// Whether that time is over: it refuses every request until it is heard again
    lease_over: bool,
    /// Whether another Envoy was heard under this name
    shares_name: bool,
    /// Whether it can keep limits; one that cannot refuses every key that has some
    keeps_limits: bool,
    /// The last answer of the feed that it could not use; null: there was none
    last_error: Option<LastError>,
}

/// An answer of the feed that an Envoy could not use.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EnvoyError")]
struct LastError {
    /// What was wrong with it
    error: String,
    /// When it was told
    at: Shown<UnixMillis>,
}

/// `GET /v1/envoys`
pub(crate) async fn list(app: Data<App>) -> Json<Envoys> {
    let sightings = app.fleet.sightings();
    Json(Envoys {
        envoys: sightings.into_iter().map(EnvoyAnswer::from).collect(),
    })
}

/// `DELETE /v1/envoys/{instance}?region=`: an operator knows that it is gone for good.
pub(crate) async fn dismiss(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    instance: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let region = query.required("region", |text| {
        RegionId::parse(text).map_err(|error| error.to_string())
    });
    query.finish()?;
    let unknown = || Problem::not_found("there is no such Envoy");
    let (region, agent) = region.zip(AgentId::parse(&instance)).ok_or_else(unknown)?;
    match app.fleet.dismiss(&region, &agent) {
        Dismissal::Unknown => return Err(unknown()),
        Dismissal::InContact => {
            return Err(Problem::conflict(
                "envoy-in-contact",
                "this Envoy is in contact, or was half a minute ago: stop it first",
            ));
        }
        Dismissal::Done => {}
    }
    let act = caller.act(app.clock.now());
    let detail = json!({"region": region.as_str()});
    let entry = act.entry(AuditAction::EnvoyDismissed, None, agent.as_str(), detail);
    app.store(move |store| store.dismiss_envoy(&region, &agent, &entry))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

// === impl EnvoyAnswer ===

impl From<Sighting> for EnvoyAnswer {
    fn from(sighting: Sighting) -> Self {
        let who = sighting.who;
        Self {
            envoy: who.node.to_string(),
            instance: who.agent.to_string(),
            region: Shown(who.region),
            version: who.version.map(|version| version.to_string()),
            generation: sighting.acknowledged.map(Generation::get),
            lag_ms: u64::try_from(sighting.lag.as_millis()).unwrap_or(u64::MAX),
            last_seen: Shown(sighting.heard_at),
            live: sighting.live,
            lease_s: who.lease.seconds(),
            may_serve_until: sighting.may_serve_until.map(Shown),
            lease_over: sighting.is_over,
            shares_name: sighting.shares_name,
            keeps_limits: sighting.keeps_limits,
            last_error: sighting.trouble.map(|(error, at)| LastError {
                error: error.to_string(),
                at: Shown(at),
            }),
        }
    }
}
