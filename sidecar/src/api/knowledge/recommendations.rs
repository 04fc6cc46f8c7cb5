//! The call `GET /v1/recommendations`: which keys to narrow, renew or remove, why, and how.
//!
//! Does not carry anything out. Invariant: each piece of advice has its numbers and the one call
//! that follows it.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::api::account;
use crate::domain::key::Key;
use crate::domain::key_detail::axis;
use crate::domain::name::KeyName;
use crate::domain::recommendation::{Recommendation, RecommendationKind, Remedy, recommend};
use crate::http::answer;
use crate::http::pagination;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;

/// A page of advice.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RecommendationList {
    /// The advice, by key
    recommendations: Vec<Advice>,
    /// What to ask the next page with; null: this is the last one
    next_cursor: Option<String>,
}

/// Something to do about a key.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Recommendation")]
struct Advice {
    /// What was noticed
    kind: Shown<RecommendationKind>,
    /// The key's id
    key_id: String,
    /// The key's name
    key_name: Shown<KeyName>,
    /// The key's value with its middle left out
    masked: String,
    /// Why, in a sentence
    reason: String,
    /// The numbers of that sentence, by name
    numbers: BTreeMap<&'static str, u64>,
    /// The call that follows the advice
    fix: Fix,
}

/// A call.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RecommendedCall")]
struct Fix {
    /// Its method
    method: Method,
    /// Its path and query
    path: String,
    /// Its body
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    body: Option<Value>,
}

/// The method of a call that follows advice.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
enum Method {
    Patch,
    Post,
    Delete,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/recommendations").get(list));
}

/// `GET /v1/recommendations`
async fn list(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let account = account::of_query(&caller, &mut query)?;
    let limit = pagination::limit(&mut query);
    let after = query.number("cursor", 0..=u64::MAX >> 1).unwrap_or(0);
    query.finish()?;
    let account = account.ok_or_else(|| Problem::internal(&"an account was not reported"))?;
    let now = app.clock.now();
    let examined = app
        .store(move |store| {
            store.require_account(&account)?;
            store.examine(&account, after, limit, now)
        })
        .await?;
    let advice = examined.keys.iter().flat_map(|(key, observed)| {
        let advice = recommend(key, observed, now).into_iter();
        advice.map(|advice| Advice::new(key, advice))
    });
    let list = RecommendationList {
        recommendations: advice.collect(),
        next_cursor: examined.next.map(|seq| seq.to_string()),
    };
    answer::json(StatusCode::OK, &list)
}

impl Advice {
    fn new(key: &Key, advice: Recommendation) -> Self {
        let numbers = advice.numbers.iter();
        Self {
            kind: Shown(advice.kind),
            key_id: key.id.to_string(),
            key_name: Shown(key.name.clone()),
            masked: key.masked.clone(),
            reason: reason(&advice),
            numbers: numbers.copied().collect(),
            fix: Fix::new(key, &advice.remedy),
        }
    }
}

impl Fix {
    fn new(key: &Key, remedy: &Remedy) -> Self {
        let path = format!("/v1/keys/{}", key.id);
        let patch = |body| Self {
            method: Method::Patch,
            path: path.clone(),
            body: Some(body),
        };
        let post = |call| Self {
            method: Method::Post,
            path: format!("{path}/{call}"),
            body: None,
        };
        match remedy {
            Remedy::Disable => patch(json!({"status": "disabled"})),
            Remedy::Delete => Self {
                method: Method::Delete,
                path: format!("{path}?confirm={}", encoded(key.name.as_str())),
                body: None,
            },
            Remedy::Rotate => post("rotate"),
            Remedy::Reset => post("reset"),
            Remedy::LimitScope(scope) => {
                let (models, services) = (axis(&scope.models), axis(&scope.services));
                Self {
                    path: format!("{path}?allow_unlisted=true"),
                    ..patch(json!({"scope": {"models": models, "services": services}}))
                }
            }
            Remedy::LimitAddresses(list) => {
                let networks: Vec<_> = list.networks().iter().map(ToString::to_string).collect();
                patch(json!({"ip_allowlist": networks}))
            }
        }
    }
}

/// A sentence with the numbers in it.
fn reason(advice: &Recommendation) -> String {
    let number = |wanted| {
        let found = advice.numbers.iter().find(|(name, _)| *name == wanted);
        found.map_or(0, |(_, number)| *number)
    };
    let (days, requests) = (number("days"), number("requests"));
    match advice.kind {
        RecommendationKind::Idle => format!("the key is enabled and was not used for {days} days"),
        RecommendationKind::NeverUsed => {
            format!("the key is enabled, was made {days} days ago, and was never used")
        }
        RecommendationKind::NeverRotated => format!("the value of the key is {days} days old"),
        RecommendationKind::WideScope => format!(
            "the key may call everything; its {requests} requests of the last {days} days have \
             named only this many models and services: {}",
            number("resources")
        ),
        RecommendationKind::NoAddressList => format!(
            "the key may be used from anywhere; its {requests} requests of the last {days} days \
             have come from only this many addresses: {}",
            number("addresses")
        ),
        RecommendationKind::DisabledForLong => format!("the key is disabled for {days} days"),
        RecommendationKind::ExpiredForLong => format!("the key has expired {days} days ago"),
    }
}

/// A text as the value of a query parameter.
fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    text.bytes()
        .map(|byte| match plain(&byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
