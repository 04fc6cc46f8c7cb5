//! The one route: admits a request, carries out its action, answers.
//!
//! Does not know what actions do. Invariant: signature, version, action, region, replay, rate and
//! capability are checked in this order, and all before a parameter is read.

use std::time::Instant;

use actix_web::guard;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::redact;
use serde_json::{Map, Value, json};

use crate::domain::region::RegionId;
use crate::feed::propagation::Propagation;
use crate::http::body::{BODY_BYTES_MAX, JsonObject};
use crate::http::envelope::RequestId;
use crate::service::App;
use crate::service::caller::Caller;
use crate::telemetry::Line;
use crate::tokenhub::action::Action;
use crate::tokenhub::call::{Call, Done};
use crate::tokenhub::fault::Fault;
use crate::tokenhub::input::Input;
use crate::tokenhub::rate_limit::{CALLS_MAX, RateLimit};
use crate::tokenhub::replay::{ReplayCache, SKEW_S, SignedRequest};
use crate::tokenhub::signature::{Authorization, SignatureError, Signed};
use crate::tokenhub::{api_keys, catalog, plan_keys, usage};

const SERVICE: &str = "tokenhub";
const VERSION: &str = "2026-03-22";
/// Tells how far a change has come; `Response` has no member for it.
const PROPAGATION: HeaderName = HeaderName::from_static("x-latchkey-propagation");

/// What calls leave behind: which signatures were seen, and when.
#[derive(Debug, Default)]
pub struct CallHistory {
    memory: ReplayCache,
    rates: RateLimit,
}

/// The route, at `path`, which begins with `/`. Other methods of the same path are left to others.
pub fn routes(path: &str) -> impl FnOnce(&mut ServiceConfig) {
    let bare = path.trim_end_matches('/').to_owned();
    move |config| {
        // Clients end a path with a slash of their own.
        let paths = [format!("{bare}/"), bare];
        let route = web::resource(paths).guard(guard::Post()).to(answer);
        config.service(route);
    }
}

async fn answer(
    app: Data<App>,
    history: Data<CallHistory>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let request_id = RequestId::of(&request);
    let outcome = match payload.to_bytes_limited(BODY_BYTES_MAX).await {
        Ok(Ok(body)) => serve(app, &history, &request, &body).await,
        Ok(Err(_)) => Err(Fault::parameter("The body ended early.")),
        Err(_) => Err(Fault::parameter(format!(
            "The body must have at most {BODY_BYTES_MAX} bytes."
        ))),
    };
    match outcome {
        Ok(done) => respond(done.members, &request_id, done.propagation.as_ref()),
        Err(fault) => {
            if let Some(cause) = &fault.cause {
                Line::error("cloud API call failed")
                    .field("request_id", request_id.clone())
                    .field("cause", cause.to_string())
                    .write();
            }
            let error = json!({"Code": fault.code, "Message": fault.message});
            let members = Map::from_iter([("Error".to_owned(), error)]);
            respond(members, &request_id, None)
        }
    }
}

fn respond(
    mut members: Map<String, Value>,
    request_id: &str,
    propagation: Option<&Propagation>,
) -> HttpResponse {
    members.insert("RequestId".into(), request_id.into());
    let mut answer = HttpResponse::Ok();
    // Clients look into a body of exactly this type.
    answer.content_type("application/json");
    let told = propagation.and_then(|told| HeaderValue::from_str(&told.summary()).ok());
    if let Some(told) = told {
        answer.insert_header((PROPAGATION, told));
    }
    answer.body(json!({"Response": members}).to_string())
}

async fn serve(
    app: Data<App>,
    history: &CallHistory,
    request: &HttpRequest,
    body: &[u8],
) -> Result<Done, Fault> {
    let (caller, authorization, signed_s) = authenticate(&app, request, body).await?;
    let (authorization, headers) = (Authorization::parse(&authorization)?, request.headers());
    let action = action(headers)?;
    let region = region(&app, headers).await?;
    let arrival = SignedRequest {
        secret_id: authorization.secret_id,
        fingerprint: authorization.fingerprint(),
        action,
        signed_s,
        now_ms: app.clock.now().get(),
    };
    history.memory.remember(&arrival)?;
    if !history
        .rates
        .count(authorization.secret_id, action, Instant::now())
    {
        let message = format!("{action:?} may be called {CALLS_MAX} times a second.");
        return Err(Fault::new("RequestLimitExceeded", message));
    }
    caller.require(action.capability())?;
    let account = caller.account.clone();
    let call = Call {
        account: account.ok_or_else(|| Fault::internal("an access key without an account"))?,
        app,
        caller,
        region,
        request_id: RequestId::of(request),
    };
    carry_out(&call, action, input(body)?).await
}

