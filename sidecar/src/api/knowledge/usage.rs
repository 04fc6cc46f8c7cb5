//! The calls `GET /v1/usage`, `/v1/usage/accounts` and `/v1/keys/{id}/usage`: what keys were used for.
//!
//! Does not count. Invariant: a series has every period of its interval, also those without
//! requests; all parts of an answer are of the same interval.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::{AxisKind, Tokens, UsageOutcome};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::account;
use crate::api::keys::target::target;
use crate::api::knowledge::tokens::TokensAnswer;
use crate::domain::clock::UnixMillis;
use crate::domain::label::Labels;
use crate::domain::usage::{Interval, Period, outcome_word};
use crate::http::answer;
use crate::http::pagination;
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{Subject, UsagePoint, UsageShare};

/// What is asked for besides whose usage.
struct Wanted {
    interval: Interval,
    limit: usize,
}

/// How many requests passed, and how many were refused.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Counts {
    /// Requests that passed
    permitted: u64,
    /// Requests that were refused
    refused: u64,
    /// What they used
    tokens: TokensAnswer,
}

/// The requests of one period.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UsagePoint")]
struct PointAnswer {
    /// When the period begins
    at: Shown<UnixMillis>,
    #[serde(flatten)]
    counts: Counts,
}

/// The requests that named one resource.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ResourceUsage")]
struct ResourceAnswer {
    /// The model or service; empty: none was named
    resource: String,
    /// What it is, as its name says; null: none was named
    #[schemars(extend("enum" = ["model", "service", null]))]
    kind: Option<&'static str>,
    #[serde(flatten)]
    counts: Counts,
}

/// The requests with one key.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KeyShare")]
struct KeyShareAnswer {
    /// The key's id
    id: String,
    /// The key's name; null: it was deleted
    name: Option<String>,
    #[serde(flatten)]
    counts: Counts,
}

/// The requests of one account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AccountShare")]
struct AccountShareAnswer {
    /// The account's id
    id: String,
    /// The account's name; null: it was never one
    name: Option<String>,
    #[serde(flatten)]
    counts: Counts,
}

/// What the keys of all accounts were used for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "InstallationUsage")]
pub(crate) struct InstallationUsageAnswer {
    /// The accounts whose keys were used most
    accounts: Vec<AccountShareAnswer>,
    #[serde(flatten)]
    usage: UsageAnswer,
}

/// What a key was used for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KeyUsage")]
pub(crate) struct UsageAnswer {
    /// The width of a point
    period: Shown<Period>,
    /// When the first point begins
    from: Shown<UnixMillis>,
    /// When the last point ends
    until: Shown<UnixMillis>,
    /// All requests
    total: Counts,
    /// How many requests ended in which way, by the word that the gate has for it
    outcomes: BTreeMap<&'static str, u64>,
    /// The resources that were named most
    resources: Vec<ResourceAnswer>,
    /// A point for each period, also those without requests
    series: Vec<PointAnswer>,
}

/// What the keys of an account were used for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AccountUsage")]
pub(crate) struct AccountUsageAnswer {
    /// The keys that were used most
    keys: Vec<KeyShareAnswer>,
    #[serde(flatten)]
    usage: UsageAnswer,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/usage").get(of_account))
        .service(web::resource("/usage/accounts").get(of_everyone))
        .service(web::resource("/keys/{id}/usage").get(of_key));
}

/// `GET /v1/usage`
async fn of_account(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let account = account::of_query(&caller, &mut query)?;
    let labels = query.optional("label", Labels::parse_pair);
    let wanted = wanted(query, app.clock.now())?;
    let account = account.ok_or_else(|| Problem::internal(&"an account was not reported"))?;
    let answer = app
        .store(move |store| {
            store.require_account(&account)?;
            let subject = match labels {
                Some(labels) => Subject::Labelled(account, labels),
                None => Subject::Account(account),
            };
            let Wanted { interval, limit } = wanted;
            let keys = store.usage_by_key(&subject, &interval, limit)?;
            let resources = store.usage_by_resource(&subject, &interval, limit)?;
            let points = store.usage_series(&subject, &interval)?;
            Ok(AccountUsageAnswer {
                keys: keys.into_iter().map(KeyShareAnswer::new).collect(),
                usage: UsageAnswer::new(&interval, &points, resources),
            })
        })
        .await?;
    answer::json(StatusCode::OK, &answer)
}

