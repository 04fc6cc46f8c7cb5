//! Where the server is and how it is spoken with: the URL, the password, whom to believe.
//!
//! Does not connect. Invariant: a password comes from a file that is its owner's alone, and what leaves this
//! machine goes through TLS.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use zeroize::Zeroizing;

use crate::store::error::OpenError;
use crate::store::postgres::tls::Tls;

const OTHERS: u32 = 0o077;
/// How long one of the hosts is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// For how long what was sent may go without an acknowledgement, and a connection without a word.
const SILENCE: Duration = Duration::from_secs(5);
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// The URL of a database, `postgres://role@host1,host2/db`.
#[derive(Clone)]
pub struct DatabaseUrl {
    config: Box<Config>,
    shown: String,
}

/// Where a database on a server is.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its URL.
    pub url: DatabaseUrl,
    /// The file with the role's password; `None`: the server asks for none.
    pub password_file: Option<PathBuf>,
    /// The certificates of those who may vouch for the server, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// All that it takes to connect.
#[derive(Clone)]
pub(crate) struct Place {
    config: Config,
    tls: Tls,
}

impl DatabaseUrl {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "must be postgres://ROLE@HOST[:PORT][,HOST...]/DATABASE";
        let scheme = ["postgres://", "postgresql://"];
        if !scheme.iter().any(|scheme| text.starts_with(scheme)) {
            return Err(FORM);
        }
        let config: Config = text.parse().map_err(|_| FORM)?;
        if config.get_password().is_some() {
            return Err("must not have a password: name its file with --store-password-file");
        }
        if text.contains('?') {
            return Err("must not have parameters: what matters is set and checked by the sidecar");
        }
        let is_whole = config.get_user().is_some()
            && config.get_dbname().is_some()
            && !config.get_hosts().is_empty();
        is_whole
            .then(|| Self {
                config: Box::new(config),
                shown: text.to_owned(),
            })
            .ok_or(FORM)
    }

    /// Whether every host is a Unix socket, which speaks no TLS.
    fn is_unix(&self) -> bool {
        let hosts = self.config.get_hosts();
        hosts.iter().all(|host| matches!(host, Host::Unix(_)))
    }

    /// Whether every host is this machine.
    fn is_local(&self) -> bool {
        self.config.get_hosts().iter().all(|host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => {
                name == "localhost"
                    || name
                        .parse()
                        .is_ok_and(|address: IpAddr| address.is_loopback())
            }
        })
    }
}

impl Place {
    /// Reads the files.
    pub(crate) fn of(server: &Server) -> Result<Self, OpenError> {
        let mut config = (*server.url.config).clone();
        config
            .application_name("latchkey")
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(SILENCE)
            .keepalives_idle(SILENCE)
            .keepalives_interval(PROBE_INTERVAL)
            .keepalives_retries(3);
        if let Some(path) = &server.password_file {
            config.password(password(path)?.as_bytes());
        }
        let is_plain = server.url.is_unix() || (server.url.is_local() && server.ca_file.is_none());
        let tls = match (is_plain, &server.ca_file) {
            (true, _) => {
                config.ssl_mode(SslMode::Disable);
                Tls(None)
            }
            (false, Some(path)) => {
                config.ssl_mode(SslMode::Require);
                Tls(Some(Arc::new(trusting(path)?)))
            }
            (false, None) => return Err(OpenError::NoAuthority(server.url.to_string())),
        };
        Ok(Self { config, tls })
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn tls(&self) -> Tls {
        self.tls.clone()
    }
}

/// The first line of a file that nobody else can read.
fn password(path: &Path) -> Result<Zeroizing<String>, OpenError> {
    let failed = |error| OpenError::Io(path.into(), error);
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(OpenError::FileOpenToOthers(path.into()));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    let line = text.lines().next().unwrap_or_default();
    Ok(Zeroizing::new(line.to_owned()))
}

fn trusting(path: &Path) -> Result<ClientConfig, OpenError> {
    let bytes = fs::read(path).map_err(|error| OpenError::Io(path.into(), error))?;
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let (added, _) = roots.add_parsable_certificates(found.unwrap_or_default());
    if added == 0 {
        return Err(OpenError::NoCertificate(path.into()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| OpenError::NoCertificate(path.into()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

// === impl DatabaseUrl ===

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

// === impl Place ===

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}