/// Finds out who has signed the request; gives `Authorization` and the time, too.
async fn authenticate(
    app: &App,
    request: &HttpRequest,
    body: &[u8],
) -> Result<(Caller, String, u64), Fault> {
    let headers = request.headers();
    let text = one(headers, "authorization");
    let text = text.ok_or(SignatureError::Form)?;
    let authorization = Authorization::parse(&text)?;
    let timestamp_s = timestamp(headers)?;
    if (app.clock.now().get() / 1000).abs_diff(timestamp_s) > SKEW_S {
        let message = format!(
            "X-TC-Timestamp is more than {SKEW_S} s off: set the clock of this client, or of the \
             sidecar."
        );
        return Err(Fault::new("AuthFailure.SignatureExpire", message));
    }
    if headers.contains_key("x-tc-token") {
        let message = "There are no temporary credentials here: sign without X-TC-Token.";
        return Err(Fault::new("AuthFailure.TokenFailure", message));
    }
    let found = app.signer(authorization.secret_id).await?;
    let (signer, secret) = found.ok_or_else(|| {
        let message = "There is no such SecretId, or it is disabled.";
        Fault::new("AuthFailure.SecretIdNotFound", message)
    })?;
    let signed = Signed {
        service: SERVICE,
        timestamp_s,
        path: request.path(),
        query: request.query_string(),
        body,
    };
    authorization.verify(&secret, &signed, |name| one(headers, name))?;
    let caller = Caller::of_access_key(&signer, app.host_policy.address_of(request));
    Ok((caller, text, timestamp_s))
}

fn timestamp(headers: &HeaderMap) -> Result<u64, Fault> {
    let text = one(headers, "x-tc-timestamp").ok_or_else(|| Fault::missing("X-TC-Timestamp"))?;
    let number = text.parse::<u64>().ok();
    // The text is what was signed: it has to be the number's own.
    let number = number.filter(|number| number.to_string() == text);
    number.ok_or_else(|| Fault::value("X-TC-Timestamp", "must be in seconds since 1970"))
}

/// What is asked for, in which version of the API.
fn action(headers: &HeaderMap) -> Result<Action, Fault> {
    let version = one(headers, "x-tc-version").ok_or_else(|| Fault::missing("X-TC-Version"))?;
    if version != VERSION {
        let message = format!("X-TC-Version must be {VERSION}.");
        return Err(Fault::new("NoSuchVersion", message));
    }
    let name = one(headers, "x-tc-action").ok_or_else(|| Fault::missing("X-TC-Action"))?;
    Action::parse(&name).ok_or_else(|| {
        let message = format!(
            "There is no action {:.80} here: see docs/tokenhub.md.",
            redact(&name)
        );
        Fault::new("InvalidAction", message)
    })
}

async fn region(app: &App, headers: &HeaderMap) -> Result<RegionId, Fault> {
    let text = one(headers, "x-tc-region").ok_or_else(|| Fault::missing("X-TC-Region"))?;
    let unknown = || {
        let message = format!(
            "There is no region {:.80} here: see GET /v1/regions.",
            redact(&text)
        );
        Fault::new("UnsupportedRegion", message)
    };
    let region = RegionId::parse(&text).map_err(|_| unknown())?;
    let wanted = region.clone();
    match app.store(move |store| store.has_region(&wanted)).await? {
        true => Ok(region),
        false => Err(unknown()),
    }
}

/// The parameters; no body is none.
fn input(body: &[u8]) -> Result<Input, Fault> {
    if body.is_empty() {
        return Ok(Input::new(Map::new()));
    }
    match JsonObject::parse(body) {
        Ok(object) => Ok(Input::new(object.0)),
        Err(problem) => Err(match problem.errors() {
            [error, ..] if !error.field.is_empty() => Fault::value(&error.field, &error.detail),
            _ => Fault::parameter(format!(
                "The body must be one JSON object: {}.",
                problem.explanation()
            )),
        }),
    }
}

async fn carry_out(call: &Call, action: Action, input: Input) -> Result<Done, Fault> {
    match action {
        Action::CreateApiKey => api_keys::create(call, input).await,
        Action::DescribeApiKey => api_keys::describe(call, input).await,
        Action::DescribeApiKeyList => api_keys::list(call, input).await,
        Action::ModifyApiKeyInfo => api_keys::modify(call, input).await,
        Action::ModifyApiKeyStatus => api_keys::switch(call, input).await,
        Action::DeleteApiKey => api_keys::delete(call, input).await,
        Action::DescribeModelList => catalog::models(call, input).await,
        Action::DescribeModelEndpointList => catalog::endpoints(call, input).await,
        Action::DescribeEndpoint => catalog::endpoint(call, input).await,
        Action::CreateTokenPlanApiKeys => plan_keys::create(call, input).await,
        Action::DescribeTokenPlanApiKeyList => plan_keys::list(call, input).await,
        Action::DescribeTokenPlanApiKey => plan_keys::describe(call, input).await,
        Action::DescribeTokenPlanApiKeySecret => plan_keys::secret(call, input).await,
        Action::ModifyTokenPlanApiKey => plan_keys::modify(call, input).await,
        Action::ModifyTokenPlanApiKeySecret => plan_keys::reset(call, input).await,
        Action::DeleteTokenPlanApiKey => plan_keys::delete(call, input).await,
        Action::DescribeUsageRankList => usage::rank(call, input).await,
    }
}

/// The value of a header that stands once.
fn one(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(str::to_owned),
        _ => None,
    }
}
