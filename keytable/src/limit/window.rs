//! The window: in which time a limit counts, and when that begins and ends.
//!
//! Does not read a clock. Invariant: the spans of one window follow each other without a gap, and each
//! time from 1970 to 9999 is in the span that is given for it.

use core::fmt;

use super::calendar::civil;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// The last millisecond of the year 9999: later ones are taken for it.
const UNIX_MS_MAX: i64 = 253_402_300_799_999;

/// In which time a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// A bucket that refills evenly within a minute.
    Minute,
    /// A day, from midnight to midnight at this offset.
    Day(UtcOffset),
    /// A month, from midnight of this day to the next such at this offset.
    Month(StartDay, UtcOffset),
    /// All the time.
    Lifetime,
}

/// The kinds of windows: a subject has one limit at most for each unit and each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum WindowKind {
    /// A minute.
    Minute = 1,
    /// A day.
    Day = 2,
    /// A month.
    Month = 3,
    /// All the time.
    Lifetime = 4,
}

/// The day on which a month begins, 1 to 31; in a shorter month its last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StartDay(u8);

/// How far local time is ahead of UTC, in minutes: -12:00 to +14:00.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UtcOffset(i16);

/// One window: from its start on, up to and without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSpan {
    /// When it begins, in milliseconds since 1970. 0 for what does not begin.
    pub start_unix_ms: u64,
    /// When it ends, in milliseconds since 1970; `None` = never.
    pub end_unix_ms: Option<u64>,
}

impl Window {
    /// Which kind it is.
    pub const fn kind(self) -> WindowKind {
        match self {
            Self::Minute => WindowKind::Minute,
            Self::Day(_) => WindowKind::Day,
            Self::Month(..) => WindowKind::Month,
            Self::Lifetime => WindowKind::Lifetime,
        }
    }

    /// The day on which it begins; only a month has one.
    pub const fn start_day(self) -> Option<StartDay> {
        match self {
            Self::Month(day, _) => Some(day),
            Self::Minute | Self::Day(_) | Self::Lifetime => None,
        }
    }

    /// Where its midnight is; days and months have one.
    pub const fn utc_offset(self) -> Option<UtcOffset> {
        match self {
            Self::Day(offset) | Self::Month(_, offset) => Some(offset),
            Self::Minute | Self::Lifetime => None,
        }
    }

    /// The span that a time, in milliseconds since 1970, is in. A minute has no beginning: its bucket
    /// refills.
    pub fn span_at(self, unix_ms: u64) -> WindowSpan {
        match self {
            Self::Minute | Self::Lifetime => WindowSpan {
                start_unix_ms: 0,
                end_unix_ms: None,
            },
            Self::Day(offset) => {
                let today = offset.day_at(unix_ms);
                span(offset, today, today + 1)
            }
            Self::Month(StartDay(start_day), offset) => {
                let today = offset.day_at(unix_ms);
                let (month, _) = civil(today);
                let first = match month.day(start_day) <= today {
                    true => month,
                    false => month.previous(),
                };
                span(offset, first.day(start_day), first.next().day(start_day))
            }
        }
    }
}

/// From midnight of one local day to that of another, by their numbers since 1970.
fn span(offset: UtcOffset, first: i64, next: i64) -> WindowSpan {
    WindowSpan {
        start_unix_ms: offset.midnight(first),
        end_unix_ms: Some(offset.midnight(next)),
    }
}

impl WindowKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Minute, Self::Day, Self::Month, Self::Lifetime];

    /// The word in an API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
            Self::Month => "month",
            Self::Lifetime => "lifetime",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The code in a format.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Reads the code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether its sums are kept in the ledger. Those of a minute each Envoy keeps alone.
    pub const fn is_in_ledger(self) -> bool {
        !matches!(self, Self::Minute)
    }
}

impl StartDay {
    /// The first of a month.
    pub const FIRST: Self = Self(1);

    /// A day; `None` if no month has it.
    pub fn new(day: u8) -> Option<Self> {
        (1..=31).contains(&day).then_some(Self(day))
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl UtcOffset {
    /// UTC itself.
    pub const UTC: Self = Self(0);

    /// So many minutes; `None` if it is nowhere so early or so late.
    pub fn from_minutes(minutes: i16) -> Option<Self> {
        (-12 * 60..=14 * 60)
            .contains(&minutes)
            .then_some(Self(minutes))
    }

    /// The minutes.
    pub const fn minutes(self) -> i16 {
        self.0
    }

    /// Reads `+08:00`: a sign, two digits of hours, two of minutes.
    pub fn parse(text: &str) -> Option<Self> {
        let [sign, h1, h2, b':', m1, m2] = text.as_bytes() else {
            return None;
        };
        let digit = |byte: &u8| byte.is_ascii_digit().then(|| i16::from(byte - b'0'));
        let hours = digit(h1)? * 10 + digit(h2)?;
        let minutes = digit(m1)? * 10 + digit(m2)?;
        let total = hours * 60 + minutes;
        match sign {
            _ if minutes > 59 => None,
            b'+' => Self::from_minutes(total),
            b'-' => Self::from_minutes(-total),
            _ => None,
        }
    }

    /// The number of the local day of a time since 1970.
    fn day_at(self, unix_ms: u64) -> i64 {
        let unix_ms = i64::try_from(unix_ms).unwrap_or(UNIX_MS_MAX);
        let local_ms = unix_ms.min(UNIX_MS_MAX) + i64::from(self.0) * MINUTE_MS;
        local_ms.div_euclid(DAY_MS)
    }

    /// When a local day begins; 1970 for an earlier one.
    fn midnight(self, day: i64) -> u64 {
        let unix_ms = day * DAY_MS - i64::from(self.0) * MINUTE_MS;
        u64::try_from(unix_ms).unwrap_or(0)
    }
}

impl WindowSpan {
    /// Whether a time is in it.
    pub fn contains(&self, unix_ms: u64) -> bool {
        self.start_unix_ms <= unix_ms && self.end_unix_ms.is_none_or(|end| unix_ms < end)
    }
}

// === impl UtcOffset ===

impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        let minutes = self.0.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}
