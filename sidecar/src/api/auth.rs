//! The door of `/v1`: finds out who calls, and whether they may make this call.
//!
//! Does not know what a call does. Invariant: nothing of a request's body is read before its
//! credential; a handler runs only for a caller whom the table of operations admits.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use keytable::{KeyHash, PresentedKey};

use crate::api::operations::{self, Access, RouteMatch};
use crate::http::cookie;
use crate::http::host_policy::CallAddress;
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::Caller;

/// Lets a request on if its caller may make this call.
pub(super) async fn authorize(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let checked = check(&request).await;
    forward(checked, request, next).await
}

/// Lets everybody on. Whoever presents a token is known to what follows; one that nobody has is refused.
pub(super) async fn recognize(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let known = known(&request).await;
    forward(known, request, next).await
}

/// Refuses a request for a name that is not ours. Probes may use any, and so may clients of the
/// cloud API, who sign it.
pub(crate) async fn check_host(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_probe = matches!(request.path(), "/healthz" | "/readyz" | "/metrics");
    let check = |app: Data<App>| match app.host_policy.is_tokenhub(&request) {
        true => Ok(()),
        false => app.host_policy.check_host(&request),
    };
    let checked = match is_probe {
        true => Ok(()),
        false => app(&request).and_then(check),
    };
    forward(checked, request, next).await
}

/// Lets a request on, or answers what is wrong with it.
async fn forward(
    checked: Result<(), Problem>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match checked {
        Ok(()) => next
            .call(request)
            .await
            .map(ServiceResponse::map_into_boxed_body),
        Err(problem) => Ok(request.error_response(problem)),
    }
}

async fn check(request: &ServiceRequest) -> Result<(), Problem> {
    let app = app(request)?;
    let pattern = request.match_pattern();
    let asked = operations::asked(request.method().as_str(), pattern.as_deref());
    let address = app.host_policy.address(request);
    request.extensions_mut().insert(CallAddress(address));
    if matches!(&asked, RouteMatch::Call(operation) if operation.access == Access::Public) {
        return app
            .host_policy
            .check_origin(request.method(), request.headers(), false);
    }
    let caller = identify(request, &app, address).await?;
    match asked {
        RouteMatch::Call(operation) => operation.access.check(&caller)?,
        RouteMatch::OtherMethods(methods) => return Err(Problem::other_methods(&methods)),
        RouteMatch::Nothing => return Err(Problem::not_found("there is no such call")),
    }
    request.extensions_mut().insert(caller);
    Ok(())
}

async fn known(request: &ServiceRequest) -> Result<(), Problem> {
    if request.headers().contains_key(header::AUTHORIZATION) {
        let app = app(request)?;
        let address = app.host_policy.address(request);
        let caller = identify(request, &app, address).await?;
        request.extensions_mut().insert(caller);
    }
    Ok(())
}

fn app(request: &ServiceRequest) -> Result<Data<App>, Problem> {
    let app = request.app_data::<Data<App>>().cloned();
    app.ok_or_else(|| Problem::internal(&"a call without what it works with"))
}

/// Finds the caller by token, else by session.
async fn identify(
    request: &ServiceRequest,
    app: &App,
    address: Option<IpAddr>,
) -> Result<Caller, Problem> {
    if request.headers().contains_key(header::AUTHORIZATION) {
        let hash = presented(request.headers()).ok_or_else(unknown)?;
        let now = app.clock.now();
        let token = app
            .store(move |store| store.token_by_hash(&hash, now))
            .await?
            .ok_or_else(unknown)?;
        return Ok(Caller::of_token(&token, address));
    }
    let session = cookie::session(request.headers(), &app.host_policy).ok_or_else(unknown)?;
    let now = app.clock.now();
    let user = app
        .store(move |store| store.session_user(&session, now))
        .await?
        .ok_or_else(unknown)?;
    app.host_policy
        .check_origin(request.method(), request.headers(), true)?;
    require_json(request)?;
    Ok(Caller::of_user(&user, session, address))
}

fn unknown() -> Problem {
    Problem::unauthorized("send `Authorization: Bearer <API token>`, or log in")
}

/// Refuses a body that a page could send without asking: a form, or plain text.
fn require_json(request: &ServiceRequest) -> Result<(), Problem> {
    let headers = request.headers();
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| length.as_bytes() != b"0");
    if !has_body {
        return Ok(());
    }
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    match media_type {
        Some(media_type) if media_type.trim().eq_ignore_ascii_case("application/json") => Ok(()),
        _ => Err(Problem::unsupported_media_type()),
    }
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

// === impl Caller ===

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or_else(|| Problem::internal(&"a call without its caller")))
    }
}
