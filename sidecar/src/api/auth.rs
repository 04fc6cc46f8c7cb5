//! Who may call `/v1`: the operator, with the credential of the first start.
//!
//! Does not know users or roles. Invariant: nothing of a request is read before its credential;
//! hashes are compared, in constant time.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::Data;
use keytable::{KeyHash, PresentedKey};

use crate::api::App;
use crate::api::problem::Problem;

/// Lets a request on if it has the operator's credential.
pub(super) async fn require_operator(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let known = request.app_data::<Data<App>>().map(|app| app.operator_hash);
    if known.is_some() && presented(request.headers()) == known {
        return next
            .call(request)
            .await
            .map(ServiceResponse::map_into_boxed_body);
    }
    let problem = Problem::unauthorized("send `Authorization: Bearer <operator token>`");
    Ok(request.error_response(problem))
}

/// The hash of the one credential that a request presents.
fn presented(headers: &HeaderMap) -> Option<KeyHash> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.as_bytes().split_at_checked(7)?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return None;
    }
    PresentedKey::parse(token).ok().map(|key| KeyHash::of(&key))
}
