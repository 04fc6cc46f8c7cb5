//! The command line, the environment and the file of settings, read into typed values.
//!
//! Does not look into the files that settings name. Invariant: a [`Config`] is sensible as a
//! whole; a value that is not is named with its place, and no secret can be given as a setting.

mod error;
mod settings;

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use keytable::{AccountId, Network};

use crate::domain::region::RegionId;
use crate::domain::secrets::secret::KeyPrefix;
use crate::http::host_policy::is_loopback;
use crate::telemetry::LogFormat;

pub use error::ConfigError;
use settings::{Given, Settings};

/// What `--help` says.
pub const USAGE: &str = include_str!("config/usage.txt");

const KEY_LIMIT_DEFAULT: u64 = 50;
const BLOCKING_THREADS_DEFAULT: usize = 16;
const BLOCKING_THREADS_MAX: usize = 512;

/// What the program is to do.
#[derive(Debug)]
pub enum Command {
    /// Serve.
    Serve(Box<Config>),
    /// Say that the settings make sense.
    CheckConfig(Box<Config>),
    /// Copy the database in `data` to the new file `to`.
    Backup {
        /// The data directory.
        data: PathBuf,
        /// The file to make.
        to: PathBuf,
    },
    /// Put the copy `from` in place in `data`.
    Restore {
        /// The data directory.
        data: PathBuf,
        /// The file that a backup made.
        from: PathBuf,
    },
    /// Check the audit in `data`.
    VerifyAudit {
        /// The data directory.
        data: PathBuf,
    },
    /// Give the first operator a new setup secret.
    ResetOperator {
        /// The data directory.
        data: PathBuf,
    },
    /// Seal everything under a new master key.
    RotateMaster {
        /// The data directory.
        data: PathBuf,
        /// Where the master keys are.
        master_key: MasterKeySource,
    },
    /// Write the key table of a region in `data` to the file `to`, sealed.
    Snapshot {
        /// The data directory.
        data: PathBuf,
        /// Whose keys.
        region: RegionId,
        /// The file to make or replace.
        to: PathBuf,
    },
    /// Judge a configuration of Envoy.
    LintEnvoy {
        /// A bootstrap or a config dump.
        file: PathBuf,
    },
    /// Print [`USAGE`].
    Help,
    /// Print which release this is.
    Version,
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
    /// The certificate that both ports show, and its key; `None`: they speak plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Whether something in front of both is said to end TLS.
    pub behind_tls_proxy: bool,
    /// Where browsers reach the console, an origin: over TLS, or on this machine's loopback.
    pub public_url: Option<String>,
    /// Further host names under which scripts call.
    pub admin_hosts: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// The file with the feed's header value.
    pub feed_token_file: PathBuf,
    /// Where to write an operator's API token, at the first start.
    pub operator_token_file: Option<PathBuf>,
    /// Where to write the operator's setup secret, at the first start, instead of saying it.
    pub setup_secret_file: Option<PathBuf>,
    /// Where the master keys are.
    pub master_key: MasterKeySource,
    /// Whether values of keys can be shown later.
    pub recoverable: bool,
    /// Accounts to make if they are missing.
    pub seed_accounts: Vec<AccountId>,
    /// Regions to make if they are missing.
    pub seed_regions: Vec<RegionId>,
    /// Where clients of a region reach Envoy.
    pub gateways: Vec<Gateway>,
    /// What new keys begin with.
    pub key_prefix: KeyPrefix,
    /// Standard keys that an account without a limit of its own may have.
    pub key_limit_default: u64,
    /// Threads for what blocks, the disk and passwords, of each port and processor.
    pub blocking_threads: usize,
    /// Where clients of the cloud API post, a path.
    pub tokenhub_path: String,
    /// Whether stdout is for a script.
    pub json: bool,
    /// How the log on stderr is written.
    pub log_format: LogFormat,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, its issuers behind it.
    pub certificate: PathBuf,
    /// The private key, readable by its owner alone.
    pub key: PathBuf,
}

/// Where clients of a region reach Envoy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// The region.
    pub region: RegionId,
    /// Its address, for people to read.
    pub url: String,
}

/// Where the master keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKeySource {
    /// In the data directory, drawn at the first start.
    DataDirectory,
    /// In this file.
    File(PathBuf),
    /// In this open file descriptor.
    Descriptor(i32),
}

