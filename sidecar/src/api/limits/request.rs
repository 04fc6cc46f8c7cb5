//! Limits as an admin writes them.
//!
//! Invariant: what comes out is valid as a whole, and a member that means nothing for a limit is refused, so
//! that nobody relies on it.

use keytable::{
    Amount, ExpectedTokens, Limit, Limits, StartDay, Unit, Unmetered, UtcOffset, WhenApart, Window,
    WindowKind,
};
use serde_json::Value;

use crate::http::fields::{Fields, Read, fault, parsed};
use crate::http::problem::FieldError;

/// Reads a list of limits.
pub(crate) fn limits(value: Value) -> Read<Limits> {
    let Value::Array(items) = value else {
        return fault("must be a list of limits; an empty one is none");
    };
    let (mut limits, mut errors) = (Vec::new(), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        match limit(item) {
            Ok(limit) => limits.push(limit),
            Err(faults) => errors.extend(faults.into_iter().map(|error| within(index, error))),
        }
    }
    match errors.is_empty() {
        true => Limits::new(limits).or_else(|error| fault(error.to_string())),
        false => Err(errors),
    }
}

/// An error of one of the limits.
fn within(index: usize, error: FieldError) -> FieldError {
    let dot = if error.field.is_empty() { "" } else { "." };
    FieldError {
        field: format!("[{index}]{dot}{}", error.field),
        ..error
    }
}

fn limit(value: Value) -> Read<Limit> {
    let Value::Object(members) = value else {
        return fault(
            "must be an object, such as {\"unit\": \"tokens\", \"window\": \"month\", \"amount\": 1000000}",
        );
    };
    let mut fields = Fields::new(members);
    let unit = fields.required("unit", |value| {
        word(&value, Unit::parse, "tokens or requests")
    });
    let kind = fields.required("window", |value| {
        word(&value, WindowKind::parse, "minute, day, month or lifetime")
    });
    let amount = fields.required("amount", |value| amount(&value));
    refuse_meaningless(&mut fields, unit, kind);
    let day = fields.optional("start_day", |value| start_day(&value));
    let offset = fields.optional("utc_offset", |value| utc_offset(&value));
    let expected = fields.optional("expected", |value| expected(&value));
    let unmetered = fields.optional("unmetered", |value| {
        word(&value, Unmetered::parse, "refuse or charge")
    });
    let apart = fields.optional("when_apart", |value| {
        word(&value, WhenApart::parse, "serve or refuse")
    });
    fields.finish()?;
    let (Some(unit), Some(kind), Some(amount)) = (unit, kind, amount) else {
        return fault("has a member that was refused");
    };
    let offset = offset.unwrap_or_default();
    Ok(Limit {
        unit,
        window: match kind {
            WindowKind::Minute => Window::Minute,
            WindowKind::Day => Window::Day(offset),
            WindowKind::Month => Window::Month(day.unwrap_or(StartDay::FIRST), offset),
            WindowKind::Lifetime => Window::Lifetime,
        },
        amount,
        expected: expected.unwrap_or_default(),
        when_apart: apart.unwrap_or_default(),
        unmetered: unmetered.unwrap_or_default(),
    })
}

/// Refuses members that mean nothing for this unit or window.
fn refuse_meaningless(fields: &mut Fields, unit: Option<Unit>, kind: Option<WindowKind>) {
    let other_than_month = kind.is_some_and(|kind| kind != WindowKind::Month);
    if other_than_month {
        fields.refuse(
            &["start_day"],
            "means something for a month only: leave it out",
        );
    }
    if kind.is_some_and(|kind| !matches!(kind, WindowKind::Day | WindowKind::Month)) {
        let detail = "means something for a day or a month only: leave it out";
        fields.refuse(&["utc_offset"], detail);
    }
    if kind == Some(WindowKind::Minute) {
        let detail = "means nothing for a minute, which each Envoy keeps alone: leave it out";
        fields.refuse(&["when_apart"], detail);
    }
    if unit == Some(Unit::Requests) {
        let detail = "means something for tokens only: leave it out";
        fields.refuse(&["expected", "unmetered"], detail);
    }
}

fn word<T>(value: &Value, parse: impl Fn(&str) -> Option<T>, words: &str) -> Read<T> {
    parsed(value, |text| {
        parse(text).ok_or_else(|| format!("must be {words}"))
    })
}

fn amount(value: &Value) -> Read<Amount> {
    let amount = value.as_u64().and_then(Amount::new);
    let wrong = || fault(format!("must be a whole number from 1 to {}", Amount::MAX));
    amount.map_or_else(wrong, Ok)
}

