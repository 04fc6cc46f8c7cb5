//! How usage is told: by which period, from when until when, in which words.
//!
//! Does not count. Invariant: an [`Interval`] begins and ends at whole periods and has as many
//! of them as its maker allows.

use std::borrow::Cow;
use std::fmt;

use keytable::{UsageOutcome, redact};

use crate::domain::clock::UnixMillis;

/// Points that one series may have.
pub const POINTS_MAX: u64 = 1_500;
/// Points of a series whose begin is not named.
const POINTS_DEFAULT: u64 = 60;
/// What a resource is called that is not kept apart any more: the key has named too many.
pub const OTHER_RESOURCES: &str = "(others)";

/// What a resource is called that an Envoy has told of: without a credential, and without characters
/// that cannot be shown.
pub fn resource_name(told: &str) -> Cow<'_, str> {
    let shown = redact(told);
    match shown.chars().any(char::is_control) {
        false => Cow::Borrowed(shown),
        true => Cow::Owned(shown.replace(char::is_control, "\u{fffd}")),
    }
}

/// The width of one point of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Kept for two days.
    Minute,
    /// Kept for 40 days.
    Hour,
    /// Kept for 800 days.
    Day,
}

/// Whole periods, from `from` (included) to `until` (excluded), in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The width of a point.
    pub period: Period,
    /// The begin of the first point.
    pub from_s: u64,
    /// The end of the last point.
    pub until_s: u64,
}

/// Why two times are no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalError {
    /// It ends before it begins.
    Backwards,
    /// It has more than [`POINTS_MAX`] points.
    TooLong,
}

impl Period {
    /// Every period, the shortest first.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// Seconds in one.
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// Seconds after which a point is forgotten.
    pub const fn kept_s(self) -> u64 {
        86_400
            * match self {
                Self::Minute => 2,
                Self::Hour => 40,
                Self::Day => 800,
            }
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// The begin of the period that a time lies in, in seconds since 1970.
    pub const fn start_s(self, at: UnixMillis) -> u64 {
        let seconds = at.get() / 1000;
        seconds - seconds % self.seconds()
    }
}

impl Interval {
    /// The whole periods from `from` until `until`; without them the newest, up to `now`.
    pub fn new(
        period: Period,
        from: Option<UnixMillis>,
        until: Option<UnixMillis>,
        now: UnixMillis,
    ) -> Result<Self, IntervalError> {
        let width = period.seconds();
        let until_s = period.start_s(until.unwrap_or(now));
        // The period of the last moment counts whole.
        let whole = until.is_some_and(|until| until.get() == until_s * 1000);
        let until_s = if whole { until_s } else { until_s + width };
        let from_s = from.map_or(until_s.saturating_sub(POINTS_DEFAULT * width), |from| {
            period.start_s(from)
        });
        if from_s >= until_s {
            return Err(IntervalError::Backwards);
        }
        if (until_s - from_s) / width > POINTS_MAX {
            return Err(IntervalError::TooLong);
        }
        Ok(Self {
            period,
            from_s,
            until_s,
        })
    }

    /// The whole periods that the time from `from` until `until` touches, however many.
    pub const fn covering(period: Period, from: UnixMillis, until: UnixMillis) -> Self {
        let last = UnixMillis::new(until.get().saturating_sub(1));
        Self {
            period,
            from_s: period.start_s(from),
            until_s: period.start_s(last) + period.seconds(),
        }
    }
}

/// The word for an outcome.
pub const fn outcome_word(outcome: UsageOutcome) -> &'static str {
    match outcome {
        UsageOutcome::Permitted => "permitted",
        UsageOutcome::Disabled => "disabled",
        UsageOutcome::Expired => "expired",
        UsageOutcome::AddressNotAllowed => "ip_not_allowed",
        UsageOutcome::OutOfScope => "out_of_scope",
        UsageOutcome::EndpointNotAllowed => "endpoint_not_allowed",
        UsageOutcome::BodyRefused => "body_refused",
        UsageOutcome::Cut => "cut",
    }
}

// === impl IntervalError ===

impl fmt::Display for IntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backwards => f.write_str("must lie before until"),
            Self::TooLong => write!(
                f,
                "is too long ago for this period: ask for at most {POINTS_MAX} points, or for a \
                 longer period"
            ),
        }
    }
}

impl std::error::Error for IntervalError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixMillis {
        UnixMillis::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn an_interval_has_whole_periods() {
        let now = at("2026-11-24T12:34:56Z");
        let hour = Interval::new(Period::Hour, None, None, now).unwrap();
        assert_eq!(hour.until_s * 1000, at("2026-11-24T13:00:00Z").get());
        assert_eq!(hour.until_s - hour.from_s, 60 * 3600);
        let from = Some(at("2026-11-24T10:59:59Z"));
        let whole = Interval::new(Period::Hour, from, Some(at("2026-11-24T12:00:00Z")), now);
        let whole = whole.unwrap();
        assert_eq!(whole.from_s * 1000, at("2026-11-24T10:00:00Z").get());
        assert_eq!(whole.until_s * 1000, at("2026-11-24T12:00:00Z").get());
    }

    #[test]
    fn an_interval_covers_what_it_touches() {
        let (from, until) = (at("2026-11-24T10:30:00Z"), at("2026-11-24T12:00:00Z"));
        let hours = Interval::covering(Period::Hour, from, until);
        assert_eq!(hours.from_s * 1000, at("2026-11-24T10:00:00Z").get());
        assert_eq!(hours.until_s * 1000, until.get());
        let more = Interval::covering(Period::Hour, from, until.plus_ms(1));
        assert_eq!(more.until_s * 1000, at("2026-11-24T13:00:00Z").get());
    }

    #[test]
    fn other_intervals_are_refused() {
        let now = at("2026-11-24T12:34:56Z");
        let later = Some(at("2027-01-01T00:00:00Z"));
        let long_ago = Some(at("2020-01-01T00:00:00Z"));
        let refused = |from, until| Interval::new(Period::Minute, from, until, now).unwrap_err();
        assert_eq!(refused(later, None), IntervalError::Backwards);
        assert_eq!(refused(later, later), IntervalError::Backwards);
        assert_eq!(refused(long_ago, None), IntervalError::TooLong);
    }
}
