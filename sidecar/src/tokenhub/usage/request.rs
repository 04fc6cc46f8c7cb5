//! What a caller wants to know of usage.
//!
//! Does not look anything up. Invariant: the span is bounded, and the period fits it.

use keytable::KeyId;

use crate::domain::clock::UnixMillis;
use crate::domain::usage::{Interval, Period};
use crate::store::UsageShare;
use crate::tokenhub::fault::Fault;
use crate::tokenhub::input::Input;
use crate::tokenhub::usage::figures::{Figures, METRICS};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const SPAN_DAYS_MAX: u64 = 90;
const TARGET_CHARS_MAX: usize = 256;
const OFFSET_MAX: u64 = 1_000_000_000;
/// Spans in days, and the shortest period that is told of them, in seconds.
const FLOORS: [(u64, u64); 4] = [(1, 60), (5, 300), (10, 3_600), (SPAN_DAYS_MAX, 86_400)];
/// By what requests are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    /// By key.
    ApiKey,
    /// By what they name.
    Endpoint,
    /// By what they name, if it is a model.
    Model,
}

/// The parameters.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) dimension: Dimension,
    pub(super) metric_type: &'static str,
    pub(super) from: UnixMillis,
    pub(super) until: UnixMillis,
    /// Both times as they were written.
    pub(super) times: [String; 2],
    pub(super) anchor: Option<KeyId>,
    pub(super) target: Option<String>,
    /// In seconds.
    pub(super) period_s: u64,
    pub(super) offset: u64,
    pub(super) show_all: bool,
    pub(super) sort_key: &'static str,
}

impl Wanted {
    /// Takes all parameters.
    pub(super) fn take(mut input: Input) -> Result<Self, Fault> {
        let dimensions = [
            ("apikey", Dimension::ApiKey),
            ("endpoint", Dimension::Endpoint),
            ("model", Dimension::Model),
        ];
        let dimension = input.required_choice("Dimension", &dimensions)?;
        let times = [input.required("StartTime")?, input.required("EndTime")?];
        let [from, until] = &times;
        let from = time("StartTime", from)?;
        let until = time("EndTime", until)?;
        let (metric_type, anchor) = metric(&mut input, dimension)?;
        let target = input.text("Target")?.filter(|target| !target.is_empty());
        if target
            .as_ref()
            .is_some_and(|target| target.chars().count() > TARGET_CHARS_MAX)
        {
            let detail = format!("must have at most {TARGET_CHARS_MAX} characters");
            return Err(input.wrong("Target", &detail));
        }
        let offset = input.number("Offset", 0..=OFFSET_MAX)?.unwrap_or(0);
        let show_all = input.flag("ShowAll")?.unwrap_or(false);
        let period_s = period(&mut input, from, until)?;
        let sort_key = sort_key(&mut input)?;
        input.finish()?;
        Ok(Self {
            dimension,
            metric_type,
            from,
            until,
            times,
            anchor,
            target,
            period_s,
            offset,
            show_all,
            sort_key,
        })
    }

    /// The period that is stored.
    pub(super) fn interval(&self) -> Interval {
        let period = match self.period_s {
            86_400 => Period::Day,
            3_600 => Period::Hour,
            _ => Period::Minute,
        };
        Interval::covering(period, self.from, self.until)
    }

    /// Sorts by the wanted metric; where that says nothing, by requests.
    pub(super) fn sort(&self, shares: &mut [UsageShare]) {
        let rank = |share: &UsageShare| {
            let figures = Figures::from(share);
            (figures.of(self.sort_key), figures.of("RequestCount"))
        };
        shares.sort_by(|one, other| {
            rank(other)
                .cmp(&rank(one))
                .then_with(|| one.of.cmp(&other.of))
        });
    }
}

fn time(name: &str, text: &str) -> Result<UnixMillis, Fault> {
    UnixMillis::parse_rfc3339(text).map_err(|error| Fault::value(name, error))
}

/// `MetricType`, and with `apikey_usage` the key that it is about.
fn metric(input: &mut Input, dimension: Dimension) -> Result<(&'static str, Option<KeyId>), Fault> {
    let anchor = input.text("Anchor")?.filter(|anchor| !anchor.is_empty());
    match input.text("MetricType")?.as_deref() {
        None | Some("" | "tokens") => match anchor {
            None => Ok(("tokens", None)),
            Some(_) => Err(Fault::parameter(
                "`Anchor` is for the MetricType apikey_usage.",
            )),
        },
        Some("apikey_usage") if dimension == Dimension::ApiKey => Err(Fault::parameter(
            "The MetricType apikey_usage is for the dimensions endpoint and model.",
        )),
        Some("apikey_usage") => {
            let anchor = anchor.ok_or_else(|| Fault::missing("Anchor"))?;
            let id = KeyId::parse(&anchor).map_err(|_| Fault::not_found("API key"))?;
            Ok(("apikey_usage", Some(id)))
        }
        Some(_) => Err(Fault::parameter(
            "The MetricType must be tokens or apikey_usage; searches are not counted here.",
        )),
    }
}