fn start_day(value: &Value) -> Read<StartDay> {
    let day = value.as_u64().and_then(|day| u8::try_from(day).ok());
    let wrong = || fault("must be a whole number from 1 to 31");
    day.and_then(StartDay::new).map_or_else(wrong, Ok)
}

fn utc_offset(value: &Value) -> Read<UtcOffset> {
    let wrong = "must be an offset from -12:00 to +14:00, such as +08:00";
    parsed(value, |text| UtcOffset::parse(text).ok_or(wrong))
}

fn expected(value: &Value) -> Read<ExpectedTokens> {
    let tokens = value.as_u64().and_then(|tokens| u32::try_from(tokens).ok());
    let wrong = || {
        fault(format!(
            "must be a whole number up to {}",
            ExpectedTokens::MAX
        ))
    };
    tokens.and_then(ExpectedTokens::new).map_or_else(wrong, Ok)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::limit;

    fn faults(value: Value) -> Vec<(String, String)> {
        let errors = limits(value).unwrap_err().into_iter();
        errors.map(|error| (error.field, error.detail)).collect()
    }

    fn fields(value: Value) -> Vec<String> {
        faults(value).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn what_is_left_out_has_its_default_and_what_is_shown_can_be_written() {
        let written = json!([
            {"unit": "tokens", "window": "month", "amount": 5},
            {"unit": "requests", "window": "minute", "amount": 5},
            {"unit": "requests", "window": "day", "amount": 5, "utc_offset": "-03:30",
                "when_apart": "refuse"},
            {"unit": "tokens", "window": "lifetime", "amount": 10_000_000_000_000_u64,
                "expected": 0, "unmetered": "charge"},
        ]);
        let read = limits(written).unwrap();
        let shown: Value = read.iter().map(limit::shown).collect();
        let month = json!({"unit": "tokens", "window": "month", "amount": 5, "start_day": 1,
            "utc_offset": "+00:00", "expected": 1000, "unmetered": "refuse", "when_apart": "serve"});
        assert_eq!(shown[0], month);
        assert_eq!(limits(shown).unwrap(), read);
        assert!(limits(json!([])).unwrap().is_empty());
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        assert_eq!(fields(json!({})), [""]);
        assert_eq!(
            fields(json!([7, {}])),
            ["[0]", "[1].unit", "[1].window", "[1].amount"]
        );
        let of = |member: &str, value: Value| {
            let mut limit = json!({"unit": "tokens", "window": "month", "amount": 5});
            limit[member] = value;
            fields(json!([limit]))
        };
        let wrong = [
            ("unit", json!("words")),
            ("window", json!("year")),
            ("amount", json!(0)),
            ("amount", json!(10_000_000_000_001_u64)),
            ("amount", json!(1.5)),
            ("amount", json!("5")),
            ("start_day", json!(0)),
            ("start_day", json!(32)),
            ("utc_offset", json!("+8:00")),
            ("utc_offset", json!("+14:01")),
            ("expected", json!(1_000_001)),
            ("unmetered", json!("allow")),
            ("when_apart", json!(true)),
            ("colour", json!("red")),
        ];
        for (member, value) in wrong {
            assert_eq!(
                of(member, value.clone()),
                [format!("[0].{member}")],
                "{value}"
            );
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let cases = [
            ("tokens", "minute", "when_apart", json!("serve")),
            ("tokens", "minute", "utc_offset", json!("+00:00")),
            ("tokens", "day", "start_day", json!(1)),
            ("tokens", "lifetime", "utc_offset", json!("+00:00")),
            ("requests", "day", "expected", json!(1)),
            ("requests", "month", "unmetered", json!("charge")),
        ];
        for (unit, window, member, value) in cases {
            let mut limit = json!({"unit": unit, "window": window, "amount": 5});
            limit[member] = value;
            let faults = faults(json!([limit]));
            assert_eq!(faults[0].0, format!("[0].{member}"));
            assert!(faults[0].1.ends_with("leave it out"), "{}", faults[0].1);
        }
    }

    #[test]
    fn there_is_one_for_each_unit_and_window() {
        let month =
            |day: u8| json!({"unit": "tokens", "window": "month", "amount": 5, "start_day": day});
        let faults = faults(json!([month(1), month(2)]));
        assert_eq!(faults[0].0, "");
        assert!(faults[0].1.contains("tokens in a month"), "{}", faults[0].1);
    }
}
