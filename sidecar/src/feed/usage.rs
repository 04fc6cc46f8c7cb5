//! The call `POST /feed/v1/usage`: what an Envoy has counted.
//!
//! Does not ask who counted: whoever has the feed's credential is believed. Invariant: 200 means
//! that the batch is counted and charged, once, and on the disk.

use actix_web::web::{Data, Payload};
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
    let accepted = feed.ledger.take(batch).await?;
    feed.metrics.count_tokens(accepted.tokens);
    let mut response = HttpResponse::Ok();
    Ok(response
        .content_type("application/octet-stream")
        .body(accepted.answer.encode()))
}
