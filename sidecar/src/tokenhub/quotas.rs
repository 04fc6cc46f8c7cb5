//! Quotas: limits of tokens in Tencent's words.
//!
//! A quota is a limit of tokens in a day, a month or a lifetime. Limits that have no word there (of requests,
//! of a minute) are kept by every call and told by none. Invariant: what is written here is read back.

use keytable::{
    Amount, Limit, Limits, RecordedLimit, StartDay, Unit, UtcOffset, Window, WindowKind,
};
use serde_json::{Map, Value, json};

use crate::domain::clock::UnixMillis;
use crate::domain::limit::CountedLimits;
use crate::tokenhub::fault::Fault;
use crate::tokenhub::input::Input;
use crate::tokenhub::words::date_time;

/// What a quota's period is called.
const CYCLES: [(&str, WindowKind); 3] = [
    ("d", WindowKind::Day),
    ("m", WindowKind::Month),
    ("lifetime", WindowKind::Lifetime),
];

/// `QuotaInfo.Status`
const NORMAL: u8 = 1;
const EXHAUSTED: u8 = 3;

/// A quota as a call wants it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota {
    cycle: WindowKind,
    amount: Amount,
    start_day: Option<StartDay>,
}

/// Takes a list of quotas; `None` if it was not given.
pub(super) fn take(input: &mut Input, name: &str) -> Result<Option<Vec<Quota>>, Fault> {
    let Some(items) = input.objects(name)? else {
        return Ok(None);
    };
    let quotas: Vec<Quota> = items.into_iter().map(quota).collect::<Result<_, _>>()?;
    let is_twice = |(at, quota): (usize, &Quota)| {
        let others = quotas.iter().take(at);
        others.clone().any(|other| other.cycle == quota.cycle)
    };
    match quotas.iter().enumerate().any(is_twice) {
        true => Err(input.wrong(name, "must have each CycleUnit once")),
        false => Ok(Some(quotas)),
    }
}

fn quota(mut input: Input) -> Result<Quota, Fault> {
    let cycle = input.required_choice("CycleUnit", &CYCLES)?;
    let credits = input.required("CycleCredits")?;
    let amount = credits.parse().ok().and_then(Amount::new);
    let amount = amount.ok_or_else(|| {
        let detail = format!("must be a whole number from 1 to {}", Amount::MAX);
        input.wrong("CycleCredits", &detail)
    })?;
    let day = input.number("MonthStartDay", 1..=31)?;
    if day.is_some() && cycle != WindowKind::Month {
        return Err(input.wrong("MonthStartDay", "can be given for the CycleUnit m only"));
    }
    let start_day = day.and_then(|day| StartDay::new(u8::try_from(day).ok()?));
    input.finish()?;
    Ok(Quota {
        cycle,
        amount,
        start_day,
    })
}

/// The limits of a key whose quotas shall be these. What quotas have no word for stays as it is.
pub(super) fn limits(before: &CountedLimits, quotas: &[Quota]) -> Result<Limits, Fault> {
    let others = before
        .iter()
        .map(|one| one.limit)
        .filter(|limit| !is_quota(limit));
    let wanted = quotas.iter().map(|quota| {
        let mut kept = before.iter().map(|one| one.limit).filter(is_quota);
        let kept = kept.find(|limit| limit.window.kind() == quota.cycle);
        quota.limit(kept)
    });
    let limits = Limits::new(others.chain(wanted).collect());
    limits.map_err(|error| Fault::value("Quotas", error))
}

fn is_quota(limit: &Limit) -> bool {
    limit.unit == Unit::Tokens && limit.window.kind() != WindowKind::Minute
}

impl Quota {
    /// The limit in the place of another one of its cycle.
    fn limit(self, kept: Option<Limit>) -> Limit {
        let offset = kept.and_then(|limit| limit.window.utc_offset());
        let offset = offset.unwrap_or(UtcOffset::UTC);
        let window = match self.cycle {
            WindowKind::Month => Window::Month(self.start_day.unwrap_or(StartDay::FIRST), offset),
            WindowKind::Day => Window::Day(offset),
            WindowKind::Minute | WindowKind::Lifetime => Window::Lifetime,
        };
        Limit {
            unit: Unit::Tokens,
            window,
            amount: self.amount,
            expected: kept.map(|limit| limit.expected).unwrap_or_default(),
            when_apart: kept.map(|limit| limit.when_apart).unwrap_or_default(),
            unmetered: kept.map(|limit| limit.unmetered).unwrap_or_default(),
        }
    }
}

/// `QuotaSet` and `QuotaStatus` of a key whose limits stand like this; no `QuotaSet` without quotas.
pub(super) fn told(limits: &CountedLimits, recorded: &[RecordedLimit]) -> Map<String, Value> {
    let standing = limits.iter().zip(recorded);
    let quotas: Vec<_> = standing.filter(|(one, _)| is_quota(&one.limit)).collect();
    let set: Vec<Value> = quotas
        .iter()
        .map(|(one, stands)| info(one.resets, one.since, stands))
        .collect();
    let is_used_up = |stands: &RecordedLimit| stands.used >= stands.limit.amount.get();
    let is_inactive = quotas.iter().any(|(_, stands)| is_used_up(stands));
    let status = match (set.is_empty(), is_inactive) {
        (true, _) => "",
        (false, false) => "active",
        (false, true) => "inactive",
    };
    let mut told = Map::new();
    told.insert("QuotaStatus".to_owned(), status.into());
    if !set.is_empty() {
        told.insert("QuotaSet".to_owned(), set.into());
    }
    told
}

/// `QuotaInfo`
fn info(number: u32, since: UnixMillis, stands: &RecordedLimit) -> Value {
    let kind = stands.limit.window.kind();
    let cycle = CYCLES.iter().find(|(_, other)| *other == kind);
    let span = stands.limit.window.span_at(stands.start_unix_ms);
    let start = span
        .end_unix_ms
        .map_or(since, |_| UnixMillis::new(span.start_unix_ms));
    let amount = stands.limit.amount.get();
    json!({
        "PkgId": format!("quota-{number}"),
        "Status": if stands.used >= amount { EXHAUSTED } else { NORMAL },
        "CycleUnit": cycle.map_or("", |(word, _)| word),
        "CycleCredits": amount.to_string(),
        "CycleUsed": stands.used.to_string(),
        "StartTime": date_time(start),
        "ExpireTime": span.end_unix_ms.map_or_else(String::new, |end| date_time(UnixMillis::new(end))),
    })
}
