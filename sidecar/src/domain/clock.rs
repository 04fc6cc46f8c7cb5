//! Points in time, as people write them (RFC 3339) and as records hold them (milliseconds).
//!
//! Does not measure durations: those are taken from the monotonic clock where they are needed.
//! Invariants: a [`UnixMillis`] that was parsed or read off a clock can be written as RFC 3339; all are
//! written with three digits behind the second, so that texts sort as times do.

use std::fmt;

use jiff::civil::{DateTime, date};
use jiff::{SignedDuration, Timestamp};

/// Milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(u64);

/// Where "now" comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now.
    fn now(&self) -> UnixMillis;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);
/// The last millisecond that can be written: `9999-12-31T23:59:59.999Z`.
const MILLIS_MAX: u64 = 253_402_300_799_999;

/// Why a text is not a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeError;

impl UnixMillis {
    /// A time that was stored.
    pub const fn new(millis: u64) -> Self {
        Self(millis)
    }

    /// The milliseconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// This time and so many milliseconds.
    #[must_use]
    pub const fn plus_ms(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Reads RFC 3339 with an offset, such as `2027-01-01T00:00:00Z`. Fractions of a millisecond
    /// are cut; a time before 1970 becomes 1970, and one after 9999 the end of that year.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimeError> {
        let local_end = local_end(text.as_bytes()).ok_or(TimeError)?;
        let (local, offset) = text.split_at_checked(local_end).ok_or(TimeError)?;
        let local: DateTime = local.parse().map_err(|_| TimeError)?;
        let since = local.duration_since(EPOCH).as_millis();
        let utc = since - i128::from(offset_minutes(offset).ok_or(TimeError)?) * 60_000;
        let millis = u64::try_from(utc.max(0)).map_err(|_| TimeError)?;
        Ok(Self(millis.min(MILLIS_MAX)))
    }

    /// The day, as `YYYYMMDD` in UTC.
    pub fn day(self) -> String {
        let day = self.utc();
        format!("{:04}{:02}{:02}", day.year(), day.month(), day.day())
    }

    /// Date and time in UTC.
    fn utc(self) -> DateTime {
        i64::try_from(self.0)
            .ok()
            .and_then(|millis| EPOCH.checked_add(SignedDuration::from_millis(millis)).ok())
            .unwrap_or(DateTime::MAX)
    }
}

/// How far `Z`, `+08:00` or `-08:00` is ahead of UTC.
fn offset_minutes(offset: &str) -> Option<i64> {
    let (sign, rest) = match offset.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return Some(0),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// Where date, `T`, time with seconds and an optional fraction end and `Z` or an offset begins, in a
/// text of that shape; the parser behind it reads more forms than the RFC has.
fn local_end(text: &[u8]) -> Option<usize> {
    let fits = |part: &[u8], pattern: &[u8]| {
        part.len() == pattern.len()
            && part.iter().zip(pattern).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                b'T' => byte.eq_ignore_ascii_case(&b'T'),
                other => byte == other,
            })
    };
    let (start, rest) = text.split_at_checked(19)?;
    let offset = match rest.split_first() {
        Some((b'.', fraction)) => {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            let offset = fraction.get(digits..).unwrap_or_default();
            if (1..=9).contains(&digits) {
                offset
            } else {
                &[]
            }
        }
        _ => rest,
    };
    let offset_fits =
        matches!(offset, b"Z" | b"z") || fits(offset, b"+00:00") || fits(offset, b"-00:00");
    let is_one = fits(start, b"0000-00-00T00:00:00") && offset_fits;
    is_one.then_some(text.len() - offset.len())
}

// === impl UnixMillis ===

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}Z", self.utc())
    }
}

// === impl SystemClock ===

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0))
    }
}

// === impl TimeError ===

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "is not a time: write RFC 3339 with an offset, for example 2027-01-01T00:00:00Z",
        )
    }
}

impl std::error::Error for TimeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_the_same_way() {
        for text in [
            "2027-01-01T00:00:00.000Z",
            "1999-12-31T23:59:59.007Z",
            "1970-01-01T00:00:00.001Z",
            "9999-12-31T23:59:59.000Z",
            "9999-12-31T23:59:59.999Z",
        ] {
            assert_eq!(UnixMillis::parse_rfc3339(text).unwrap().to_string(), text);
        }
        let with_offset = UnixMillis::parse_rfc3339("2027-01-01T08:00:00+08:00").unwrap();
        assert_eq!(with_offset.to_string(), "2027-01-01T00:00:00.000Z");
        assert_eq!(with_offset.day(), "20270101");
        let read = |text| UnixMillis::parse_rfc3339(text).unwrap().to_string();
        assert_eq!(read("9999-12-31T23:59:59Z"), "9999-12-31T23:59:59.000Z");
        assert_eq!(
            read("9999-12-31T23:59:59-08:00"),
            "9999-12-31T23:59:59.999Z"
        );
        assert_eq!(
            read("2026-12-31t16:00:00.1239-08:00"),
            "2027-01-01T00:00:00.123Z"
        );
        assert_eq!(
            read("1970-01-01T07:00:00+08:00"),
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(
            UnixMillis::new(u64::MAX).to_string(),
            "9999-12-31T23:59:59.999Z"
        );
    }

    #[test]
    fn times_sort_as_their_texts_do() {
        let millis = [
            0,
            1,
            10,
            100,
            999,
            1000,
            1_000_500,
            1_800_000_000_000,
            1_800_000_000_050,
        ];
        let texts = millis.map(|millis| UnixMillis::new(millis).to_string());
        assert!(texts.is_sorted(), "{texts:?}");
        assert!(
            texts
                .iter()
                .all(|text| text.len() == "2027-01-01T00:00:00.000Z".len())
        );
    }

    #[test]
    fn other_forms_are_refused() {
        let bad = [
            "",
            "tomorrow",
            "2027-01-01",
            "2027-01-01T00:00:00",
            "2027-01-01 00:00:00Z",
            "2027-01-01T00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-01-01T25:00:00Z",
            "2027-01-01T00:00:00.Z",
            "2027-01-01T00:00:00Z[UTC]",
            "2027-01-01T00:00:00+08",
            "1798761600",
            "２027-01-01T00:00:00Z",
        ];
        for text in bad {
            assert_eq!(UnixMillis::parse_rfc3339(text), Err(TimeError), "{text}");
        }
    }
}
