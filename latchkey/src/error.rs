//! Why a command ends without success, what to do about it, and the exit code that scripts see.
//!
//! Does not print. Invariant: no text holds the value of a key; each kind has one exit code, those
//! that docs/cli.md lists.

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) enum CliError {
    /// The arguments, or a file that they name, cannot be right.
    Usage(String),
    /// There is no credential, or it may not be used.
    NotLoggedIn(String),
    /// There is nothing of this name.
    NotFound(String),
    /// The sidecar refuses.
    Refused(Box<Refusal>),
    /// The sidecar cannot be reached, or what answers is no sidecar.
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        why: String,
    },
    /// A file cannot be read or written.
    Io(PathBuf, io::Error),
    /// It is stored, and these Envoys do not have it in force yet.
    Pending(String),
    /// The command asked something, and the answer is no.
    No,
}

/// A refusal of the sidecar's: `application/problem+json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    /// In a few words.
    pub(crate) title: String,
    pub(crate) status: u16,
    /// What to do.
    pub(crate) detail: String,
    /// Field by field.
    #[serde(default)]
    pub(crate) errors: Vec<FieldFault>,
    /// To be quoted to whoever runs the sidecar.
    pub(crate) request_id: Option<String>,
    /// As it came.
    #[serde(skip)]
    pub(crate) body: Value,
}

/// One field or parameter that cannot stay as it is.
#[derive(Debug, Deserialize)]
pub(crate) struct FieldFault {
    pub(crate) field: String,
    pub(crate) detail: String,
}

impl CliError {
    /// What scripts see.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Io(..) => 1,
            Self::Usage(_) => 2,
            Self::NotLoggedIn(_) => 3,
            Self::NotFound(_) => 4,
            Self::Refused(refusal) => refusal.exit_code(),
            Self::Unreachable { .. } => 6,
            Self::Pending(_) => 7,
            Self::No => 8,
        }
    }

    /// For `map_err`: names the file.
    pub(crate) fn at(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io(path.to_owned(), error)
    }
}

impl Refusal {
    /// Reads the body of a refusal; `None` if no sidecar has written it.
    pub(crate) fn of(body: &Value) -> Option<Self> {
        let refusal: Self = serde_json::from_value(body.clone()).ok()?;
        Some(Self {
            body: body.clone(),
            ..refusal
        })
    }

    fn exit_code(&self) -> u8 {
        match self.status {
            401 | 403 => 3,
            404 => 4,
            409 | 412 => 5,
            429 | 500.. => 6,
            _ => 2,
        }
    }

    /// What to write where a field that has to be there is missing: not everybody knows that
    /// these are options.
    fn hint(fault: &FieldFault) -> &'static str {
        match (fault.field.as_str(), fault.detail.as_str()) {
            ("account", "must be given") => " (--account, or LATCHKEY_ACCOUNT)",
            ("region", "must be given") => " (--region, or LATCHKEY_REGION)",
            _ => "",
        }
    }
}

// === impl CliError ===

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text)
            | Self::NotLoggedIn(text)
            | Self::NotFound(text)
            | Self::Pending(text) => f.write_str(text),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unreachable { url, why } => write!(
                f,
                "{url} does not answer as a sidecar: {why}; is it running, and is --url its REST API?"
            ),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::No => f.write_str("no"),
        }
    }
}

impl std::error::Error for CliError {}

// === impl Refusal ===

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.title, self.status, self.detail)?;
        for fault in &self.errors {
            let hint = Self::hint(fault);
            write!(f, "\n  {}: {}{hint}", fault.field, fault.detail)?;
        }
        match (self.status, &self.request_id) {
            (401, _) => f.write_str("\n  log in: latchkey login"),
            (500.., Some(id)) => write!(f, "\n  request_id: {id}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(status: u16, errors: Value) -> CliError {
        let body = json!({"type": "x", "title": "T", "status": status, "detail": "d",
            "errors": errors, "request_id": "r-1"});
        CliError::Refused(Box::new(Refusal::of(&body).unwrap()))
    }

    #[test]
    fn each_status_has_the_exit_code_that_is_documented() {
        let codes = [
            (400, 2),
            (401, 3),
            (403, 3),
            (404, 4),
            (409, 5),
            (412, 5),
            (422, 2),
            (429, 6),
            (500, 6),
            (503, 6),
            (507, 6),
        ];
        for (status, code) in codes {
            assert_eq!(refusal(status, json!([])).exit_code(), code, "{status}");
        }
    }

    #[test]
    fn every_field_is_told_and_what_to_write() {
        let errors = json!([{"field": "account", "detail": "must be given"},
            {"field": "ip_allowlist[0]", "detail": "write 10.0.0.0/8 instead"}]);
        let text = refusal(422, errors).to_string();
        assert_eq!(
            text,
            "T (422): d\n  account: must be given (--account, or LATCHKEY_ACCOUNT)\n  \
             ip_allowlist[0]: write 10.0.0.0/8 instead"
        );
        assert!(refusal(500, json!([])).to_string().contains("r-1"));
    }

    #[test]
    fn what_no_sidecar_wrote_is_no_refusal() {
        assert!(Refusal::of(&json!({"error": "x"})).is_none());
        assert!(Refusal::of(&Value::Null).is_none());
    }
}
