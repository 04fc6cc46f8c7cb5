//! The command line as it is declared: commands, settings, their variables, what `--help` says.
//!
//! Does not look at the environment or at files, and does not weigh one setting against another.
//! Invariant: flags, variables, lines of the file and the help have the settings of this one
//! declaration, each with its type.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{Args, CommandFactory, Parser, Subcommand};
use keytable::{AccountId, Network};

use super::Gateway;
use super::values::{boolean, descriptor, host, origin, socket, threads, url_path, whole_number};
use crate::domain::region::RegionId;
use crate::domain::secrets::secret::KeyPrefix;
use crate::store::DatabaseUrl;
use crate::telemetry::LogFormat;

const ABOUT: &str = "\
Every setting is a flag, --name value or --name=value; an environment variable, LATCHKEY_NAME; or
a line of the file that --config names: name = value. A flag counts more than a variable, a variable
more than the file. Those that may be repeated are divided by commas in a variable. No secret is a
setting.";

const TEMPLATE: &str = "usage: {usage}\n\n{about}\n\n{options}\n";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "sidecar",
    version = crate::VERSION,
    about = ABOUT,
    override_usage = include_str!("commands.txt").trim_end(),
    help_template = TEMPLATE,
    term_width = 0
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) verb: Verb,
    #[command(flatten)]
    pub(super) settings: Settings,
}

/// What the program is to do.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    Serve,
    #[command(subcommand)]
    Config(ConfigVerb),
    Backup,
    Restore,
    #[command(subcommand)]
    Store(StoreVerb),
    #[command(subcommand)]
    Audit(AuditVerb),
    #[command(subcommand)]
    Operator(OperatorVerb),
    #[command(subcommand)]
    Keys(KeysVerb),
    Snapshot,
    #[command(subcommand)]
    Envoy(EnvoyVerb),
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigVerb {
    Check,
}

#[derive(Debug, Subcommand)]
pub(super) enum StoreVerb {
    Create,
    Upgrade,
}

#[derive(Debug, Subcommand)]
pub(super) enum AuditVerb {
    Verify,
}

