//! The commands that need no server: backup, restore, check the audit, let the operator in again.
//!
//! Does not print. Invariant: a command that fails has changed nothing.

use std::fmt;
use std::path::Path;

use keytable::redact;
use serde_json::json;
use zeroize::Zeroizing;

use crate::config::MasterKeySource;
use crate::domain::act::Act;
use crate::domain::audit::{Actor, AuditAction};
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::identity::user::{Setup, UserName};
use crate::domain::secrets::entropy::EntropyError;
use crate::domain::secrets::secret::{KeyPrefix, Secret};
use crate::master_key::{self, MasterKeyError, Passage};
use crate::serve::first_start::{OPERATOR, operator, system_entry};
use crate::serve::{ServeError, open_store};
use crate::store::{self, AuditFinding, CarriedOver, OpenError, Server, StoreError, StorePlace};

/// Why a command failed.
#[derive(Debug)]
pub enum OfflineError {
    /// The data directory or a copy cannot be used.
    Open(OpenError),
    /// The database refused.
    Store(StoreError),
    /// No secret could be made.
    Serve(ServeError),
    /// The master keys cannot be used.
    MasterKey(MasterKeyError),
    /// The audit is not the one that was written.
    Audit(AuditFinding),
}

/// Makes the tables of a database on a server; gives what to say.
pub fn create_store(server: &Server) -> Result<String, OfflineError> {
    store::create(server)?;
    Ok("made: an installation of its own, without a key".into())
}

/// Brings the tables of a database on a server to this program's; gives what to say.
pub fn upgrade_store(server: &Server) -> Result<String, OfflineError> {
    let found = store::upgrade(server)?;
    Ok(format!(
        "the tables were of version {found} and are this program's now"
    ))
}

/// Copies the database; gives what to say.
pub fn backup(data: &Path, to: &Path) -> Result<String, OfflineError> {
    store::backup(data, to)?;
    Ok(format!(
        "copied to {}; the master keys are not in it: keep them elsewhere",
        to.display()
    ))
}

/// Puts a copy in place; gives what to say.
pub fn restore(data: &Path, from: &Path) -> Result<String, OfflineError> {
    let name = from.file_name().unwrap_or_default().to_string_lossy();
    let detail = json!({"file": redact(&name)});
    let entry = system_entry(AuditAction::Restored, "", detail, SystemClock.now());
    let said = match store::restore(data, from, &entry)? {
        CarriedOver::Nothing => {
            "; what was deleted or revoked since the copy was made is there again: check keys, \
             tokens and users"
                .into()
        }
        CarriedOver::Deletions(0) => "; nothing was deleted since the copy was made".into(),
        CarriedOver::Deletions(keys) => {
            format!("; {keys} keys that were deleted since the copy was made stay deleted")
        }
        CarriedOver::Unreadable => {
            "; the database that was there cannot be read, so what was deleted or revoked since \
             the copy was made is there again: check keys, tokens and users"
                .into()
        }
    };
    Ok(format!("restored as a new history{said}"))
}

/// Checks the audit; gives what to say.
pub fn verify_audit(place: &StorePlace) -> Result<String, OfflineError> {
    match store::verify_audit(place)? {
        AuditFinding::Whole {
            rows,
            head,
            with_credentials,
        } => {
            let head = base16ct::lower::encode_string(&head);
            let found = of_credentials(&with_credentials);
            Ok(format!(
                "{rows} rows, each as it was written; note the hash of the newest elsewhere, so \
                 that a rewritten audit is found out too: {head}{found}"
            ))
        }
        finding => Err(OfflineError::Audit(finding)),
    }
}

/// What to say of rows that hold a credential: they cannot be changed without breaking the chain.
fn of_credentials(rows: &[u64]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = rows.iter().map(u64::to_string).collect();
    format!(
        "\nwhat reads as a credential stands in the file, in rows {}, which an earlier version \
         wrote; no call shows it, and no row can be changed: replace those credentials",
        rows.join(", ")
    )
}

/// Gives the first operator a new setup secret; takes away whatever else lets that user in.
pub fn reset_operator(place: &StorePlace) -> Result<Zeroizing<String>, OfflineError> {
    // No key is made here, so the limit does not matter.
    let store = open_store(place, 0)?;
    let now = SystemClock.now();
    let secret = Secret::mint(&KeyPrefix::setup())?;
    let setup = Setup::of(&secret, now);
    let made = operator(setup.clone(), now)?;
    let name = UserName::parse(OPERATOR).map_err(|_| EntropyError)?;
    let entry = system_entry(AuditAction::UserReset, OPERATOR, json!({}), now);
    store.reset_operator(&name, setup, &entry, || made)?;
    Ok(secret.reveal())
}

/// Seals every stored secret under a new master key; gives what to say.
pub fn rotate_master(place: &StorePlace, source: &MasterKeySource) -> Result<String, OfflineError> {
    let store = open_store(place, 0)?;
    let act = Act {
        actor: Actor::System,
        address: None,
        at: SystemClock.now(),
    };
    let Passage { current, values } = master_key::rotate(source, &store, &act)?;
    Ok(format!(
        "{values} values are sealed with the master key {current}; older ones are only needed for \
         backups"
    ))
}

// === impl OfflineError ===

impl From<OpenError> for OfflineError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<StoreError> for OfflineError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ServeError> for OfflineError {
    fn from(error: ServeError) -> Self {
        Self::Serve(error)
    }
}

impl From<MasterKeyError> for OfflineError {
    fn from(error: MasterKeyError) -> Self {
        Self::MasterKey(error)
    }
}

impl From<EntropyError> for OfflineError {
    fn from(error: EntropyError) -> Self {
        Self::Serve(error.into())
    }
}

impl fmt::Display for OfflineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Serve(error) => error.fmt(f),
            Self::MasterKey(error) => error.fmt(f),
            Self::Audit(AuditFinding::Shortened { found, written }) => write!(
                f,
                "the audit ends at row {found}, but {written} rows were written: somebody has \
                 changed the database"
            ),
            Self::Audit(AuditFinding::Broken { seq }) => write!(
                f,
                "row {seq} of the audit is missing or is not the one that was written: somebody \
                 has changed the database"
            ),
            Self::Audit(AuditFinding::Whole { .. }) => f.write_str("the audit is whole"),
        }
    }
}

impl std::error::Error for OfflineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open(error) => error.source(),
            Self::Store(error) => error.source(),
            Self::Serve(error) => error.source(),
            Self::MasterKey(error) => error.source(),
            Self::Audit(_) => None,
        }
    }
}
