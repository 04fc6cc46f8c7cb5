//! The terminal: what is told beside the output, what is typed unseen, how far a long call is.
//!
//! Does not write results: those are for [`crate::output`]. Invariant: what was typed as a secret is
//! not echoed; no message repeats a credential that an argument held.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::process::ExitCode;

use keytable::redact;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::error::CliError;
use crate::output::Format;
use crate::secret::Secret;

/// Longest secret that is read, in bytes.
const SECRET_BYTES_MAX: u64 = 4096;

/// A line about a long call, on a terminal alone; the next one takes its place.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    is_shown: bool,
}

/// Whether somebody can be asked.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Says something beside the output.
pub(crate) fn say(text: &str) {
    // Whoever has closed stderr does not want to know.
    let _ = writeln!(io::stderr(), "latchkey: {text}");
}

/// Says why the arguments cannot be right, or what was asked for by `--help`. A value that was
/// given as an argument is not repeated.
pub(crate) fn tell_usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let advice = match redact(&text) == text {
        true => text,
        false => "error: an argument holds a secret value, which every user of this machine can \
                  read: replace it; `latchkey key lookup` reads a value from stdin\n"
            .to_owned(),
    };
    let _ = io::stderr().write_all(advice.as_bytes());
    ExitCode::from(2)
}

/// Says why a command fails; as JSON for whoever reads the output as JSON.
pub(crate) fn tell_error(error: &CliError, format: Format) {
    match (error, format) {
        (CliError::No, _) => {}
        (CliError::Refused(refusal), Format::Json) => {
            let _ = writeln!(io::stderr(), "{}", refusal.body);
        }
        _ => say(&error.to_string()),
    }
}

/// Asks for a word, typed for all to see.
pub(crate) fn ask(question: &str) -> Result<String, CliError> {
    let _ = write!(io::stderr(), "{question}");
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(CliError::at("stdin".as_ref()))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// Reads a secret from stdin; a terminal is asked, and does not show it.
pub(crate) fn read_secret(what: &str) -> Result<Secret, CliError> {
    match can_ask() {
        true => ask_unseen(&format!("{what}: ")),
        false => read_all(),
    }
}

fn read_all() -> Result<Secret, CliError> {
    let mut text = Zeroizing::new(String::new());
    let mut input = io::stdin().lock().take(SECRET_BYTES_MAX);
    let read = input.read_to_string(&mut text);
    read.map_err(CliError::at("stdin".as_ref()))?;
    Ok(Secret::new(text.trim().to_owned()))
}

fn ask_unseen(question: &str) -> Result<Secret, CliError> {
    let input = io::stdin();
    let before =
        tcgetattr(&input).map_err(|error| CliError::at("terminal".as_ref())(error.into()))?;
    let mut unseen = before.clone();
    unseen.local_modes.remove(LocalModes::ECHO);
    let set = |modes| {
        let set = tcsetattr(&input, OptionalActions::Flush, modes);
        set.map_err(|error| CliError::at("terminal".as_ref())(error.into()))
    };
    set(&unseen)?;
    let typed = ask(question);
    set(&before)?;
    let _ = writeln!(io::stderr());
    typed.map(|text| Secret::new(text.trim().to_owned()))
}

impl Progress {
    /// Shows how far it is.
    pub(crate) fn show(&mut self, text: &str) {
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
            self.is_shown = true;
        }
    }
}

// === impl Progress ===

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