/// `Period`, or the shortest that is told of the span.
fn period(input: &mut Input, from: UnixMillis, until: UnixMillis) -> Result<u64, Fault> {
    let span_ms = until.get().saturating_sub(from.get());
    let floor = FLOORS.iter().find(|(days, _)| span_ms <= days * DAY_MS);
    let floor_s = match floor {
        Some((_, floor_s)) if span_ms > 0 => *floor_s,
        Some(_) => return Err(Fault::value("EndTime", "must be later than StartTime")),
        None => {
            let detail = format!("must be at most {SPAN_DAYS_MAX} days after StartTime");
            return Err(Fault::value("EndTime", detail));
        }
    };
    let periods = FLOORS.map(|(_, seconds)| seconds);
    let Some(period_s) = input
        .number("Period", 0..=86_400)?
        .filter(|period| *period != 0)
    else {
        return Ok(floor_s);
    };
    if !periods.contains(&period_s) {
        return Err(input.wrong("Period", "must be 60, 300, 3600 or 86400"));
    }
    if period_s < floor_s {
        let message = format!("`Period` must be at least {floor_s} for this span.");
        return Err(Fault::new("InvalidParameter.PeriodTooFineForData", message));
    }
    Ok(period_s)
}

fn sort_key(input: &mut Input) -> Result<&'static str, Fault> {
    let text = input.text("SortKey")?.filter(|text| !text.is_empty());
    let Some(text) = text else {
        return Ok("TotalToken");
    };
    let found = METRICS.into_iter().find(|metric| *metric == text);
    found.ok_or_else(|| {
        Fault::parameter(format!("`SortKey` must be one of: {}.", METRICS.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The outcome of a request with these members besides dimension and start.
    fn take(members: Value) -> Result<Wanted, &'static str> {
        let mut all = json!({"Dimension": "model", "StartTime": "2026-11-01T00:00:00Z"});
        let Value::Object(all) = &mut all else {
            panic!("no object");
        };
        all.extend(members.as_object().unwrap().clone());
        Wanted::take(Input::new(all.clone())).map_err(|fault| fault.code)
    }

    #[test]
    fn the_period_follows_from_the_span() {
        for (until, period_s) in [
            ("2026-11-02T00:00:00Z", 60),
            ("2026-11-02T00:00:01Z", 300),
            ("2026-11-11T00:00:00Z", 3_600),
            ("2027-01-30T00:00:00Z", 86_400),
        ] {
            assert_eq!(
                take(json!({"EndTime": until})).unwrap().period_s,
                period_s,
                "{until}"
            );
        }
        let five = json!({"EndTime": "2026-11-01T01:00:00Z", "Period": 300});
        let interval = take(five).unwrap().interval();
        assert_eq!(
            (interval.period, interval.until_s - interval.from_s),
            (Period::Minute, 3_600)
        );
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        let (value, parameter) = (
            "InvalidParameterValue.InvalidParameterValue",
            "InvalidParameter.InvalidParameter",
        );
        let end = "2026-11-02T00:00:00Z";
        for (members, code) in [
            (json!({}), "MissingParameter.MissingParameter"),
            (json!({"EndTime": "tomorrow"}), value),
            (json!({"EndTime": "2026-11-01T00:00:00Z"}), value),
            (json!({"EndTime": "2027-01-30T00:00:01Z"}), value),
            (json!({"EndTime": end, "Period": 61}), value),
            (
                json!({"EndTime": "2026-11-03T00:00:00Z", "Period": 60}),
                "InvalidParameter.PeriodTooFineForData",
            ),
            (json!({"EndTime": end, "MetricType": "search"}), parameter),
            (json!({"EndTime": end, "Anchor": "ak-1"}), parameter),
            (
                json!({"EndTime": end, "MetricType": "apikey_usage"}),
                "MissingParameter.MissingParameter",
            ),
            (
                json!({"EndTime": end, "MetricType": "apikey_usage", "Anchor": "a",
                    "Dimension": "apikey"}),
                parameter,
            ),
            (json!({"EndTime": end, "SortKey": "Latency"}), parameter),
            (json!({"EndTime": end, "Target": "a".repeat(257)}), value),
            (json!({"EndTime": end, "Dimension": "user"}), value),
            (json!({"EndTime": end, "Quota": 1}), parameter),
        ] {
            assert_eq!(take(members.clone()).err(), Some(code), "{members}");
        }
    }
}
