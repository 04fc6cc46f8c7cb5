//! The calls `GET /v1/usage` and `GET /v1/keys/{id}/usage`: what keys were used for.
//!
//! Does not count. Invariant: a series has every period of its interval, also those without
//! requests; all parts of an answer are of the same interval.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::UsageOutcome;
use serde::Serialize;

use crate::api::account;
use crate::api::keys::target::target;
use crate::domain::clock::UnixMillis;
use crate::domain::usage::{Interval, Period, outcome_word};
use crate::http::answer;
use crate::http::pagination;
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{Subject, UsagePoint, UsageShare};

/// What is asked for besides whose usage.
struct Wanted {
    interval: Interval,
    limit: usize,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    permitted: u64,
    refused: u64,
}

#[derive(Debug, Serialize)]
struct PointAnswer {
    at: String,
    #[serde(flatten)]
    counts: Counts,
}

#[derive(Debug, Serialize)]
struct ResourceAnswer {
    resource: String,
    #[serde(flatten)]
    counts: Counts,
}

#[derive(Debug, Serialize)]
struct KeyShareAnswer {
    id: String,
    name: Option<String>,
    #[serde(flatten)]
    counts: Counts,
}

/// The answer.
#[derive(Debug, Serialize)]
struct UsageAnswer {
    period: &'static str,
    from: String,
    until: String,
    total: Counts,
    outcomes: BTreeMap<&'static str, u64>,
    resources: Vec<ResourceAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<KeyShareAnswer>>,
    series: Vec<PointAnswer>,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/usage").get(of_account))
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
    let wanted = wanted(query, app.clock.now())?;
    let account = account.ok_or_else(|| Problem::internal(&"an account was not reported"))?;
    let answer = app
        .store(move |store| {
            store.require_account(&account)?;
            let subject = Subject::Account(account);
            let Wanted { interval, limit } = wanted;
            let keys = store.usage_by_key(&subject, &interval, limit)?;
            let resources = store.usage_by_resource(&subject, &interval, limit)?;
            let points = store.usage_series(&subject, &interval)?;
            Ok(UsageAnswer::new(&interval, &points, resources, Some(keys)))
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
            Ok(UsageAnswer::new(&interval, &points, resources, None))
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

impl UsageAnswer {
    fn new(
        interval: &Interval,
        points: &[UsagePoint],
        resources: Vec<UsageShare>,
        keys: Option<Vec<UsageShare>>,
    ) -> Self {
        let mut outcomes = BTreeMap::new();
        for point in points {
            *outcomes.entry(outcome_word(point.outcome)).or_default() += point.count;
        }
        let resources = resources.into_iter().map(|share| ResourceAnswer {
            counts: Counts::of_share(&share),
            resource: share.of,
        });
        let of_key = |share: UsageShare| KeyShareAnswer {
            counts: Counts::of_share(&share),
            id: share.of,
            name: share.name,
        };
        Self {
            period: interval.period.as_str(),
            from: time(interval.from_s),
            until: time(interval.until_s),
            total: Counts::of_points(points),
            outcomes,
            resources: resources.collect(),
            keys: keys.map(|keys| keys.into_iter().map(of_key).collect()),
            series: series(interval, points),
        }
    }
}

impl Counts {
    const fn of_share(share: &UsageShare) -> Self {
        Self {
            permitted: share.permitted,
            refused: share.refused,
        }
    }

    fn of_points<'a>(points: impl IntoIterator<Item = &'a UsagePoint>) -> Self {
        let mut counts = Self::default();
        for point in points {
            match point.outcome {
                UsageOutcome::Permitted => counts.permitted += point.count,
                _ => counts.refused += point.count,
            }
        }
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

fn time(seconds: u64) -> String {
    UnixMillis::new(seconds.saturating_mul(1000)).to_string()
}
