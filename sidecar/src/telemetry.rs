//! Log lines on stderr: time, level, module, message and fields, as text or as one JSON object each.
//!
//! Does not colour or rotate; of the libraries only warnings and errors are shown.
//!
//! Invariant: a line that cannot be written is dropped, logging never fails a request; and whatever
//! a value holds, a line is one line and holds no credential.

use std::io::Write;
use std::sync::OnceLock;

use keytable::redact;
use log::{Level, LevelFilter, Log, Metadata, Record};
use serde_json::Value;

use crate::domain::clock::{Clock, SystemClock};

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: `time LEVEL module message field=value`.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// One line of this crate, with fields.
#[derive(Debug)]
pub(crate) struct Line {
    level: Level,
    module: String,
    message: String,
    fields: Vec<(&'static str, Value)>,
}

struct Stderr;

static STDERR: Stderr = Stderr;
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Sends this process's log to stderr, from level `info` on. The first call counts.
pub fn install(format: LogFormat) {
    FORMAT.get_or_init(|| format);
    // A second call finds the same logger in place.
    if log::set_logger(&STDERR).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

// === impl LogFormat ===

impl LogFormat {
    /// Reads `text` or `json`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json"),
        }
    }
}

// === impl Line ===

impl Line {
    /// A normal event worth a line.
    pub(crate) fn info(message: &str) -> Self {
        Self::new(Level::Info, env!("CARGO_CRATE_NAME"), message.into())
    }

    /// Something failed.
    pub(crate) fn error(message: &str) -> Self {
        Self::new(Level::Error, env!("CARGO_CRATE_NAME"), message.into())
    }

    /// The same line with one more field.
    pub(crate) fn field(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Writes it without credentials, if this process has a log.
    pub(crate) fn write(self) {
        if let Some(format) = FORMAT.get() {
            let line = self
                .redacted()
                .formatted(*format, &SystemClock.now().to_string());
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    fn new(level: Level, module: &str, message: String) -> Self {
        Self {
            level,
            module: module.into(),
            message,
            fields: Vec::new(),
        }
    }

    /// The same line; a text that holds a credential is left out.
    fn redacted(mut self) -> Self {
        self.message = redact(&self.message).into();
        for (_, value) in &mut self.fields {
            if let Some(text) = value.as_str() {
                *value = redact(text).into();
            }
        }
        self
    }

    fn formatted(&self, format: LogFormat, time: &str) -> String {
        match format {
            LogFormat::Text => self.as_text(time),
            LogFormat::Json => self.as_json(time),
        }
    }

    fn as_text(&self, time: &str) -> String {
        let message = self.message.replace(['\n', '\r'], " ");
        let head = format!("{time} {} {} {message}", self.level, self.module);
        let fields = self.fields.iter();
        let add = |line, (name, value): &(_, _)| format!("{line} {name}={}", plain(value));
        fields.fold(head, add) + "\n"
    }

    fn as_json(&self, time: &str) -> String {
        let level = self.level.as_str().to_lowercase();
        let head = [
            ("time", Value::from(time)),
            ("level", Value::from(level)),
            ("module", Value::from(self.module.as_str())),
            ("message", Value::from(self.message.as_str())),
        ];
        let members: Vec<String> = head
            .iter()
            .chain(&self.fields)
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}\n", members.join(","))
    }
}

/// A word as it is, everything else as JSON.
fn plain(value: &Value) -> String {
    let is_word = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    match value.as_str().filter(is_word) {
        Some(word) if !word.contains(['"', '=']) => word.into(),
        _ => value.to_string(),
    }
}

// === impl Stderr ===

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target().starts_with(env!("CARGO_CRATE_NAME"));
        let limit = if ours { Level::Info } else { Level::Warn };
        metadata.level() <= limit
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let message = record.args().to_string();
            Line::new(record.level(), record.target(), message).write();
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let line = Line::error("request failed").field("request_id", "1-a");
        line.field("status", 500).field("cause", "a \"b\"\nc=d")
    }

    #[test]
    fn a_line_for_people() {
        let text = line().formatted(LogFormat::Text, "now");
        let expected = r#"now ERROR sidecar request failed request_id=1-a status=500"#;
        assert_eq!(text, format!("{expected} cause=\"a \\\"b\\\"\\nc=d\"\n"));
    }

    #[test]
    fn a_line_for_machines_is_one_json_object() {
        let json = line().formatted(LogFormat::Json, "now");
        assert_eq!(json.matches('\n').count(), 1);
        let object: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(object["time"], "now");
        assert_eq!(object["level"], "error");
        assert_eq!(object["request_id"], "1-a");
        assert_eq!(object["status"], 500);
        assert_eq!(object["cause"], "a \"b\"\nc=d");
    }

    #[test]
    fn what_a_library_says_stays_one_line() {
        let said = Line::new(Level::Warn, "library", "two\nlines".into());
        let text = said.formatted(LogFormat::Text, "now");
        assert_eq!(text, "now WARN library two lines\n");
    }

    #[test]
    fn no_text_with_a_credential_is_written() {
        let secret = format!("cannot use sk-ant-{}", "a1".repeat(20));
        let line = Line::error(&secret).field("cause", secret.as_str());
        let text = line.redacted().formatted(LogFormat::Text, "now");
        assert_eq!(text, "now ERROR sidecar (redacted) cause=(redacted)\n");
    }

    #[test]
    fn a_format_is_named() {
        assert_eq!(LogFormat::parse("json"), Ok(LogFormat::Json));
        assert!(LogFormat::parse("xml").is_err());
    }
}
