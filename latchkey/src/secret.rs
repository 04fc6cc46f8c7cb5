//! Values of keys, tokens and setup secrets: from the answer, or the hands that type one, to where
//! they may go.
//!
//! Does not keep any. Invariants: a [`Secret`] cannot be printed, only exposed on purpose; where a
//! value goes is settled before it is made, so that none is made that nobody may see.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::args::ValueArgs;
use crate::error::CliError;

/// A text that nobody but its owner may see.
pub(crate) struct Secret(Zeroizing<String>);

/// Where a value that is about to be made goes.
#[derive(Debug)]
pub(crate) enum Destination {
    /// Standard output, with the rest of the answer.
    Output,
    /// A file for its owner alone.
    File(ValueFile),
}

/// A new file, 0600. It goes again if nothing was written into it.
#[derive(Debug)]
pub(crate) struct ValueFile {
    path: PathBuf,
    file: File,
    is_used: bool,
}

impl Secret {
    /// Takes over a text, without the line end that an editor or `echo` left.
    pub(crate) fn new(text: String) -> Self {
        let text = Zeroizing::new(text);
        Self(Zeroizing::new(
            text.trim_end_matches(['\n', '\r']).to_owned(),
        ))
    }

    /// Takes a member out of an answer.
    pub(crate) fn take(answer: &mut Value, member: &str) -> Option<Self> {
        match answer.as_object_mut()?.remove(member)? {
            Value::String(text) => Some(Self::new(text)),
            _ => None,
        }
    }

    /// The text itself: for a header, a body, or where its owner wants it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl Destination {
    /// Where a value may go: to a terminal, or where the arguments say.
    pub(crate) fn of(args: &ValueArgs) -> Result<Self, CliError> {
        match &args.value_file {
            Some(path) => ValueFile::create(path).map(Self::File),
            None if args.show || io::stdout().is_terminal() => Ok(Self::Output),
            None => Err(CliError::Usage(
                "this makes a secret value, and the output is no terminal: say where the value \
                 goes: --value-file FILE writes it into a new file (0600), --show prints it"
                    .into(),
            )),
        }
    }

    /// Puts a value where it goes; the answer says so, or has it as `member`.
    pub(crate) fn place(
        &mut self,
        secret: &Secret,
        member: &str,
        answer: &mut Value,
    ) -> Result<(), CliError> {
        self.place_named(secret, None, member, answer)
    }

    /// The same for one of several values: in a file, its line begins with what it is of.
    pub(crate) fn place_named(
        &mut self,
        secret: &Secret,
        of: Option<&str>,
        member: &str,
        answer: &mut Value,
    ) -> Result<(), CliError> {
        let (name, text) = match self {
            Self::Output => (member.to_owned(), secret.expose().to_owned()),
            Self::File(file) => {
                let of = of.map(|of| format!("{of}\t")).unwrap_or_default();
                let line = Zeroizing::new(format!("{of}{}", secret.expose()));
                file.write_line(&line)?;
                (format!("{member}_file"), file.path.display().to_string())
            }
        };
        if let Value::Object(members) = answer {
            members.insert(name, text.into());
        }
        Ok(())
    }
}

impl ValueFile {
    fn create(path: &Path) -> Result<Self, CliError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(path).map_err(CliError::at(path))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            is_used: false,
        })
    }

    /// Writes a line to the disk.
    pub(crate) fn write_line(&mut self, line: &str) -> Result<(), CliError> {
        self.is_used = true;
        writeln!(self.file, "{line}")
            .and_then(|()| self.file.sync_all())
            .map_err(CliError::at(&self.path))
    }
}

// === impl Secret ===

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

// === impl ValueFile ===

impl Drop for ValueFile {
    fn drop(&mut self) {
        if !self.is_used {
            // An empty file that stays is untidy, and the next run refuses it; no more.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    fn file() -> PathBuf {
        let name = format!(
            "latchkey-secret-{}-{:x}",
            std::process::id(),
            rand::random::<u64>()
        );
        std::env::temp_dir().join(name)
    }

    fn args(show: bool, value_file: Option<PathBuf>) -> ValueArgs {
        ValueArgs { show, value_file }
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("sk-1".into())), "Secret(..)");
    }

    #[test]
    fn a_value_goes_into_a_new_file_for_its_owner_and_not_into_the_answer() {
        let path = file();
        let mut destination = Destination::of(&args(false, Some(path.clone()))).unwrap();
        let mut answer = json!({"id": "ak-1", "key": "sk-1"});
        let secret = Secret::take(&mut answer, "key").unwrap();
        destination.place(&secret, "key", &mut answer).unwrap();
        drop(destination);
        assert_eq!(
            answer,
            json!({"id": "ak-1", "key_file": path.to_str().unwrap()})
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "sk-1\n");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(
            Destination::of(&args(false, Some(path.clone()))).is_err(),
            "never overwritten"
        );
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_no_value_came_into_goes_again() {
        let path = file();
        drop(Destination::of(&args(false, Some(path.clone()))).unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn where_a_value_goes_is_said_before_it_is_made() {
        // Tests have no terminal.
        let error = Destination::of(&args(false, None)).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(matches!(
            Destination::of(&args(true, None)),
            Ok(Destination::Output)
        ));
    }
}
