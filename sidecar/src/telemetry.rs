//! Log lines on stderr: time, level, module, message with `field=value` pairs.
//!
//! Does not colour or rotate; of the libraries only warnings and errors are shown.
//!
//! Invariant: a line that cannot be written is dropped; logging never fails a request.

use std::io::Write;

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::domain::clock::{Clock, SystemClock};

struct Stderr;

static STDERR: Stderr = Stderr;

/// Sends this process's log to stderr, from level `info` on.
pub fn install() {
    // A second call finds the same logger in place.
    if log::set_logger(&STDERR).is_ok() {
        log::set_max_level(LevelFilter::Info);
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
            let now = SystemClock.now();
            let (level, target) = (record.level(), record.target());
            let line = format!("{now} {level} {target} {}\n", record.args());
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}
