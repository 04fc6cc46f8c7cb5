//! The call `POST /feed/v1/usage`: what an Envoy has counted.
//!
//! Does not ask who counted: whoever has the feed's credential is believed. Invariant: 204 means
//! that the batch is counted, once, and on the disk.

use actix_web::web::{self, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use keytable::UsageBatch;
use keytable::limits::USAGE_BYTES_MAX;

use crate::feed::Feed;
use crate::http::problem::Problem;

pub(super) async fn post(
    feed: Data<Feed>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    feed.authorize(&request)?;
    let bytes = payload
        .to_bytes_limited(USAGE_BYTES_MAX)
        .await
        .map_err(|_| Problem::too_large(USAGE_BYTES_MAX))?
        .map_err(|_| Problem::malformed_body("the body ended early"))?;
    let batch =
        UsageBatch::decode(&bytes).map_err(|error| Problem::malformed_usage(&error.to_string()))?;
    let (store, now) = (feed.store.clone(), feed.fleet.now());
    web::block(move || store.count_usage(&batch, now))
        .await
        .map_err(|error| Problem::internal(&error))??;
    Ok(HttpResponse::NoContent().finish())
}
