//! The flags, read into one typed value.
//!
//! Does not touch files or the network. Invariant: a [`Config`] is sensible as a whole; a flag
//! that is not says what to write, and no secret can be given as a flag.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use keytable::AccountId;

use crate::domain::region::RegionId;
use crate::domain::secret::KeyPrefix;

/// What `--help` says.
pub const USAGE: &str = "\
usage: sidecar serve --data DIR --admin ADDRESS:PORT --feed ADDRESS:PORT --feed-token-file FILE

  --data DIR              where the database is; made if it is missing
  --admin ADDRESS:PORT    where the REST API listens; loopback only; port 0: any free one
  --feed ADDRESS:PORT     where Envoys follow; loopback only; port 0: any free one
  --feed-token-file FILE  holds the header value that Envoys send: Bearer <token>
  --seed-account ID       make this account if it is missing; may be repeated
  --seed-region ID        make this region if it is missing; may be repeated
  --key-prefix PREFIX     what new keys begin with (sk-)
  --key-limit-default N   standard keys that an account may have (50)
  --json                  say what happens as one JSON object a line
";

const KEY_LIMIT_DEFAULT: u64 = 50;

/// What the program is to do.
#[derive(Debug)]
pub enum Command {
    /// Serve.
    Serve(Config),
    /// Print [`USAGE`].
    Help,
}

/// How to serve.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory.
    pub data: PathBuf,
    /// Where the REST API listens.
    pub admin: SocketAddr,
    /// Where the feed listens.
    pub feed: SocketAddr,
    /// The file with the feed's header value.
    pub feed_token_file: PathBuf,
    /// Accounts to make if they are missing.
    pub seed_accounts: Vec<AccountId>,
    /// Regions to make if they are missing.
    pub seed_regions: Vec<RegionId>,
    /// What new keys begin with.
    pub key_prefix: KeyPrefix,
    /// Standard keys that an account without a limit of its own may have.
    pub key_limit_default: u64,
    /// Whether stdout is for a script.
    pub json: bool,
}

