//! The call `POST /feed/v1/goodbye`: whoever ends an Envoy says so, so that it does not count for the
//! rest of its lease.
//!
//! Ends nothing, and does not ask who says it: whoever has the feed's credential is believed. Invariant:
//! an Envoy that is in contact counts, whatever was said of it.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::envoy::NodeName;
use crate::domain::region::RegionId;
use crate::feed::Feed;
use crate::http::problem::Problem;
use crate::http::query::Query;

/// Longest time between the word and the end: a grace period of Kubernetes is rarely longer.
const WITHIN_S_MAX: u64 = 3600;
const WITHIN_S_DEFAULT: u64 = 10;

pub(super) async fn post(feed: Data<Feed>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    feed.authorize(&request)?;
    let mut query = Query::parse(request.query_string());
    let region = query.required("region", |text| {
        RegionId::parse(text).map_err(|error| error.to_string())
    });
    let node = query.required("node", |text| {
        NodeName::parse(text).ok_or("must be 1 to 256 printable ASCII characters")
    });
    let within_s = query.number("within_s", 0..=WITHIN_S_MAX);
    query.finish()?;
    let within = Duration::from_secs(within_s.unwrap_or(WITHIN_S_DEFAULT));
    let ended = region
        .zip(node)
        .map_or(0, |(region, node)| feed.fleet.end(&region, &node, within));
    match ended {
        0 => Err(Problem::not_found("there is no such Envoy")),
        _ => Ok(HttpResponse::NoContent().finish()),
    }
}
