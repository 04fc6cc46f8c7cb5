//! The calendar, as far as windows need it: days of the Gregorian calendar, forwards and backwards.
//!
//! Does not know time zones. Invariant: [`days_before`] and [`civil`] are inverse to each other from 1970
//! to 9999.

use alloc::format;
use alloc::string::String;

/// A month of a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct YearMonth {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
}

impl YearMonth {
    pub(super) const fn next(self) -> Self {
        match self.month {
            12 => Self {
                year: self.year + 1,
                month: 1,
            },
            month => Self {
                year: self.year,
                month: month + 1,
            },
        }
    }

    pub(super) const fn previous(self) -> Self {
        match self.month {
            1 => Self {
                year: self.year - 1,
                month: 12,
            },
            month => Self {
                year: self.year,
                month: month - 1,
            },
        }
    }

    /// How many days it has.
    const fn days(self) -> i64 {
        days_before(self.next(), 1) - days_before(self, 1)
    }

    /// Its day of this number, or its last one if it has fewer: in days since 1970.
    pub(super) fn day(self, day: u8) -> i64 {
        days_before(self, i64::from(day).min(self.days()))
    }
}

/// Days from 1970-01-01 to a day of a month. Years are counted from March, so that a leap day is the
/// last of its year.
const fn days_before(of: YearMonth, day: i64) -> i64 {
    let year = if of.month <= 2 { of.year - 1 } else { of.year };
    let month_from_march = (of.month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

/// The month of a day, and which day of it that is, by days since 1970.
pub(super) const fn civil(days: i64) -> (YearMonth, i64) {
    let from_march_of_year_0 = days + 719_468;
    let era = from_march_of_year_0.div_euclid(146_097);
    let day_of_era = from_march_of_year_0.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (YearMonth { year, month }, day)
}

/// A time as people read it, in UTC and whole seconds: `2027-01-01T00:00:00Z`. A time behind the year 9999
/// is its last second.
pub fn utc_text(unix_ms: u64) -> String {
    let all_s = i64::try_from(unix_ms / 1_000).unwrap_or(i64::MAX);
    let all_s = all_s.min(253_402_300_799);
    let (YearMonth { year, month }, day) = civil(all_s / 86_400);
    let (hours, minutes, seconds) = (all_s / 3_600 % 24, all_s / 60 % 60, all_s % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_up_to_2400_is_followed_by_the_next_day_of_its_month_or_by_a_first() {
        let (mut month, mut day) = (
            YearMonth {
                year: 1970,
                month: 1,
            },
            1,
        );
        for days in 0..157_100 {
            assert_eq!(civil(days), (month, day), "{days}");
            assert_eq!(days_before(month, day), days);
            (month, day) = match day == month.days() {
                true => (month.next(), 1),
                false => (month, day + 1),
            };
        }
        assert!(month.year > 2_399);
        assert_eq!(month.next().previous(), month);
    }

    #[test]
    fn a_time_is_written_in_utc() {
        assert_eq!(utc_text(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc_text(1_798_761_599_999), "2026-12-31T23:59:59Z");
        assert_eq!(utc_text(u64::MAX), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn months_are_as_long_as_people_know_them() {
        let days = |year, month| YearMonth { year, month }.days();
        let lengths: [i64; 12] = core::array::from_fn(|at| days(2023, 1 + at as i64));
        assert_eq!(lengths, [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
        let leap = [2000, 2024, 2100, 2400].map(|year| days(year, 2));
        assert_eq!(leap, [29, 29, 28, 29]);
    }
}
