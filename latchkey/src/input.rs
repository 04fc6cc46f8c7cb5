//! What people write in short: times, lifetimes, labels, files.
//!
//! Does not know any command. Invariant: what is misread is refused here, with what to write; what a
//! name or a network may be is the sidecar's to judge.

use std::fs;
use std::io::Read;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::error::CliError;

const UNITS: [(char, i64); 5] = [
    ('s', 1),
    ('m', 60),
    ('h', 3_600),
    ('d', 86_400),
    ('w', 604_800),
];

/// A time as the API writes it: as it stands, or so long from `now` on.
pub(crate) fn time(text: &str, now: Timestamp) -> Result<String, CliError> {
    if text.parse::<Timestamp>().is_ok() {
        return Ok(text.to_owned());
    }
    let later = seconds(text)
        .and_then(|seconds| now.checked_add(SignedDuration::from_secs(seconds)).ok())
        .ok_or_else(|| {
            CliError::Usage(format!(
                "{text} is no time: write 2027-01-01T00:00:00Z, or 90d, 12h, 30m from now on"
            ))
        })?;
    Ok(format!("{later:.3}"))
}

/// A length of time in seconds.
pub(crate) fn lifetime(text: &str) -> Result<i64, CliError> {
    seconds(text).ok_or_else(|| {
        CliError::Usage(format!(
            "{text} is no length of time: write 0s, 30m, 12h or 7d"
        ))
    })
}

fn seconds(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let digits = text.strip_suffix(unit)?;
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let is_plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits
        .parse::<i64>()
        .ok()
        .filter(|_| is_plain)?
        .checked_mul(*factor)
}

/// `name=value`, each.
pub(crate) fn labels(texts: &[String]) -> Result<Map<String, Value>, CliError> {
    let mut labels = Map::new();
    for text in texts {
        let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
        let (name, value) = pair.ok_or_else(|| {
            CliError::Usage(format!(
                "--label {text}: write it as name=value, such as team=search"
            ))
        })?;
        if labels.insert(name.to_owned(), value.into()).is_some() {
            return Err(CliError::Usage(format!(
                "--label {name} stands twice: say it once"
            )));
        }
    }
    Ok(labels)
}

/// A file as text; `-` is stdin.
pub(crate) fn text(path: &Path) -> Result<String, CliError> {
    if path.as_os_str() != "-" {
        return fs::read_to_string(path).map_err(CliError::at(path));
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(CliError::at("stdin".as_ref()))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_from_now_on() {
        let now: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        let read = |text: &str| time(text, now).ok();
        let absolute = "2027-01-01T00:00:00+08:00";
        assert_eq!(read(absolute).as_deref(), Some(absolute));
        assert_eq!(read("90d").as_deref(), Some("2027-03-01T00:00:00.000Z"));
        assert_eq!(read("12h").as_deref(), Some("2026-12-01T12:00:00.000Z"));
        for bad in [
            "",
            "d",
            "-1d",
            "1.5d",
            "tomorrow",
            "2027-01-01",
            "99999999999d",
            "1y",
            "5é",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn labels_are_pairs() {
        let read = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
            labels(&texts)
                .ok()
                .map(|labels| Value::Object(labels).to_string())
        };
        assert_eq!(
            read(&["a=b=c", "d="]).as_deref(),
            Some(r#"{"a":"b=c","d":""}"#)
        );
        assert_eq!(read(&["a"]), None);
        assert_eq!(read(&["=a"]), None);
        assert_eq!(read(&["a=1", "a=2"]), None);
    }
}
