//! The call of `/v1/envoys`: the fleet as it is known here.
//!
//! Invariant: says what Envoys have said, nothing that is only hoped for.

use actix_web::web::{Data, Json};
use serde::Serialize;

use crate::api::App;

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Envoys {
    envoys: Vec<EnvoyAnswer>,
}

#[derive(Debug, Serialize)]
struct EnvoyAnswer {
    envoy: String,
    instance: String,
    region: String,
    generation: Option<u64>,
    last_seen: String,
    live: bool,
}

/// `GET /v1/envoys`
pub(super) async fn list(app: Data<App>) -> Json<Envoys> {
    let sightings = app.board.sightings();
    let envoys = sightings.into_iter().map(|sighting| EnvoyAnswer {
        envoy: sighting.node.to_string(),
        instance: sighting.agent.to_string(),
        region: sighting.region.to_string(),
        generation: sighting.acknowledged.map(|generation| generation.get()),
        last_seen: sighting.heard_at.to_string(),
        live: sighting.live,
    });
    Json(Envoys {
        envoys: envoys.collect(),
    })
}