#[derive(Debug, Subcommand)]
pub(super) enum OperatorVerb {
    Reset,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysVerb {
    RotateMaster,
}

#[derive(Debug, Subcommand)]
pub(super) enum EnvoyVerb {
    Lint { file: PathBuf },
}

/// Every setting.
#[derive(Debug, Args)]
pub(super) struct Settings {
    /// the file
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// where the database is; made if it is missing
    #[arg(long, env = "LATCHKEY_DATA", value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// where the database is instead: on a PostgreSQL server, as
    /// postgres://ROLE@HOST,HOST/DATABASE; `sidecar store create`
    /// makes its tables
    #[arg(
        long,
        env = "LATCHKEY_STORE",
        value_name = "URL",
        verbatim_doc_comment,
        value_parser = DatabaseUrl::parse
    )]
    pub(super) store: Option<DatabaseUrl>,
    /// holds the role's password, for its owner alone
    #[arg(long, env = "LATCHKEY_STORE_PASSWORD_FILE", value_name = "FILE")]
    pub(super) store_password_file: Option<PathBuf>,
    /// who vouches for the server (PEM); needed unless it is on this
    /// machine
    #[arg(
        long,
        env = "LATCHKEY_STORE_CA_FILE",
        value_name = "FILE",
        verbatim_doc_comment
    )]
    pub(super) store_ca_file: Option<PathBuf>,
    /// where the REST API listens; port 0: any free one
    #[arg(long, env = "LATCHKEY_ADMIN", value_name = "ADDRESS:PORT", value_parser = socket)]
    pub(super) admin: Option<SocketAddr>,
    /// where Envoys follow; port 0: any free one
    #[arg(long, env = "LATCHKEY_FEED", value_name = "ADDRESS:PORT", value_parser = socket)]
    pub(super) feed: Option<SocketAddr>,
    /// both speak TLS with this certificate (PEM, issuers behind it),
    /// and may listen beyond loopback
    #[arg(
        long,
        env = "LATCHKEY_TLS_CERTIFICATE_FILE",
        value_name = "FILE",
        verbatim_doc_comment
    )]
    pub(super) tls_certificate_file: Option<PathBuf>,
    /// its private key (PEM), for its owner alone
    #[arg(long, env = "LATCHKEY_TLS_KEY_FILE", value_name = "FILE")]
    pub(super) tls_key_file: Option<PathBuf>,
    /// lets both listen beyond loopback: you say that whatever comes
    /// from other machines comes through something that terminates
    /// TLS, or over a network that nobody else is on
    #[arg(long, env = "LATCHKEY_BEHIND_TLS_PROXY", value_name = "BOOL", verbatim_doc_comment,
        num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = boolean)]
    pub(super) behind_tls_proxy: Option<bool>,
    /// where browsers reach the console, as https://keys.example.com,
    /// or over this machine's loopback as http://127.0.0.1:9301
    #[arg(
        long,
        env = "LATCHKEY_PUBLIC_URL",
        value_name = "URL",
        verbatim_doc_comment,
        value_parser = origin
    )]
    pub(super) public_url: Option<String>,
    /// a further host name under which scripts call; may be repeated
    #[arg(long, env = "LATCHKEY_ADMIN_HOST", value_name = "NAME", value_parser = host)]
    pub(super) admin_host: Vec<String>,
    /// whose X-Forwarded-For is believed, as 10.0.0.0/8; may be repeated
    #[arg(
        long,
        env = "LATCHKEY_TRUSTED_PROXY",
        value_name = "NETWORK",
        value_parser = said(Network::parse)
    )]
    pub(super) trusted_proxy: Vec<Network>,
    /// holds the header value that Envoys send: Bearer <token>
    #[arg(long, env = "LATCHKEY_FEED_TOKEN_FILE", value_name = "FILE")]
    pub(super) feed_token_file: Option<PathBuf>,
    /// a new database: write an API token that may do everything
    /// into FILE
    #[arg(
        long,
        env = "LATCHKEY_OPERATOR_TOKEN_FILE",
        value_name = "FILE",
        verbatim_doc_comment
    )]
    pub(super) operator_token_file: Option<PathBuf>,
    /// a new database: write the operator's setup secret into FILE
    /// instead of saying it
    #[arg(
        long,
        env = "LATCHKEY_SETUP_SECRET_FILE",
        value_name = "FILE",
        verbatim_doc_comment
    )]
    pub(super) setup_secret_file: Option<PathBuf>,
    /// holds the master keys, one a line; the default is in the data
    /// directory
    #[arg(
        long,
        env = "LATCHKEY_MASTER_KEY_FILE",
        value_name = "FILE",
        verbatim_doc_comment
    )]
    pub(super) master_key_file: Option<PathBuf>,
    /// an open file with the master keys instead
    #[arg(long, env = "LATCHKEY_MASTER_KEY_FD", value_name = "N", value_parser = descriptor)]
    pub(super) master_key_fd: Option<i32>,
    /// whether values of keys can be shown later (true)
    #[arg(long, env = "LATCHKEY_RECOVERABLE", value_name = "BOOL", value_parser = boolean)]
    pub(super) recoverable: Option<bool>,
    /// make this account if it is missing; may be repeated
    #[arg(
        long,
        env = "LATCHKEY_SEED_ACCOUNT",
        value_name = "ID",
        value_parser = said(AccountId::parse)
    )]
    pub(super) seed_account: Vec<AccountId>,
    /// make this region if it is missing; may be repeated
    #[arg(
        long,
        env = "LATCHKEY_SEED_REGION",
        value_name = "ID",
        value_parser = said(RegionId::parse)
    )]
    pub(super) seed_region: Vec<RegionId>,
    /// where clients of this region reach Envoy, for the console's
    /// examples; may be repeated
    #[arg(
        long,
        env = "LATCHKEY_GATEWAY",
        value_name = "REGION=URL",
        verbatim_doc_comment,
        value_parser = Gateway::parse
    )]
    pub(super) gateway: Vec<Gateway>,
    /// what new keys begin with (sk-)
    #[arg(
        long,
        env = "LATCHKEY_KEY_PREFIX",
        value_name = "PREFIX",
        value_parser = said(KeyPrefix::parse)
    )]
    pub(super) key_prefix: Option<KeyPrefix>,
    /// standard keys that an account may have (50)
    #[arg(long, env = "LATCHKEY_KEY_LIMIT_DEFAULT", value_name = "N", value_parser = whole_number)]
    pub(super) key_limit_default: Option<u64>,
    /// threads for the disk and for passwords, of each port and
    /// processor (16)
    #[arg(
        long,
        env = "LATCHKEY_BLOCKING_THREADS",
        value_name = "N",
        verbatim_doc_comment,
        value_parser = threads
    )]
    pub(super) blocking_threads: Option<usize>,
    /// where clients of Tencent Cloud's SDK post (/)
    #[arg(long, env = "LATCHKEY_TOKENHUB_PATH", value_name = "PATH", value_parser = url_path)]
    pub(super) tokenhub_path: Option<String>,
    /// say on stdout what happens as one JSON object a line
    #[arg(long, env = "LATCHKEY_JSON", value_name = "BOOL",
        num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = boolean)]
    pub(super) json: Option<bool>,
    /// the log on stderr: text or json, one object a line (text)
    #[arg(
        long,
        env = "LATCHKEY_LOG_FORMAT",
        value_name = "FORMAT",
        value_parser = LogFormat::parse
    )]
    pub(super) log_format: Option<LogFormat>,
    /// whose keys, for a snapshot
    #[arg(
        long,
        env = "LATCHKEY_REGION",
        value_name = "ID",
        hide = true,
        value_parser = said(RegionId::parse)
    )]
    pub(super) region: Option<RegionId>,
    /// the file to make, for a backup or snapshot
    #[arg(long, env = "LATCHKEY_TO", value_name = "FILE", hide = true)]
    pub(super) to: Option<PathBuf>,
    /// the file to put in place, for a restore
    #[arg(long, env = "LATCHKEY_FROM", value_name = "FILE", hide = true)]
    pub(super) from: Option<PathBuf>,
}

/// What to parse the command line with. The environment is not read by it: the same variables are
/// taken from where a test or the process has them, with what a list is divided by.
pub(super) fn command() -> clap::Command {
    Arguments::command().mut_args(|argument| argument.global(true).env(Resettable::Reset))
}

/// What `--help` says.
pub fn usage() -> String {
    let help = command().render_help();
    help.to_string()
}

/// Reads a value; what is wrong with one is said in its own words.
fn said<T, E: Display>(
    parse: fn(&str) -> Result<T, E>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| parse(text).map_err(|error| error.to_string())
}
