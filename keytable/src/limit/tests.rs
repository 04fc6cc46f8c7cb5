//! Limits, their words and their windows: values, boundaries, the calendar.
//!
//! Does not test bytes (`golden`, `crafted`). Invariant: no time is in two windows or in none.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::*;

const DAY_MS: u64 = 86_400_000;

fn offset(text: &str) -> UtcOffset {
    UtcOffset::parse(text).unwrap()
}

/// Milliseconds of a UTC day of 2026, counted from 0.
fn day_of_2026(day: u64) -> u64 {
    1_767_225_600_000 + day * DAY_MS
}

fn limit(unit: Unit, window: Window) -> Limit {
    Limit {
        unit,
        window,
        amount: Amount::new(100).unwrap(),
        expected: ExpectedTokens::default(),
        when_apart: WhenApart::Serve,
        unmetered: Unmetered::Refuse,
    }
}

#[test]
fn words_and_codes_are_read_as_they_are_written() {
    for unit in Unit::ALL {
        assert_eq!(Unit::parse(unit.as_str()), Some(unit));
        assert_eq!(Unit::from_code(unit.code()), Some(unit));
    }
    for kind in WindowKind::ALL {
        assert_eq!(WindowKind::parse(kind.as_str()), Some(kind));
        assert_eq!(WindowKind::from_code(kind.code()), Some(kind));
    }
    for word in [WhenApart::Serve, WhenApart::Refuse] {
        assert_eq!(WhenApart::parse(word.as_str()), Some(word));
    }
    for word in [Unmetered::Refuse, Unmetered::Charge] {
        assert_eq!(Unmetered::parse(word.as_str()), Some(word));
    }
    assert_eq!(Unit::parse("token"), None);
    assert_eq!(WindowKind::from_code(0), None);
}

#[test]
fn what_is_out_of_range_is_no_value() {
    assert_eq!((Amount::new(0), Amount::new(Amount::MAX + 1)), (None, None));
    assert_eq!(
        Amount::new(Amount::MAX).map(Amount::get),
        Some(10_000_000_000_000)
    );
    assert_eq!(ExpectedTokens::new(ExpectedTokens::MAX + 1), None);
    assert_eq!((StartDay::new(0), StartDay::new(32)), (None, None));
}

#[test]
fn an_offset_is_a_sign_and_a_time_between_the_earliest_and_the_latest_place() {
    for text in ["+00:00", "+08:00", "-03:30", "-12:00", "+14:00", "+05:45"] {
        assert_eq!(offset(text).to_string(), text);
    }
    for text in [
        "", "+8:00", "08:00", "+08:60", "+14:01", "-12:01", "Z", "+0a:00", "+08:000",
    ] {
        assert_eq!(UtcOffset::parse(text), None, "{text}");
    }
    assert_eq!(offset("-00:00"), UtcOffset::UTC);
}

#[test]
fn a_day_begins_at_midnight_of_its_offset() {
    let window = Window::Day(offset("+08:00"));
    let midnight = day_of_2026(0) + 16 * 3_600_000;
    let span = window.span_at(midnight);
    assert_eq!(span.start_unix_ms, midnight);
    assert_eq!(span.end_unix_ms, Some(midnight + DAY_MS));
    let before = window.span_at(midnight - 1);
    assert_eq!(before.end_unix_ms, Some(midnight));
    assert!(before.contains(midnight - 1) && !before.contains(midnight));
}

#[test]
fn a_month_begins_on_its_start_day_or_on_the_last_that_it_has() {
    let month = |day| Window::Month(StartDay::new(day).unwrap(), UtcOffset::UTC);
    let start = |day, at| month(day).span_at(at).start_unix_ms;
    let (january_31, february_28) = (day_of_2026(30), day_of_2026(58));
    assert_eq!(start(31, january_31), january_31);
    assert_eq!(start(31, february_28 - 1), january_31);
    assert_eq!(start(31, february_28), february_28);
    let march_31 = day_of_2026(89);
    assert_eq!(month(31).span_at(february_28).end_unix_ms, Some(march_31));
    assert_eq!(start(1, february_28), day_of_2026(31));
    assert_eq!(start(15, day_of_2026(0)), day_of_2026(0) - 17 * DAY_MS);
}

