//! Whether something may be used, as a word: keys, users and access keys are switched off and on again.
//!
//! Does not switch anything. Invariant: there is one word for each state, wherever it is written.

use std::fmt;

use keytable::Status;

/// Both states.
pub const STATUSES: [Status; 2] = [Status::Enabled, Status::Disabled];

/// The text is no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusError;

/// Reads `enabled` or `disabled`.
pub fn parse_status(text: &str) -> Result<Status, StatusError> {
    let mut statuses = STATUSES.into_iter();
    let found = statuses.find(|status| status_word(*status) == text);
    found.ok_or(StatusError)
}

/// The text that [`parse_status`] reads.
pub const fn status_word(status: Status) -> &'static str {
    match status {
        Status::Enabled => "enabled",
        Status::Disabled => "disabled",
    }
}

/// The status of what is enabled or not.
pub const fn status_of(enabled: bool) -> Status {
    match enabled {
        true => Status::Enabled,
        false => Status::Disabled,
    }
}

// === impl StatusError ===

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be \"enabled\" or \"disabled\"")
    }
}

impl std::error::Error for StatusError {}
