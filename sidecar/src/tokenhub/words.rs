//! Small words of TokenHub's answers.
//!
//! Invariant: times are in UTC.

use keytable::Status;

use crate::domain::clock::UnixMillis;

/// The words for a status.
pub(crate) const STATUSES: [(&str, Status); 2] =
    [("enable", Status::Enabled), ("disable", Status::Disabled)];

/// The word for a status.
pub(crate) const fn status_word(status: Status) -> &'static str {
    match status {
        Status::Enabled => "enable",
        Status::Disabled => "disable",
    }
}

/// `YYYY-MM-DD HH:mm:ss`.
pub(crate) fn date_time(at: UnixMillis) -> String {
    seconds(at).replace('T', " ")
}

/// `YYYY-MM-DDTHH:mm:ssZ`.
pub(crate) fn iso_8601(at: UnixMillis) -> String {
    format!("{}Z", seconds(at))
}

fn seconds(at: UnixMillis) -> String {
    at.to_string().chars().take(19).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_whole_seconds() {
        let at = UnixMillis::parse_rfc3339("2026-11-24T14:07:01.098Z").unwrap();
        assert_eq!(date_time(at), "2026-11-24 14:07:01");
        assert_eq!(iso_8601(at), "2026-11-24T14:07:01Z");
    }
}
