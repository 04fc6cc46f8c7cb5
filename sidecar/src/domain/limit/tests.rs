//! Which counters a change of limits keeps, and what is stored of them.

use super::*;

const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);
const LATER: UnixMillis = UnixMillis::new(1_800_000_060_000);

fn limit(window: Window, amount: u64) -> Limit {
    Limit {
        unit: Unit::Tokens,
        window,
        amount: Amount::new(amount).unwrap(),
        expected: ExpectedTokens::default(),
        when_apart: WhenApart::default(),
        unmetered: Unmetered::default(),
    }
}

fn month(day: u8, offset: &str) -> Window {
    let offset = UtcOffset::parse(offset).unwrap();
    Window::Month(StartDay::new(day).unwrap(), offset)
}

fn limits(all: &[Limit]) -> Limits {
    Limits::new(all.to_vec()).unwrap()
}

/// Numbers from `first` on.
fn from(first: u32) -> impl FnMut() -> Result<u32, ()> {
    let mut numbers = first..;
    move || numbers.next().ok_or(())
}

fn begun() -> CountedLimits {
    let both = limits(&[limit(month(1, "+00:00"), 10), limit(Window::Lifetime, 20)]);
    let none = CountedLimits::default();
    none.replaced(&both, NOW, from(5)).unwrap()
}

fn numbers(limits: &CountedLimits) -> Vec<u32> {
    limits.iter().map(|one| one.resets).collect()
}

#[test]
fn another_amount_keeps_the_counter_and_takes_the_mark_away() {
    let mut before = begun();
    before
        .iter_mut()
        .for_each(|one| one.full_until = Some(FOREVER));
    let wanted = limits(&[limit(Window::Lifetime, 20), limit(month(1, "+00:00"), 11)]);
    let after = before.replaced(&wanted, LATER, from(7)).unwrap();
    assert_eq!(numbers(&after), [6, 5]);
    let marks: Vec<_> = after.iter().map(|one| one.full_until).collect();
    assert_eq!(marks, [Some(FOREVER), None]);
    assert!(after.iter().all(|one| one.since == NOW));
}

/// Windows that begin at the same moment are not the same windows.
#[test]
fn another_start_day_or_offset_is_another_counter() {
    let before = begun();
    let twelve = ["+12:00", "-12:00"];
    for window in [month(2, "+00:00"), month(1, twelve[0]), month(1, twelve[1])] {
        let wanted = limits(&[limit(window, 10), limit(Window::Lifetime, 20)]);
        let after = before.replaced(&wanted, LATER, from(7)).unwrap();
        assert_eq!(numbers(&after), [7, 6]);
        assert_eq!(after.iter().next().unwrap().since, LATER);
    }
}

#[test]
fn a_limit_that_is_made_again_counts_from_then() {
    let without = begun().replaced(&limits(&[]), LATER, from(7)).unwrap();
    assert!(without.is_empty());
    let again = limits(&[limit(Window::Lifetime, 20)]);
    assert_eq!(
        numbers(&without.replaced(&again, LATER, from(7)).unwrap()),
        [7]
    );
    assert_eq!(numbers(&begun().reset(LATER, from(7)).unwrap()), [7, 8]);
}

#[test]
fn what_is_stored_is_read_back_and_nothing_else() {
    let requests = Limit {
        unit: Unit::Requests,
        ..limit(Window::Minute, 3)
    };
    let tokens = Limit {
        expected: ExpectedTokens::new(7).unwrap(),
        when_apart: WhenApart::Refuse,
        unmetered: Unmetered::Charge,
        ..limit(month(31, "-03:30"), Amount::MAX)
    };
    let day = Window::Day(UtcOffset::parse("+08:00").unwrap());
    let wanted = limits(&[requests, tokens, limit(day, 1)]);
    let mut counted = CountedLimits::default()
        .replaced(&wanted, NOW, from(1))
        .unwrap();
    counted.iter_mut().last().unwrap().full_until = Some(LATER);
    let text = counted.to_json().to_string();
    assert_eq!(CountedLimits::stored(&text), Some(counted.clone()));
    let twice = format!("[{0},{0}]", counted.to_json()[0]);
    for other in ["", "{}", "[1]", "[{}]", twice.as_str()] {
        assert_eq!(CountedLimits::stored(other), None, "{other}");
    }
}

#[test]
fn callers_see_what_means_something_for_the_limit() {
    let shown = |limit| shown(&limit);
    let tokens = shown(limit(month(31, "+08:00"), 5));
    let wanted = serde_json::json!({"unit": "tokens", "window": "month", "amount": 5,
        "start_day": 31, "utc_offset": "+08:00", "expected": 1000, "unmetered": "refuse",
        "when_apart": "serve"});
    assert_eq!(tokens, wanted);
    let requests = Limit {
        unit: Unit::Requests,
        ..limit(Window::Minute, 5)
    };
    let wanted = serde_json::json!({"unit": "requests", "window": "minute", "amount": 5});
    assert_eq!(shown(requests), wanted);
}

#[test]
fn subjects_of_one_id_are_told_apart() {
    let key = LimitSubject::Key(KeyId::parse("demo").unwrap());
    let account = LimitSubject::Account(AccountId::parse("demo").unwrap());
    assert_ne!(subject_text(&key), subject_text(&account));
    for subject in [key, account] {
        assert_eq!(stored_subject(&subject_text(&subject)), Some(subject));
    }
    assert_eq!(stored_subject("team:demo"), None);
}
