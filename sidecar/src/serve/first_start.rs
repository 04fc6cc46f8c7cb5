//! The first start: makes the operator, whose password a one-time secret sets.
//!
//! Does not know a default credential, and there is none. Invariant: a secret that is told or
//! written to a file is of a user or token that is stored, or the start fails.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use serde_json::json;

use crate::config::Config;
use crate::domain::audit::{Actor, AuditAction, AuditEntry};
use crate::domain::clock::UnixMillis;
use crate::domain::identity::role::{Capabilities, Role};
use crate::domain::identity::token::ApiToken;
use crate::domain::identity::user::{Setup, User, UserName};
use crate::domain::name::KeyName;
use crate::domain::secrets::entropy::{self, EntropyError};
use crate::domain::secrets::secret::{KeyPrefix, Secret};
use crate::serve::ServeError;
use crate::serve::announce::SetupSecret;
use crate::store::Store;

/// The name of the first operator.
pub(crate) const OPERATOR: &str = "operator";

/// Makes the operator if this is the first start; says where the secret is that sets the password.
/// Secrets are written to the files that the settings name.
pub(super) fn first_start(
    store: &Store,
    config: &Config,
    now: UnixMillis,
) -> Result<Option<SetupSecret>, ServeError> {
    if !store.is_new()? {
        return Ok(None);
    }
    let secret = Secret::mint(&KeyPrefix::setup())?;
    let user = operator(Setup::of(&secret, now), now)?;
    let told = match &config.setup_secret_file {
        Some(file) => {
            write_secret(file, secret)?;
            SetupSecret::File(file.clone())
        }
        None => SetupSecret::Said(secret),
    };
    let token_file = config.operator_token_file.as_deref();
    let token = token_file.map(|file| mint_token(file, now)).transpose()?;
    let detail = json!({"user": OPERATOR, "token": token.as_ref().map(|token| &token.id)});
    let entry = system_entry(AuditAction::FirstStart, &user.id, detail, now);
    store.first_start(&user, token.as_ref(), &entry)?;
    Ok(Some(told))
}

/// A user who runs the installation and has yet to set a password.
pub(crate) fn operator(setup: Setup, now: UnixMillis) -> Result<User, ServeError> {
    let name = UserName::parse(OPERATOR).map_err(|_| EntropyError)?;
    Ok(User {
        id: entropy::new_handle("u")?,
        name,
        account: None,
        role: Role::Operator,
        enabled: true,
        password: None,
        setup: Some(setup),
        totp: None,
        created_at: now,
        updated_at: now,
        last_login_at: None,
        revision: 1,
    })
}

/// What is written down about something that the command line did.
pub(crate) fn system_entry(
    action: AuditAction,
    target: &str,
    detail: serde_json::Value,
    at: UnixMillis,
) -> AuditEntry {
    AuditEntry {
        at,
        actor: Actor::System,
        address: None,
        account: None,
        action,
        target: target.into(),
        detail,
    }
}

fn mint_token(file: &Path, now: UnixMillis) -> Result<ApiToken, ServeError> {
    let secret = Secret::mint(&KeyPrefix::api_token())?;
    let token = ApiToken {
        id: entropy::new_handle("lt")?,
        hash: secret.hash(),
        account: None,
        name: KeyName::parse("first start").map_err(|_| EntropyError)?,
        capabilities: Capabilities::ALL,
        creator: Actor::System.to_string(),
        user: None,
        created_at: now,
        expires_at: None,
    };
    write_secret(file, secret)?;
    Ok(token)
}

fn write_secret(file: &Path, secret: Secret) -> Result<(), ServeError> {
    write_private(file, &secret.reveal())
        .map_err(|error| ServeError::SecretFile(file.into(), error))
}

/// Writes a file that only its owner can read, also if it was there and others could.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(PermissionsExt::from_mode(0o600))?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