impl Command {
    /// Reads the words behind the program's name, and this process's environment.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, ConfigError> {
        Self::parse_with(words, |name| std::env::var_os(name))
    }

    /// Reads the words behind the program's name, and an environment.
    pub fn parse_with(
        words: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let words: Vec<OsString> = words.into_iter().collect();
        let is_help = |word: &OsString| word == "--help" || word == "-h";
        if words.iter().any(is_help) || words.first().is_some_and(|word| word == "help") {
            return Ok(Self::Help);
        }
        let is_version = |word: &OsString| word == "--version" || word == "-V";
        if words.first().is_some_and(is_version) {
            return Ok(Self::Version);
        }
        let is_plain = |word: &&OsString| !word.to_string_lossy().starts_with("--");
        let command: Vec<_> = words.iter().take_while(is_plain).cloned().collect();
        let command: Vec<_> = command.iter().filter_map(|word| word.to_str()).collect();
        let rest = words.iter().skip(command.len()).cloned();
        let settings = || Settings::read(rest, variable);
        match command.as_slice() {
            ["serve"] => Config::of(&settings()?).map(Box::new).map(Self::Serve),
            ["config", "check"] => Config::of(&settings()?)
                .map(Box::new)
                .map(Self::CheckConfig),
            ["backup"] => Self::backup(&settings()?),
            ["restore"] => Self::restore(&settings()?),
            ["audit", "verify"] => Ok(Self::VerifyAudit {
                data: path("data", &settings()?)?,
            }),
            ["operator", "reset"] => Ok(Self::ResetOperator {
                data: path("data", &settings()?)?,
            }),
            ["snapshot"] => Self::snapshot(&settings()?),
            ["envoy", "lint", file] => Ok(Self::LintEnvoy { file: file.into() }),
            ["keys", "rotate-master"] => Self::rotate_master(&settings()?),
            _ => Err(ConfigError::Command),
        }
    }

    fn backup(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self::Backup {
            data: path("data", settings)?,
            to: path("to", settings)?,
        })
    }

    fn restore(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self::Restore {
            data: path("data", settings)?,
            from: path("from", settings)?,
        })
    }

    fn snapshot(settings: &Settings) -> Result<Self, ConfigError> {
        let region = optional("region", settings, RegionId::parse)?;
        Ok(Self::Snapshot {
            data: path("data", settings)?,
            region: region.ok_or(ConfigError::Missing("region"))?,
            to: path("to", settings)?,
        })
    }

    fn rotate_master(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self::RotateMaster {
            data: path("data", settings)?,
            master_key: master_key(settings)?,
        })
    }
}

impl Config {
    fn of(settings: &Settings) -> Result<Self, ConfigError> {
        let behind_tls_proxy = switch("behind-tls-proxy", settings)?;
        let tls = tls(settings)?;
        let has_tls = behind_tls_proxy || tls.is_some();
        Ok(Self {
            data: path("data", settings)?,
            admin: address("admin", settings, has_tls)?,
            feed: address("feed", settings, has_tls)?,
            public_url: public_url(settings, tls.is_some())?,
            tls,
            behind_tls_proxy,
            admin_hosts: every("admin-host", settings, host)?,
            trusted_proxies: every("trusted-proxy", settings, Network::parse)?,
            feed_token_file: path("feed-token-file", settings)?,
            operator_token_file: file("operator-token-file", settings),
            setup_secret_file: file("setup-secret-file", settings),
            master_key: master_key(settings)?,
            recoverable: optional("recoverable", settings, boolean)?.unwrap_or(true),
            seed_accounts: every("seed-account", settings, AccountId::parse)?,
            seed_regions: every("seed-region", settings, RegionId::parse)?,
            gateways: every("gateway", settings, Gateway::parse)?,
            key_prefix: match settings.one("key-prefix") {
                Some(given) => parsed(given, KeyPrefix::parse)?,
                None => KeyPrefix::standard(),
            },
            key_limit_default: optional("key-limit-default", settings, whole_number)?
                .unwrap_or(KEY_LIMIT_DEFAULT),
            blocking_threads: optional("blocking-threads", settings, threads)?
                .unwrap_or(BLOCKING_THREADS_DEFAULT),
            tokenhub_path: optional("tokenhub-path", settings, url_path)?
                .unwrap_or_else(|| "/".into()),
            json: switch("json", settings)?,
            log_format: optional("log-format", settings, LogFormat::parse)?.unwrap_or_default(),
        })
    }
}

impl Gateway {
    fn parse(text: &str) -> Result<Self, &'static str> {
        const ADVICE: &str = "must be REGION=URL, as local=https://models.example.com";
        let (region, url) = text.split_once('=').ok_or(ADVICE)?;
        let is_plain = url.bytes().all(|b| b.is_ascii_graphic());
        if !is_plain
            || !["http://", "https://"]
                .iter()
                .any(|scheme| url.starts_with(scheme))
        {
            return Err(ADVICE);
        }
        Ok(Self {
            region: RegionId::parse(region).map_err(|_| ADVICE)?,
            url: url.into(),
        })
    }
}

fn path(name: &'static str, settings: &Settings) -> Result<PathBuf, ConfigError> {
    let given = settings.one(name).filter(|given| !given.value.is_empty());
    given
        .map(|given| given.value.clone().into())
        .ok_or(ConfigError::Missing(name))
}

/// A file that may be named.
fn file(name: &str, settings: &Settings) -> Option<PathBuf> {
    let given = settings.one(name)?;
    Some(given.value.clone().into())
}

fn master_key(settings: &Settings) -> Result<MasterKeySource, ConfigError> {
    let file = settings.one("master-key-file");
    let descriptor = optional("master-key-fd", settings, descriptor)?;
    match (file, descriptor) {
        (Some(_), Some(_)) => Err(ConfigError::Either("master-key-file", "master-key-fd")),
        (Some(file), None) => Ok(MasterKeySource::File(file.value.clone().into())),
        (None, Some(number)) => Ok(MasterKeySource::Descriptor(number)),
        (None, None) => Ok(MasterKeySource::DataDirectory),
    }
}

