//! What `latchkey login` stores, and with what a call goes out: where the sidecar is, which token.
//!
//! Does not call. Invariants: the file is for its owner alone, or is not read; a stored token goes to
//! the sidecar that it was stored for and to no other.

use std::env;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::args::Common;
use crate::error::CliError;
use crate::secret::Secret;

const FILE: &str = "login.json";

/// What is stored.
#[derive(Deserialize, Serialize)]
struct Stored {
    url: String,
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<PathBuf>,
    #[serde(default)]
    allow_http: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

/// With what calls go out.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) url: String,
    pub(crate) token: Secret,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) allow_http: bool,
    pub(crate) account: Option<String>,
}

impl Login {
    /// A new one, with a token that was just read.
    pub(crate) fn new(common: &Common, token: Secret) -> Result<Self, CliError> {
        let url = common.url.as_deref().ok_or_else(no_url)?;
        let absolute = |path: &PathBuf| fs::canonicalize(path).map_err(CliError::at(path));
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            token,
            ca: common.ca.as_ref().map(absolute).transpose()?,
            allow_http: common.allow_http,
            account: common.account.clone(),
        })
    }

    /// What the arguments, the environment and the file say together.
    pub(crate) fn find(common: &Common) -> Result<Self, CliError> {
        let given = env::var("LATCHKEY_TOKEN")
            .ok()
            .filter(|token| !token.is_empty());
        match given.map(Secret::new) {
            // Whatever is wrong with the file does not matter to whoever brings a token.
            Some(token) => Self::with(common, token, read(&path()?).unwrap_or_default()),
            None => Self::stored(common),
        }
    }

    fn stored(common: &Common) -> Result<Self, CliError> {
        let mut stored = read(&path()?)?.ok_or_else(|| {
            let advice = "there is no token: run `latchkey login --url URL`, or set LATCHKEY_TOKEN";
            CliError::NotLoggedIn(advice.into())
        })?;
        let url = common.url.as_deref().map(|url| url.trim_end_matches('/'));
        if let Some(other) = url.filter(|url| *url != stored.url) {
            return Err(CliError::NotLoggedIn(format!(
                "the stored token is for {}, not for {other}: run `latchkey login --url {other}`, or \
                 set LATCHKEY_TOKEN",
                stored.url
            )));
        }
        let token = Secret::new(std::mem::take(&mut stored.token));
        Self::with(common, token, Some(stored))
    }

    /// Arguments count more than what was stored; that counts for its own sidecar alone.
    fn with(common: &Common, token: Secret, stored: Option<Stored>) -> Result<Self, CliError> {
        let given = common
            .url
            .as_deref()
            .map(|url| url.trim_end_matches('/').to_owned());
        let stored = stored.filter(|stored| given.as_ref().is_none_or(|url| *url == stored.url));
        let url = given.or_else(|| stored.as_ref().map(|stored| stored.url.clone()));
        let (ca, allow_http, account) = stored.map_or((None, false, None), |stored| {
            (stored.ca, stored.allow_http, stored.account)
        });
        Ok(Self {
            url: url.ok_or_else(no_url)?,
            token,
            ca: common.ca.clone().or(ca),
            allow_http: common.allow_http || allow_http,
            account: common.account.clone().or(account),
        })
    }

    /// The same once more: a client keeps one.
    pub(crate) fn again(&self) -> Self {
        Self {
            url: self.url.clone(),
            token: Secret::new(self.token.expose().to_owned()),
            ca: self.ca.clone(),
            allow_http: self.allow_http,
            account: self.account.clone(),
        }
    }

    /// Stores it; where.
    pub(crate) fn store(&self) -> Result<PathBuf, CliError> {
        let stored = Stored {
            url: self.url.clone(),
            token: self.token.expose().to_owned(),
            ca: self.ca.clone(),
            allow_http: self.allow_http,
            account: self.account.clone(),
        };
        let path = path()?;
        write(&path, &stored).map_err(CliError::at(&path))?;
        Ok(path)
    }
}

/// Forgets what was stored; whether there was something.
pub(crate) fn forget() -> Result<bool, CliError> {
    let path = path()?;
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(CliError::Io(path, error)),
    }
}

/// `LATCHKEY_CONFIG_DIR`, or the place for configuration of the user.
fn path() -> Result<PathBuf, CliError> {
    let dir = |name: &str| {
        env::var_os(name)
            .filter(|dir| !dir.is_empty())
            .map(PathBuf::from)
    };
    let dir = dir("LATCHKEY_CONFIG_DIR")
        .or_else(|| dir("XDG_CONFIG_HOME").map(|dir| dir.join("latchkey")))
        .or_else(|| dir("HOME").map(|dir| dir.join(".config/latchkey")))
        .ok_or_else(|| {
            let advice = "there is no home directory: set LATCHKEY_TOKEN, or LATCHKEY_CONFIG_DIR";
            CliError::NotLoggedIn(advice.into())
        })?;
    Ok(dir.join(FILE))
}

fn read(path: &Path) -> Result<Option<Stored>, CliError> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(CliError::at(path))?,
    };
    if metadata.permissions().mode() & 0o077 != 0 {
        let path = path.display();
        return Err(CliError::NotLoggedIn(format!(
            "{path} can be read by others: run `chmod 600 {path}`, or log in with a new token"
        )));
    }
    let text = fs::read_to_string(path).map_err(CliError::at(path))?;
    let advice = |_| CliError::NotLoggedIn(format!("{} is damaged: log in again", path.display()));
    serde_json::from_str(&text).map(Some).map_err(advice)
}

/// Writes the whole file or nothing; nobody else can read it at any time.
fn write(path: &Path, stored: &Stored) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(serde_json::to_string(stored)?.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}

fn no_url() -> CliError {
    CliError::Usage("say where the sidecar's REST API is: --url URL, or LATCHKEY_URL".into())
}
