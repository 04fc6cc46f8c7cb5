//! Limits as people write them in short: `tokens/month=1000000`, with more members behind commas.
//!
//! Does not judge what a limit may be: the sidecar does. Invariant: a limit is named by its unit and window,
//! of which there is one each.

use serde_json::{Map, Value};

use crate::error::CliError;

/// Members that are numbers.
const NUMBERS: [&str; 3] = ["amount", "start_day", "expected"];
/// Members that are words.
const WORDS: [&str; 3] = ["utc_offset", "unmetered", "when_apart"];

/// Reads `UNIT/WINDOW=AMOUNT[,MEMBER=VALUE...]`.
pub(crate) fn read(text: &str) -> Result<Value, CliError> {
    let wrong = || {
        CliError::Usage(format!(
            "--limit {text}: write it as UNIT/WINDOW=AMOUNT, such as tokens/month=1000000, with more behind \
             commas: start_day=5,utc_offset=+08:00,expected=2000,unmetered=charge,when_apart=refuse"
        ))
    };
    let mut parts = text.split(',');
    let (name, amount) = parts
        .next()
        .and_then(|first| first.split_once('='))
        .ok_or_else(wrong)?;
    let (unit, window) = name.split_once('/').ok_or_else(wrong)?;
    let mut limit = Map::new();
    limit.insert("unit".to_owned(), unit.into());
    limit.insert("window".to_owned(), window.into());
    let members = parts
        .map(|part| part.split_once('='))
        .chain([Some(("amount", amount))]);
    for member in members {
        let (name, value) = member.ok_or_else(wrong)?;
        let value = value_of(name, value).ok_or_else(wrong)?;
        if limit.insert(name.to_owned(), value).is_some() {
            return Err(wrong());
        }
    }
    Ok(Value::Object(limit))
}

fn value_of(name: &str, text: &str) -> Option<Value> {
    if NUMBERS.contains(&name) {
        // 1_000_000 is easier to read than 1000000.
        return text.replace('_', "").parse::<u64>().ok().map(Value::from);
    }
    WORDS.contains(&name).then(|| text.into())
}

/// The limits of `before` with some in the place of those of their unit and window, and without those that
/// are taken away.
pub(crate) fn changed(
    before: &Value,
    limits: &[String],
    removed: &[String],
) -> Result<Value, CliError> {
    let mut all: Vec<Value> = before.as_array().cloned().unwrap_or_default();
    all.retain(|limit| !removed.contains(&name(limit)));
    for text in limits {
        let limit = read(text)?;
        match all.iter_mut().find(|other| name(other) == name(&limit)) {
            Some(other) => *other = limit,
            None => all.push(limit),
        }
    }
    Ok(Value::Array(all))
}

/// `tokens/month`
pub(crate) fn name(limit: &Value) -> String {
    let word = |member: &str| {
        limit
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    format!("{}/{}", word("unit"), word("window"))
}

/// `tokens/month=1000000`, each.
pub(crate) fn in_short(limits: &Value) -> Vec<String> {
    let limits = limits.as_array().into_iter().flatten();
    let short = |limit: &Value| {
        let amount = limit
            .get("amount")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        format!("{}={amount}", name(limit))
    };
    limits.map(short).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_limit_is_written_in_short() {
        let month =
            read("tokens/month=1_000_000,start_day=5,utc_offset=+08:00,expected=9").unwrap();
        let wanted = json!({"unit": "tokens", "window": "month", "amount": 1_000_000, "start_day": 5,
            "utc_offset": "+08:00", "expected": 9});
        assert_eq!(month, wanted);
        assert_eq!(in_short(&json!([wanted])), ["tokens/month=1000000"]);
        for bad in [
            "",
            "tokens",
            "tokens/month",
            "tokens=5",
            "tokens/month=many",
            "tokens/month=-1",
            "tokens/month=5,colour=red",
            "tokens/month=5,start_day",
            "tokens/month=5,amount=6",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_of_a_unit_and_window_takes_the_place_of_the_other() {
        let before = json!([
            {"unit": "tokens", "window": "day", "amount": 1, "expected": 7},
            {"unit": "tokens", "window": "month", "amount": 2},
        ]);
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let new = texts(&["tokens/day=5", "requests/day=6"]);
        let after = changed(&before, &new, &texts(&["tokens/month"])).unwrap();
        assert_eq!(in_short(&after), ["tokens/day=5", "requests/day=6"]);
        assert!(
            after[0].get("expected").is_none(),
            "a limit is written whole"
        );
    }
}
