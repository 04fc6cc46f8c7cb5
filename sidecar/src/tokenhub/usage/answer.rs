//! The answer of `DescribeUsageRankList`.
//!
//! Invariant: a series has a number for each timestamp.

use serde_json::{Map, Value, json};

use crate::store::{UsagePoint, UsageShare};
use crate::tokenhub::usage::figures::{Figures, METRICS};
use crate::tokenhub::usage::request::{Dimension, Wanted};
use crate::tokenhub::usage::{PAGE_LEN, shown};

/// An object of the page, with its points.
#[derive(Debug)]
pub(super) struct Ranked<'a> {
    /// Its place in the whole list, from 1.
    pub(super) rank: usize,
    pub(super) share: &'a UsageShare,
    pub(super) points: Vec<UsagePoint>,
}

/// The answer to `wanted` from all shares, and the page of them.
pub(super) fn answer(wanted: &Wanted, shares: &[UsageShare], ranked: &[Ranked<'_>]) -> Value {
    let timestamps = timestamps(wanted);
    let all = (1..).zip(shares);
    let all = all.map(|(rank, share)| item(rank, share, wanted, None));
    let page = ranked.iter().map(|ranked| {
        let series = series(&ranked.points, &timestamps, wanted.period_s);
        item(ranked.rank, ranked.share, wanted, Some(series))
    });
    let top: Vec<Value> = match wanted.show_all {
        true => all.collect(),
        false => page.collect(),
    };
    let page_stats = match wanted.show_all {
        true => stats(shares.iter()),
        false => stats(ranked.iter().map(|ranked| ranked.share)),
    };
    let [start, end] = &wanted.times;
    json!({
        "Dimension": match wanted.dimension {
            Dimension::ApiKey => "apikey",
            Dimension::Endpoint => "endpoint",
            Dimension::Model => "model",
        },
        "MetricType": wanted.metric_type,
        "MetricKeys": METRICS,
        "ViewName": "",
        "Period": if wanted.show_all { 0 } else { wanted.period_s },
        "StartTime": start,
        "EndTime": end,
        "Total": shares.len(),
        "Offset": if wanted.show_all { 0 } else { wanted.offset },
        "Limit": if wanted.show_all { shares.len() as u64 } else { PAGE_LEN },
        "Timestamps": if wanted.show_all { Vec::new() } else { timestamps },
        "TopList": top,
        "PageStats": page_stats,
        "TotalStats": stats(shares.iter()),
        "SortKey": wanted.sort_key,
    })
}

fn item(rank: usize, share: &UsageShare, wanted: &Wanted, series: Option<Value>) -> Value {
    let key = shown(&share.of);
    let name = match wanted.dimension {
        Dimension::ApiKey => share.name.as_deref().unwrap_or(key),
        Dimension::Endpoint | Dimension::Model => key,
    };
    json!({"Rank": rank, "Key": key, "Name": name, "Stats": stats([share]), "Series": series})
}

fn stats<'a>(shares: impl IntoIterator<Item = &'a UsageShare>) -> Value {
    let sum = shares
        .into_iter()
        .map(Figures::from)
        .fold(Figures::default(), Figures::with);
    metrics(|metric| sum.of(metric).into())
}

/// Each metric's numbers, one for each timestamp, as a JSON list in a text.
fn series(points: &[UsagePoint], timestamps: &[u64], period_s: u64) -> Value {
    let within = |start_s: &u64| {
        let period = *start_s..start_s + period_s;
        let points = points
            .iter()
            .filter(|point| period.contains(&point.start_s));
        points
            .map(Figures::from)
            .fold(Figures::default(), Figures::with)
    };
    let sums: Vec<Figures> = timestamps.iter().map(within).collect();
    metrics(|metric| {
        let numbers: Vec<u64> = sums.iter().map(|sum| sum.of(metric)).collect();
        Value::from(numbers).to_string().into()
    })
}

fn metrics(value: impl Fn(&str) -> Value) -> Value {
    let members = METRICS.map(|metric| (metric.to_owned(), value(metric)));
    Value::Object(Map::from_iter(members))
}

/// The begins of the periods, in seconds since 1970.
fn timestamps(wanted: &Wanted) -> Vec<u64> {
    let interval = wanted.interval();
    let start_s = interval.from_s - interval.from_s % wanted.period_s;
    let step = usize::try_from(wanted.period_s).unwrap_or(usize::MAX);
    (start_s..interval.until_s).step_by(step).collect()
}