#[test]
fn spans_follow_each_other_and_hold_the_time_they_are_given_for() {
    let offsets = ["+00:00", "+14:00", "-12:00", "+05:45"].map(offset);
    let days = [1, 15, 28, 29, 30, 31].map(|day| StartDay::new(day).unwrap());
    let months = offsets
        .iter()
        .flat_map(|o| days.iter().map(|d| Window::Month(*d, *o)));
    for window in months.chain(offsets.iter().map(|o| Window::Day(*o))) {
        let mut span = window.span_at(day_of_2026(0));
        for _ in 0..1_500 {
            let end = span.end_unix_ms.unwrap();
            let next = window.span_at(end);
            assert_eq!(window.span_at(end - 1), span, "{window:?}");
            assert_eq!(window.span_at(span.start_unix_ms), span, "{window:?}");
            assert_eq!(next.start_unix_ms, end, "{window:?}");
            span = next;
        }
    }
}

#[test]
fn the_ends_of_time_are_in_a_span() {
    for window in [
        Window::Minute,
        Window::Lifetime,
        Window::Day(offset("+14:00")),
        Window::Month(StartDay::FIRST, offset("-12:00")),
    ] {
        assert_eq!(window.span_at(0).start_unix_ms, 0);
        assert_eq!(
            window.span_at(u64::MAX),
            window.span_at(253_402_300_799_999)
        );
    }
}

#[test]
fn two_limits_of_a_kind_do_not_go_together() {
    let (day, other) = (Window::Day(UtcOffset::UTC), Window::Day(offset("+01:00")));
    let fitting = vec![limit(Unit::Tokens, day), limit(Unit::Requests, day)];
    assert_eq!(Limits::new(fitting).unwrap().iter().count(), 2);
    let twice = vec![limit(Unit::Tokens, day), limit(Unit::Tokens, other)];
    let error = Limits::new(twice).unwrap_err();
    assert_eq!(error, LimitsError::Twice(Unit::Tokens, WindowKind::Day));
    assert_eq!(
        error.to_string(),
        "there must be one limit of tokens in a day only"
    );
    assert!(Limits::new(Vec::new()).unwrap().is_empty());
}

#[test]
fn a_bucket_refills_evenly_and_a_debt_stays_one() {
    let amount = 60;
    let full = MinuteLevel {
        used_60000ths: 0,
        at_unix_ms: 1_000,
    }
    .plus(60);
    assert_eq!(full.used(), 60);
    assert_eq!(full.wait_ms(amount, 0), 1_000);
    assert_eq!(full.at(amount, 1_999).used(), 60);
    assert_eq!(full.at(amount, 2_000).used(), 59);
    assert_eq!(full.at(amount, 2_000).wait_ms(amount, 0), 0);
    assert_eq!(full.at(amount, 2_000).wait_ms(amount, 1), 1_000);
    assert_eq!(full.at(amount, 61_000).used(), 0);
    let debt = full.plus(120);
    assert_eq!(debt.at(amount, 61_000).used(), 120);
    assert_eq!(debt.wait_ms(amount, 0), 121_000);
}

#[test]
fn a_clock_that_is_set_back_neither_gives_nor_takes() {
    let level = MinuteLevel {
        used_60000ths: 0,
        at_unix_ms: 60_000,
    }
    .plus(10);
    let back = level.at(10, 0);
    assert_eq!(back, level);
    assert_eq!(back.at(10, 66_000).used(), 9);
}

#[test]
fn what_a_record_says_is_of_its_own_window_alone() {
    let recorded = RecordedLimit {
        limit: limit(Unit::Tokens, Window::Day(UtcOffset::UTC)),
        resets: 3,
        start_unix_ms: day_of_2026(1),
        used: 70,
        full_until_unix_ms: Some(day_of_2026(2)),
    };
    let used_at = |unix_ms| recorded.used_from(recorded.span_at(unix_ms).start_unix_ms);
    let is_full_at = |unix_ms| recorded.is_full_at(unix_ms);
    for (unix_ms, used, is_full) in [
        (day_of_2026(1) - 1, 0, false),
        (day_of_2026(1), 70, true),
        (day_of_2026(2) - 1, 70, true),
        (day_of_2026(2), 0, false),
    ] {
        assert_eq!((used_at(unix_ms), is_full_at(unix_ms)), (used, is_full));
    }
    let subject = LimitSubject::Key(crate::KeyId::parse("ak-1").unwrap());
    let counter = recorded.counter_at(subject, day_of_2026(2) + 5);
    assert_eq!((counter.start_unix_ms, counter.resets), (day_of_2026(2), 3));
}
