//! Settings as they were written: in flags, in the environment, in a file.
//!
//! Does not know what a value means. Invariant: the place of each value is kept, so that an error
//! names it; a name that nobody knows is refused where somebody wrote it for us.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::ConfigError;

/// How a setting is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// With one value.
    One,
    /// With any number of values.
    Many,
    /// As a flag without a value; elsewhere `true` or `false`.
    Switch,
}

/// Every setting.
const FORMS: &[(&str, Form)] = &[
    ("config", Form::One),
    ("data", Form::One),
    ("admin", Form::One),
    ("feed", Form::One),
    ("tls-certificate-file", Form::One),
    ("tls-key-file", Form::One),
    ("behind-tls-proxy", Form::Switch),
    ("public-url", Form::One),
    ("admin-host", Form::Many),
    ("trusted-proxy", Form::Many),
    ("feed-token-file", Form::One),
    ("operator-token-file", Form::One),
    ("setup-secret-file", Form::One),
    ("master-key-file", Form::One),
    ("master-key-fd", Form::One),
    ("recoverable", Form::One),
    ("seed-account", Form::Many),
    ("seed-region", Form::Many),
    ("gateway", Form::Many),
    ("key-prefix", Form::One),
    ("key-limit-default", Form::One),
    ("blocking-threads", Form::One),
    ("tokenhub-path", Form::One),
    ("json", Form::Switch),
    ("log-format", Form::One),
    ("region", Form::One),
    ("to", Form::One),
    ("from", Form::One),
];

/// One value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) place: Source,
    pub(super) value: OsString,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Flag(&'static str),
    Variable(&'static str),
    Line(PathBuf, usize, &'static str),
}

/// What was written, by name.
#[derive(Debug, Default)]
pub(super) struct Settings {
    given: Vec<(&'static str, Given)>,
}

impl Settings {
    /// Reads flags, then what `variable` has, then the file that either of them names.
    pub(super) fn read(
        words: impl Iterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Self::of_flags(words)?;
        settings.add(Self::of_variables(variable));
        if let Some(file) = settings.one("config").map(|given| given.value.clone()) {
            settings.add(Self::of_file(Path::new(&file))?);
        }
        Ok(settings)
    }

    /// The value of a setting that has one.
    pub(super) fn one(&self, name: &str) -> Option<&Given> {
        self.many(name).next()
    }

    /// The values of a setting.
    pub(super) fn many(&self, name: &str) -> impl Iterator<Item = &Given> {
        let named = self.given.iter().filter(move |(other, _)| *other == name);
        named.map(|(_, given)| given)
    }

    /// Takes over what is not set yet.
    fn add(&mut self, lower: Self) {
        let known: Vec<_> = self.given.iter().map(|(name, _)| *name).collect();
        let new = lower.given.into_iter();
        self.given
            .extend(new.filter(|(name, _)| !known.contains(name)));
    }

    fn put(&mut self, name: &'static str, form: Form, given: Given) -> Result<(), ConfigError> {
        if form != Form::Many && self.one(name).is_some() {
            return Err(ConfigError::Repeated(given.place.to_string()));
        }
        self.given.push((name, given));
        Ok(())
    }

    fn of_flags(mut words: impl Iterator<Item = OsString>) -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        while let Some(word) = words.next() {
            let (flag, joined) = split_at_equals(&word);
            let name = flag.to_str().and_then(|flag| flag.strip_prefix("--"));
            let (name, form) = name
                .and_then(form_of)
                .ok_or_else(|| ConfigError::UnknownFlag(flag.to_string_lossy().into()))?;
            let place = Source::Flag(name);
            let value = match (form, joined) {
                (_, Some(value)) => value.into(),
                (Form::Switch, None) => "true".into(),
                (Form::One | Form::Many, None) => words
                    .next()
                    .ok_or_else(|| ConfigError::NoValue(place.to_string()))?,
            };
            settings.put(name, form, Given { place, value })?;
        }
        Ok(settings)
    }

    fn of_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let mut settings = Self::default();
        for (name, form) in FORMS {
            let place = Source::Variable(name);
            let Some(value) = variable(&place.to_string()) else {
                continue;
            };
            let values = match (form, value.to_str()) {
                (Form::Many, Some(text)) => text.split(',').map(OsString::from).collect(),
                _ => vec![value],
            };
            let given = values.into_iter().map(|value| Given {
                place: place.clone(),
                value,
            });
            settings.given.extend(given.map(|given| (*name, given)));
        }
        settings
    }

    fn of_file(path: &Path) -> Result<Self, ConfigError> {
        let text =
            fs::read_to_string(path).map_err(|error| ConfigError::File(path.into(), error))?;
        let mut settings = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = || ConfigError::Line(path.into(), number);
            let (name, value) = line.split_once('=').ok_or_else(wrong)?;
            let (name, form) = form_of(name.trim())
                .filter(|(name, _)| *name != "config")
                .ok_or_else(wrong)?;
            let place = Source::Line(path.into(), number, name);
            let value = OsStr::new(value.trim()).into();
            settings.put(name, form, Given { place, value })?;
        }
        Ok(settings)
    }
}

/// `--name=value` as its two parts.
fn split_at_equals(word: &OsStr) -> (&OsStr, Option<&OsStr>) {
    let bytes = word.as_bytes();
    match bytes.iter().position(|byte| *byte == b'=') {
        Some(at) => {
            let (flag, value) = bytes.split_at(at);
            let value = value.get(1..).unwrap_or_default();
            (OsStr::from_bytes(flag), Some(OsStr::from_bytes(value)))
        }
        None => (word, None),
    }
}

fn form_of(name: &str) -> Option<(&'static str, Form)> {
    FORMS.iter().find(|(other, _)| *other == name).copied()
}

// === impl Place ===

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Variable(name) => {
                write!(f, "LATCHKEY_{}", name.to_uppercase().replace('-', "_"))
            }
            Self::Line(path, number, name) => write!(f, "{}:{number}: {name}", path.display()),
        }
    }
}
