//! The command line, the environment and the file of settings, read into typed values.
//!
//! Does not look into the files that settings name. Invariant: a [`Config`] is sensible as a
//! whole; a value that is not is named with its place, and no secret can be given as a setting.

mod arguments;
mod error;
mod settings;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use keytable::{AccountId, Network};

use crate::domain::region::RegionId;
use crate::domain::secrets::secret::KeyPrefix;
use crate::store::{Server, StorePlace};
use crate::telemetry::LogFormat;

pub use arguments::usage;
use arguments::{
    Arguments, AuditVerb, ConfigVerb, EnvoyVerb, KeysVerb, OperatorVerb, Settings, StoreVerb, Verb,
};
pub use error::ConfigError;
use settings::{Places, Stop};

const KEY_LIMIT_DEFAULT: u64 = 50;
const BLOCKING_THREADS_DEFAULT: usize = 16;

/// What the program is to do.
#[derive(Debug)]
pub enum Command {
    /// Serve.
    Serve(Box<Config>),
    /// Say that the settings make sense.
    CheckConfig(Box<Config>),
    /// Make the tables of a database on a server.
    CreateStore(Server),
    /// Bring the tables of a database on a server to this program's.
    UpgradeStore(Server),
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
    /// Check the audit.
    VerifyAudit {
        /// Where the database is.
        store: StorePlace,
    },
    /// Give the first operator a new setup secret.
    ResetOperator {
        /// Where the database is.
        store: StorePlace,
    },
    /// Seal everything under a new master key.
    RotateMaster {
        /// Where the database is.
        store: StorePlace,
        /// Where the master keys are.
        master_key: MasterKeySource,
    },
    /// Write the key table of a region to the file `to`, sealed.
    Snapshot {
        /// Where the database is.
        store: StorePlace,
        /// The data directory: the key that signs is in it.
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
    /// Print [`usage`].
    Help,
    /// Print which release this is.
    Version,
}

/// How to serve.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the database is.
    pub store: StorePlace,
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
    /// In this data directory, drawn at the first start.
    DataDirectory(PathBuf),
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
        match settings::read(words, variable) {
            Ok((Arguments { verb, settings }, places)) => Self::of(verb, settings, &places),
            Err(Stop::Help) => Ok(Self::Help),
            Err(Stop::Version) => Ok(Self::Version),
            Err(Stop::Refused(error)) => Err(error),
        }
    }

    fn of(verb: Verb, settings: Settings, places: &Places) -> Result<Self, ConfigError> {
        let config = |settings| Config::of(settings, places).map(Box::new);
        match verb {
            Verb::Serve => config(settings).map(Self::Serve),
            Verb::Config(ConfigVerb::Check) => config(settings).map(Self::CheckConfig),
            Verb::Store(StoreVerb::Create) => server(&settings).map(Self::CreateStore),
            Verb::Store(StoreVerb::Upgrade) => server(&settings).map(Self::UpgradeStore),
            Verb::Backup => Ok(Self::Backup {
                data: given("data", settings.data)?,
                to: given("to", settings.to)?,
            }),
            Verb::Restore => Ok(Self::Restore {
                data: given("data", settings.data)?,
                from: given("from", settings.from)?,
            }),
            Verb::Audit(AuditVerb::Verify) => Ok(Self::VerifyAudit {
                store: place(&settings)?,
            }),
            Verb::Operator(OperatorVerb::Reset) => Ok(Self::ResetOperator {
                store: place(&settings)?,
            }),
            Verb::Keys(KeysVerb::RotateMaster) => Ok(Self::RotateMaster {
                store: place(&settings)?,
                master_key: master_key(&settings)?,
            }),
            Verb::Snapshot => Ok(Self::Snapshot {
                store: place(&settings)?,
                data: given("data", settings.data)?,
                region: given("region", settings.region)?,
                to: given("to", settings.to)?,
            }),
            Verb::Envoy(EnvoyVerb::Lint { file }) => Ok(Self::LintEnvoy { file }),
        }
    }
}