/// Certificate and key: both or neither.
fn tls(settings: &Settings) -> Result<Option<TlsFiles>, ConfigError> {
    let (certificate, key) = ("tls-certificate-file", "tls-key-file");
    match (settings.one(certificate), settings.one(key)) {
        (None, None) => Ok(None),
        _ => Ok(Some(TlsFiles {
            certificate: path(certificate, settings)?,
            key: path(key, settings)?,
        })),
    }
}

/// Where browsers come: over TLS if this port speaks it.
fn public_url(settings: &Settings, speaks_tls: bool) -> Result<Option<String>, ConfigError> {
    let read = |text: &str| match origin(text) {
        Ok(origin) if speaks_tls && origin.starts_with("http://") => {
            Err("must begin with https://, as the port has a certificate")
        }
        read => read,
    };
    optional("public-url", settings, read)
}

/// An address to listen on: loopback, unless it speaks TLS or something in front of it is said to.
fn address(
    name: &'static str,
    settings: &Settings,
    has_tls: bool,
) -> Result<SocketAddr, ConfigError> {
    let given = settings.one(name).ok_or(ConfigError::Missing(name))?;
    let read = |text: &str| {
        text.parse()
            .map_err(|_| "must be ADDRESS:PORT, as 127.0.0.1:9301")
    };
    let address: SocketAddr = parsed(given, read)?;
    if address.ip().is_loopback() || has_tls {
        Ok(address)
    } else {
        Err(ConfigError::NotLoopback(given.place.to_string(), address))
    }
}

fn optional<T, E: fmt::Display>(
    name: &'static str,
    settings: &Settings,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, ConfigError> {
    let given = settings.one(name);
    given.map(|given| parsed(given, parse)).transpose()
}

fn every<T, E: fmt::Display>(
    name: &'static str,
    settings: &Settings,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, ConfigError> {
    let given = settings.many(name);
    given.map(|given| parsed(given, &parse)).collect()
}

fn switch(name: &'static str, settings: &Settings) -> Result<bool, ConfigError> {
    Ok(optional(name, settings, boolean)?.unwrap_or(false))
}

fn parsed<T, E: fmt::Display>(
    given: &Given,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, ConfigError> {
    let refuse = |advice: String| ConfigError::Value(given.place.to_string(), advice);
    let text = given.value.to_str();
    let text = text.ok_or_else(|| refuse("must be UTF-8".into()))?;
    parse(text).map_err(|error| refuse(error.to_string()))
}

fn whole_number(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "must be a whole number, as 50")
}

fn threads(text: &str) -> Result<usize, &'static str> {
    let number = text.parse().ok();
    number
        .filter(|number| (1..=BLOCKING_THREADS_MAX).contains(number))
        .ok_or("must be a whole number from 1 to 512")
}

fn descriptor(text: &str) -> Result<i32, &'static str> {
    let number = text.parse().ok().filter(|number| *number > 2);
    number.ok_or("must be the number of an open file descriptor, 3 or more")
}

fn boolean(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "must be true or false")
}

fn host(text: &str) -> Result<String, &'static str> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        Ok(text.into())
    } else {
        Err("must be a host name in lower case, without scheme and port")
    }
}

fn url_path(text: &str) -> Result<String, &'static str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let parts = text
        .strip_prefix('/')
        .map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let fits = |rest: &str| {
        rest.split('/')
            .all(|part| !part.is_empty() && part.bytes().all(plain))
    };
    let is_taken = text == "/v1" || text.starts_with("/v1/");
    match parts {
        Some(rest) if (rest.is_empty() || fits(rest)) && text != "//" && !is_taken => {
            Ok(text.into())
        }
        _ => Err("must be a path outside /v1, of letters, digits, '-', '_' and '.', as /tokenhub"),
    }
}

/// An origin that keeps what is said to it: over TLS, or on this machine's loopback.
fn origin(text: &str) -> Result<String, &'static str> {
    let (scheme, authority) = text
        .split_once("://")
        .ok_or("must begin with https://, as https://keys.example.com")?;
    let after_bracket = authority.rfind(']').map_or(0, |end| end + 1);
    let (_, tail) = authority.split_at(after_bracket);
    let name = match tail.split_once(':') {
        Some((_, port)) if port.parse::<u16>().is_err() => None,
        Some((_, port)) => authority
            .strip_suffix(port)
            .and_then(|rest| rest.strip_suffix(':')),
        None => Some(authority),
    };
    match (scheme, name) {
        ("https", Some(name)) if host(name).is_ok() => Ok(text.into()),
        ("http", Some(name)) if is_loopback(name) => Ok(text.into()),
        ("http", _) => Err(
            "must begin with https://, unless it is localhost or a loopback address as in \
             http://127.0.0.1:9301",
        ),
        _ => Err(
            "must be https:// and a host name in lower case, no path, as https://keys.example.com",
        ),
    }
}

#[cfg(test)]
mod tests;
