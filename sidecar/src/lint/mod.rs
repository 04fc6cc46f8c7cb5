//! `sidecar envoy lint FILE`: reads a bootstrap of Envoy, or its `/config_dump`, and names what is
//! missing or dangerous for Latchkey, what breaks by it, and what to write.
//!
//! It asks no Envoy and changes nothing. What xDS will bring it cannot see in a bootstrap: look at
//! the config dump then. Invariant: a file that is not understood is an error, never clean.

mod access_log;
mod agent;
mod connection_manager;
mod document;
mod feed;
mod figures;
mod gate;
mod rights;
mod route;
mod value;
mod view;

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use document::Document;
pub use document::Unreadable;
use view::ConnectionManager;

/// A setting that is missing or dangerous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LintRule {
    /// Its name, for scripts.
    pub name: &'static str,
    /// What is wrong.
    pub wrong: &'static str,
    /// What breaks by it.
    pub breaks: &'static str,
    /// What to write.
    pub write: &'static str,
}

/// A rule that is broken somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintFinding {
    /// Where, in words of the configuration.
    pub place: String,
    /// What.
    pub rule: &'static LintRule,
}

/// Why a file was not judged.
#[derive(Debug)]
pub enum LintError {
    /// It cannot be read.
    File(PathBuf, io::Error),
    /// It is no configuration of Envoy.
    Unreadable(PathBuf, Unreadable),
    /// The findings could not be written.
    Output(io::Error),
}

/// Judges a text.
pub fn lint(text: &str) -> Result<Vec<LintFinding>, Unreadable> {
    let document = Document::read(text)?;
    let mut findings = Vec::new();
    let managers = view::managers(&document);
    let matters = |manager: &&ConnectionManager<'_>| {
        manager.gate().is_some() || route::leads_somewhere(&document, manager)
    };
    for manager in managers.iter().filter(matters) {
        connection_manager::check(manager, &mut findings);
        gate::check(&document, manager, &mut findings);
        route::check(manager, &mut findings);
    }
    let secrets = access_log::secret_headers(&managers);
    for listener in document.listeners() {
        access_log::check(listener, &secrets, &mut findings);
    }
    agent::check(&document, &managers, &mut findings);
    feed::check(&document, &mut findings);
    figures::check(&document, &mut findings);
    Ok(findings)
}

/// Judges a file and says what was found; whether it is clean.
pub fn run(file: &Path, out: &mut impl Write) -> Result<bool, LintError> {
    let text = fs::read_to_string(file).map_err(|error| LintError::File(file.into(), error))?;
    let findings = lint(&text).map_err(|error| LintError::Unreadable(file.into(), error))?;
    report(&findings, out).map_err(LintError::Output)?;
    Ok(findings.is_empty())
}

fn report(findings: &[LintFinding], out: &mut impl Write) -> io::Result<()> {
    for finding in findings {
        writeln!(out, "{finding}\n")?;
    }
    match findings.len() {
        0 => writeln!(out, "nothing to say"),
        1 => writeln!(out, "1 finding"),
        count => writeln!(out, "{count} findings"),
    }
}

// === impl LintFinding ===

impl LintFinding {
    fn at(place: impl Into<String>, rule: &'static LintRule) -> Self {
        Self {
            place: place.into(),
            rule,
        }
    }
}

impl fmt::Display for LintFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LintRule {
            name,
            wrong,
            breaks,
            write,
        } = self.rule;
        let place = &self.place;
        write!(
            f,
            "{name}: {place}: {wrong}\n  breaks: {breaks}\n  write:  {write}"
        )
    }
}

// === impl LintError ===

impl fmt::Display for LintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file, _) => write!(f, "cannot read {}", file.display()),
            Self::Unreadable(file, why) => write!(f, "{}: {why}", file.display()),
            Self::Output(_) => f.write_str("cannot write the findings"),
        }
    }
}

impl std::error::Error for LintError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(_, source) | Self::Output(source) => Some(source),
            Self::Unreadable(..) => None,
        }
    }
}

#[cfg(test)]
mod tests;