impl Config {
    fn of(settings: Settings, places: &Places) -> Result<Self, ConfigError> {
        let behind_tls_proxy = settings.behind_tls_proxy.unwrap_or(false);
        let tls = tls(&settings)?;
        let has_tls = behind_tls_proxy || tls.is_some();
        Ok(Self {
            store: place(&settings)?,
            master_key: master_key(&settings)?,
            admin: address("admin", settings.admin, has_tls, places)?,
            feed: address("feed", settings.feed, has_tls, places)?,
            public_url: public_url(settings.public_url, tls.is_some(), places)?,
            tls,
            behind_tls_proxy,
            admin_hosts: settings.admin_host,
            trusted_proxies: settings.trusted_proxy,
            feed_token_file: given("feed-token-file", settings.feed_token_file)?,
            operator_token_file: settings.operator_token_file,
            setup_secret_file: settings.setup_secret_file,
            recoverable: settings.recoverable.unwrap_or(true),
            seed_accounts: settings.seed_account,
            seed_regions: settings.seed_region,
            gateways: settings.gateway,
            key_prefix: settings.key_prefix.unwrap_or_else(KeyPrefix::standard),
            key_limit_default: settings.key_limit_default.unwrap_or(KEY_LIMIT_DEFAULT),
            blocking_threads: settings
                .blocking_threads
                .unwrap_or(BLOCKING_THREADS_DEFAULT),
            tokenhub_path: settings.tokenhub_path.unwrap_or_else(|| "/".into()),
            json: settings.json.unwrap_or(false),
            log_format: settings.log_format.unwrap_or_default(),
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

fn given<T>(name: &'static str, setting: Option<T>) -> Result<T, ConfigError> {
    setting.ok_or(ConfigError::Missing(name))
}

/// Where the database is: in the data directory, unless a server is named.
fn place(settings: &Settings) -> Result<StorePlace, ConfigError> {
    match &settings.store {
        Some(_) => server(settings).map(StorePlace::Server),
        None => given("data", settings.data.clone()).map(StorePlace::Directory),
    }
}

fn server(settings: &Settings) -> Result<Server, ConfigError> {
    Ok(Server {
        url: given("store", settings.store.clone())?,
        password_file: settings.store_password_file.clone(),
        ca_file: settings.store_ca_file.clone(),
    })
}

/// With a database on a server, no directory goes along with it: the master keys' file is named.
fn master_key(settings: &Settings) -> Result<MasterKeySource, ConfigError> {
    let file = settings.master_key_file.clone();
    match (file, settings.master_key_fd) {
        (Some(_), Some(_)) => Err(ConfigError::Either("master-key-file", "master-key-fd")),
        (Some(file), None) => Ok(MasterKeySource::File(file)),
        (None, Some(number)) => Ok(MasterKeySource::Descriptor(number)),
        (None, None) if settings.store.is_some() => Err(ConfigError::Missing("master-key-file")),
        (None, None) => given("data", settings.data.clone()).map(MasterKeySource::DataDirectory),
    }
}

/// Certificate and key: both or neither.
fn tls(settings: &Settings) -> Result<Option<TlsFiles>, ConfigError> {
    let certificate = settings.tls_certificate_file.clone();
    match (certificate, settings.tls_key_file.clone()) {
        (None, None) => Ok(None),
        (certificate, key) => Ok(Some(TlsFiles {
            certificate: given("tls-certificate-file", certificate)?,
            key: given("tls-key-file", key)?,
        })),
    }
}

/// Where browsers come: over TLS if this port speaks it.
fn public_url(
    url: Option<String>,
    speaks_tls: bool,
    places: &Places,
) -> Result<Option<String>, ConfigError> {
    match url {
        Some(url) if speaks_tls && url.starts_with("http://") => {
            let advice = "must begin with https://, as the port has a certificate";
            Err(ConfigError::Value(places.of("public-url"), advice.into()))
        }
        url => Ok(url),
    }
}

/// An address to listen on: loopback, unless it speaks TLS or something in front of it is said to.
fn address(
    name: &'static str,
    setting: Option<SocketAddr>,
    has_tls: bool,
    places: &Places,
) -> Result<SocketAddr, ConfigError> {
    let address = given(name, setting)?;
    if address.ip().is_loopback() || has_tls {
        Ok(address)
    } else {
        Err(ConfigError::NotLoopback(places.of(name), address))
    }
}

#[cfg(test)]
mod tests;