/// Why the flags make no sense.
#[derive(Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The first word is not `serve`.
    Command,
    /// A flag that does not exist.
    UnknownFlag(String),
    /// A flag without its value.
    NoValue(&'static str),
    /// A flag that has to be given.
    Missing(&'static str),
    /// A flag that stands twice.
    Repeated(&'static str),
    /// A value that cannot be used, and what to write.
    Value(&'static str, String),
    /// An address that others can reach.
    NotLoopback(&'static str, SocketAddr),
}

/// The flags as they were written.
#[derive(Default)]
struct Flags {
    data: Option<OsString>,
    admin: Option<OsString>,
    feed: Option<OsString>,
    feed_token_file: Option<OsString>,
    seed_account: Vec<OsString>,
    seed_region: Vec<OsString>,
    key_prefix: Option<OsString>,
    key_limit_default: Option<OsString>,
    json: bool,
}

impl Command {
    /// Reads the words behind the program's name.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, ConfigError> {
        let mut words = words.into_iter();
        match words.next().as_deref().and_then(|word| word.to_str()) {
            Some("serve") => {}
            Some("--help" | "-h" | "help") => return Ok(Self::Help),
            _ => return Err(ConfigError::Command),
        }
        let mut flags = Flags::default();
        while let Some(word) = words.next() {
            if word == "--help" || word == "-h" {
                return Ok(Self::Help);
            }
            flags.take(&word, &mut words)?;
        }
        Config::of(flags).map(Self::Serve)
    }
}

impl Flags {
    fn take(
        &mut self,
        word: &OsString,
        words: &mut impl Iterator<Item = OsString>,
    ) -> Result<(), ConfigError> {
        match word.to_str() {
            Some("--data") => once(&mut self.data, "--data", words),
            Some("--admin") => once(&mut self.admin, "--admin", words),
            Some("--feed") => once(&mut self.feed, "--feed", words),
            Some("--feed-token-file") => {
                once(&mut self.feed_token_file, "--feed-token-file", words)
            }
            Some("--seed-account") => more(&mut self.seed_account, "--seed-account", words),
            Some("--seed-region") => more(&mut self.seed_region, "--seed-region", words),
            Some("--key-prefix") => once(&mut self.key_prefix, "--key-prefix", words),
            Some("--key-limit-default") => {
                once(&mut self.key_limit_default, "--key-limit-default", words)
            }
            Some("--json") => {
                self.json = true;
                Ok(())
            }
            _ => Err(ConfigError::UnknownFlag(word.to_string_lossy().into())),
        }
    }
}

impl Config {
    fn of(flags: Flags) -> Result<Self, ConfigError> {
        let account = |text| parsed("--seed-account", text, AccountId::parse);
        let region = |text| parsed("--seed-region", text, RegionId::parse);
        let prefix = flags.key_prefix.unwrap_or_else(|| "sk-".into());
        let limit = flags.key_limit_default;
        Ok(Self {
            data: required("--data", flags.data)?.into(),
            admin: loopback("--admin", flags.admin)?,
            feed: loopback("--feed", flags.feed)?,
            feed_token_file: required("--feed-token-file", flags.feed_token_file)?.into(),
            seed_accounts: flags
                .seed_account
                .iter()
                .map(account)
                .collect::<Result<_, _>>()?,
            seed_regions: flags
                .seed_region
                .iter()
                .map(region)
                .collect::<Result<_, _>>()?,
            key_prefix: parsed("--key-prefix", &prefix, KeyPrefix::parse)?,
            key_limit_default: limit
                .map(|text| parsed("--key-limit-default", &text, whole_number))
                .transpose()?
                .unwrap_or(KEY_LIMIT_DEFAULT),
            json: flags.json,
        })
    }
}

fn once(
    place: &mut Option<OsString>,
    flag: &'static str,
    words: &mut impl Iterator<Item = OsString>,
) -> Result<(), ConfigError> {
    let value = words.next().ok_or(ConfigError::NoValue(flag))?;
    match place.replace(value) {
        Some(_) => Err(ConfigError::Repeated(flag)),
        None => Ok(()),
    }
}

fn more(
    place: &mut Vec<OsString>,
    flag: &'static str,
    words: &mut impl Iterator<Item = OsString>,
) -> Result<(), ConfigError> {
    place.push(words.next().ok_or(ConfigError::NoValue(flag))?);
    Ok(())
}

fn required(flag: &'static str, value: Option<OsString>) -> Result<OsString, ConfigError> {
    value
        .filter(|value| !value.is_empty())
        .ok_or(ConfigError::Missing(flag))
}

fn parsed<T, E: fmt::Display>(
    flag: &'static str,
    value: &OsString,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, ConfigError> {
    let text = value
        .to_str()
        .ok_or_else(|| ConfigError::Value(flag, "must be UTF-8".into()))?;
    parse(text).map_err(|error| ConfigError::Value(flag, error.to_string()))
}

fn loopback(flag: &'static str, value: Option<OsString>) -> Result<SocketAddr, ConfigError> {
    let read = |text: &str| {
        text.parse()
            .map_err(|_| "must be ADDRESS:PORT, as 127.0.0.1:9301")
    };
    let address: SocketAddr = parsed(flag, &required(flag, value)?, read)?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(ConfigError::NotLoopback(flag, address))
    }
}

fn whole_number(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "must be a whole number, as 50")
}

// === impl ConfigError ===

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command => {
                f.write_str("write `sidecar serve ...`; `sidecar --help` lists the flags")
            }
            Self::UnknownFlag(flag) => {
                write!(f, "{flag} is not a flag; `sidecar --help` lists them")
            }
            Self::NoValue(flag) => write!(f, "{flag} needs a value behind it"),
            Self::Missing(flag) => write!(f, "{flag} must be given"),
            Self::Repeated(flag) => write!(f, "{flag} must be given once"),
            Self::Value(flag, advice) => write!(f, "{flag} {advice}"),
            Self::NotLoopback(flag, address) => write!(
                f,
                "{flag} {address} could be reached from other machines, in the clear: write \
                 127.0.0.1:{} or [::1]:{0}",
                address.port()
            ),
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests;