/// `GET /v1/usage/accounts`
async fn of_everyone(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string());
    let wanted = wanted(query, app.clock.now())?;
    let answer = app
        .store(move |store| {
            let Wanted { interval, limit } = wanted;
            let accounts = store.usage_by_account(&interval, limit)?;
            let resources = store.usage_by_resource(&Subject::Everyone, &interval, limit)?;
            let points = store.usage_series(&Subject::Everyone, &interval)?;
            let shown = |share: UsageShare| AccountShareAnswer {
                counts: Counts::of_share(&share),
                id: share.of,
                name: share.name,
            };
            Ok(InstallationUsageAnswer {
                accounts: accounts.into_iter().map(shown).collect(),
                usage: UsageAnswer::new(&interval, &points, resources),
            })
        })
        .await?;
    answer::json(StatusCode::OK, &answer)
}

/// `GET /v1/keys/{id}/usage`
async fn of_key(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let target = target(&id, &caller, &mut query, None)?;
    let wanted = wanted(query, app.clock.now())?;
    let answer = app
        .store(move |store| {
            let subject = Subject::Key(store.get(&target)?.id);
            let Wanted { interval, limit } = wanted;
            let resources = store.usage_by_resource(&subject, &interval, limit)?;
            let points = store.usage_series(&subject, &interval)?;
            Ok(UsageAnswer::new(&interval, &points, resources))
        })
        .await?;
    answer::json(StatusCode::OK, &answer)
}

fn wanted(mut query: Query, now: UnixMillis) -> Result<Wanted, Problem> {
    let periods = Period::ALL.map(|period| (period.as_str(), period));
    let period = query.choice("period", &periods).unwrap_or(Period::Hour);
    let from = query.optional("from", UnixMillis::parse_rfc3339);
    let until = query.optional("until", UnixMillis::parse_rfc3339);
    let limit = pagination::limit(&mut query);
    query.finish()?;
    let interval = Interval::new(period, from, until, now).map_err(|error| {
        Problem::invalid_parameters(vec![FieldError::new("from", error.to_string())])
    })?;
    Ok(Wanted { interval, limit })
}

/// `model` or `service`; nothing of an empty name.
fn kind_of(resource: &str) -> Option<&'static str> {
    let kind = AxisKind::of(resource.as_bytes());
    (!resource.is_empty()).then_some(match kind {
        AxisKind::Models => "model",
        AxisKind::Services => "service",
    })
}

impl UsageAnswer {
    fn new(interval: &Interval, points: &[UsagePoint], resources: Vec<UsageShare>) -> Self {
        let mut outcomes = BTreeMap::new();
        for point in points {
            *outcomes.entry(outcome_word(point.outcome)).or_default() += point.count;
        }
        let resources = resources.into_iter().map(|share| ResourceAnswer {
            counts: Counts::of_share(&share),
            kind: kind_of(&share.of),
            resource: share.of,
        });
        Self {
            period: Shown(interval.period),
            from: time(interval.from_s),
            until: time(interval.until_s),
            total: Counts::of_points(points),
            outcomes,
            resources: resources.collect(),
            series: series(interval, points),
        }
    }
}

impl KeyShareAnswer {
    fn new(share: UsageShare) -> Self {
        Self {
            counts: Counts::of_share(&share),
            id: share.of,
            name: share.name,
        }
    }
}

impl Counts {
    fn of_share(share: &UsageShare) -> Self {
        Self {
            permitted: share.permitted,
            refused: share.refused,
            tokens: share.tokens.into(),
        }
    }

    fn of_points<'a>(points: impl IntoIterator<Item = &'a UsagePoint>) -> Self {
        let mut counts = Self::default();
        let mut tokens = Tokens::default();
        for point in points {
            tokens.add(&point.tokens);
            match point.outcome {
                UsageOutcome::Permitted => counts.permitted += point.count,
                _ => counts.refused += point.count,
            }
        }
        counts.tokens = tokens.into();
        counts
    }
}

/// One point for each period; `points` are in the order of time.
fn series(interval: &Interval, points: &[UsagePoint]) -> Vec<PointAnswer> {
    let mut rest = points;
    let step = usize::try_from(interval.period.seconds()).unwrap_or(usize::MAX);
    let starts = (interval.from_s..interval.until_s).step_by(step);
    let point = |start_s| {
        let here = rest.partition_point(|point| point.start_s <= start_s);
        let (these, behind) = rest.split_at_checked(here).unwrap_or((rest, &[]));
        rest = behind;
        PointAnswer {
            at: time(start_s),
            counts: Counts::of_points(these),
        }
    };
    starts.map(point).collect()
}

const fn time(seconds: u64) -> Shown<UnixMillis> {
    Shown(UnixMillis::new(seconds.saturating_mul(1000)))
}
