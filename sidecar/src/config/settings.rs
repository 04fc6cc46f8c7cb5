//! Settings from the command line, the environment and a file, put together for the one parser.
//!
//! Does not know what a value means. Invariant: the place of each value is kept, so that an error
//! names it; a name that nobody knows is refused where somebody wrote it for us.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, CommandFactory, FromArgMatches};

use super::ConfigError;
use super::arguments::{self, Arguments};

/// Why there are no settings.
#[derive(Debug)]
pub(super) enum Stop {
    /// Help was asked for.
    Help,
    /// The release was asked for.
    Version,
    /// They make no sense.
    Refused(ConfigError),
}

/// What the environment or the file adds to the command line.
#[derive(Clone, Debug)]
struct Added {
    name: String,
    place: Source,
    value: OsString,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Flag(String),
    Variable(String),
    Line(PathBuf, usize, String),
}

/// Where the values stand that are not on the command line.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<Added>);

/// A setting as it is declared.
struct Declared {
    name: String,
    variable: String,
    is_list: bool,
}

/// Reads the words behind the program's name, then what `variable` has, then the file that either
/// of them names.
pub(super) fn read(
    words: impl IntoIterator<Item = OsString>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<(Arguments, Places), Stop> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let declared = declared();
    let flags = parse(&words, &Places::default())?;
    let mut places = Places(Vec::new());
    let open = |places: &Places, name: &str| !is_flag(&flags, name) && !places.has(name);
    let variables = declared
        .iter()
        .filter(|setting| open(&places, &setting.name));
    let variables: Vec<Added> = variables
        .flat_map(|setting| setting.of_variable(&variable))
        .collect();
    places.0.extend(variables);
    if let Some(file) = file(&flags, &places) {
        let lines = lines(&file, &declared).map_err(Stop::Refused)?;
        let lines = lines.into_iter().filter(|line| open(&places, &line.name));
        let lines: Vec<Added> = lines.collect();
        places.0.extend(lines);
    }
    words.extend(places.0.iter().map(Added::word));
    let matches = parse(&words, &places)?;
    let arguments = Arguments::from_arg_matches(&matches);
    let arguments = arguments.map_err(|error| Stop::of(&error, &places))?;
    Ok((arguments, places))
}

fn parse(words: &[OsString], places: &Places) -> Result<ArgMatches, Stop> {
    let program = OsString::from("sidecar");
    let words = std::iter::once(&program).chain(words);
    arguments::command()
        .try_get_matches_from(words)
        .map_err(|error| Stop::of(&error, places))
}

fn declared() -> Vec<Declared> {
    let command = Arguments::command();
    let settings = command.get_arguments().filter_map(|argument| {
        Some(Declared {
            name: argument.get_long()?.to_owned(),
            variable: argument.get_env()?.to_str()?.to_owned(),
            is_list: matches!(argument.get_action(), ArgAction::Append),
        })
    });
    settings.collect()
}

fn is_flag(flags: &ArgMatches, name: &str) -> bool {
    let id = name.replace('-', "_");
    flags.value_source(&id) == Some(ValueSource::CommandLine)
}

/// The file of settings.
fn file(flags: &ArgMatches, places: &Places) -> Option<PathBuf> {
    let of_flag = flags.get_one::<PathBuf>("config").cloned();
    let of_variable = || {
        places
            .find("config", None)
            .map(|added| added.value.clone().into())
    };
    of_flag.or_else(of_variable)
}

/// The settings of a file, in the order of its lines.
fn lines(path: &Path, declared: &[Declared]) -> Result<Vec<Added>, ConfigError> {
    let text = fs::read_to_string(path).map_err(|error| ConfigError::File(path.into(), error))?;
    let mut lines: Vec<Added> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = || ConfigError::Line(path.into(), number);
        let (name, value) = line.split_once('=').ok_or_else(wrong)?;
        let mut known = declared.iter().filter(|setting| setting.name != "config");
        let setting = known.find(|setting| setting.name == name.trim());
        let setting = setting.ok_or_else(wrong)?;
        let place = Source::Line(path.into(), number, setting.name.clone());
        if !setting.is_list && lines.iter().any(|line| line.name == setting.name) {
            return Err(ConfigError::Repeated(place.to_string()));
        }
        lines.push(Added {
            name: setting.name.clone(),
            place,
            value: value.trim().into(),
        });
    }
    Ok(lines)
}

impl Declared {
    /// Its values in the environment.
    fn of_variable(&self, variable: impl Fn(&str) -> Option<OsString>) -> Vec<Added> {
        let Some(value) = variable(&self.variable) else {
            return Vec::new();
        };
        let values = match value.to_str() {
            Some(text) if self.is_list => text.split(',').map(OsString::from).collect(),
            _ => vec![value],
        };
        let added = values.into_iter().map(|value| Added {
            name: self.name.clone(),
            place: Source::Variable(self.variable.clone()),
            value,
        });
        added.collect()
    }
}

impl Added {
    /// The same as a word of the command line.
    fn word(&self) -> OsString {
        let mut word = OsString::from(format!("--{}=", self.name));
        word.push(&self.value);
        word
    }
}

impl Places {
    /// Where the value of a setting stands.
    pub(super) fn of(&self, name: &str) -> String {
        self.of_value(name, None)
    }

    fn of_value(&self, name: &str, value: Option<&OsStr>) -> String {
        let added = self.find(name, value).or_else(|| self.find(name, None));
        let flag = || Source::Flag(name.to_owned());
        added
            .map_or_else(flag, |added| added.place.clone())
            .to_string()
    }

    fn has(&self, name: &str) -> bool {
        self.find(name, None).is_some()
    }

    fn find(&self, name: &str, value: Option<&OsStr>) -> Option<&Added> {
        let mut named = self.0.iter().filter(|added| added.name == name);
        named.find(|added| value.is_none_or(|value| added.value == value))
    }
}

impl Stop {
    /// What the parser says, in our words and with the place.
    fn of(error: &clap::Error, places: &Places) -> Self {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => text.as_str(),
            _ => "",
        };
        let argument = text(ContextKind::InvalidArg);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let name = argument.trim_start_matches('-');
        let name = name.split(|c| !plain(c)).next().unwrap_or_default();
        let place = || places.of_value(name, Some(OsStr::new(text(ContextKind::InvalidValue))));
        Self::Refused(match error.kind() {
            ErrorKind::DisplayHelp => return Self::Help,
            ErrorKind::DisplayVersion => return Self::Version,
            ErrorKind::UnknownArgument if argument.starts_with('-') => {
                let near = text(ContextKind::SuggestedArg);
                ConfigError::UnknownFlag(argument.to_owned(), near.to_owned())
            }
            ErrorKind::ArgumentConflict => ConfigError::Repeated(place()),
            ErrorKind::ValueValidation => {
                let advice = error.source().map(ToString::to_string);
                ConfigError::Value(place(), advice.unwrap_or_default())
            }
            ErrorKind::InvalidUtf8 => ConfigError::Value("a value".into(), "must be UTF-8".into()),
            ErrorKind::InvalidValue | ErrorKind::NoEquals | ErrorKind::WrongNumberOfValues => {
                ConfigError::NoValue(place())
            }
            _ => ConfigError::Command,
        })
    }
}

// === impl Source ===

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Variable(name) => f.write_str(name),
            Self::Line(path, number, name) => write!(f, "{}:{number}: {name}", path.display()),
        }
    }
}
