//! What is written down about every change: who, from where, what, to what.
//!
//! Does not store. Invariant: an entry holds no secret; what a value was is told masked or not at
//! all.

use std::fmt;
use std::net::IpAddr;

use keytable::AccountId;
use serde_json::Value;

use crate::domain::clock::UnixMillis;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// When.
    pub at: UnixMillis,
    /// Who did it.
    pub actor: Actor,
    /// From where; `None` for what needs no network.
    pub address: Option<IpAddr>,
    /// In which account; `None` if it is the installation's.
    pub account: Option<AccountId>,
    /// What was done.
    pub action: AuditAction,
    /// To what: the id of a key, a user, a token ...
    pub target: String,
    /// The particulars, an object; masked.
    pub detail: Value,
}

/// Who acts. The text, `user:alice` or `token:lt-...`, is also the creator of what is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person, by the name to log in with.
    User(String),
    /// A script, by the id of its API token.
    Token(String),
    /// A client of the cloud API, by the id of its access key.
    AccessKey(String),
    /// The sidecar itself, or whoever runs its command line.
    System,
    /// Somebody who did not prove who they are.
    Anonymous,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Each one is the words of its text.
pub enum AuditAction {
    KeyCreated,
    KeyImported,
    KeyEdited,
    KeyRevealed,
    KeyLookedUp,
    KeyRotated,
    KeyReset,
    GraceEnded,
    KeyDeleted,
    MasterKeyRotated,
    CatalogSet,
    CatalogRemoved,
    CatalogImported,
    AccountCreated,
    AccountEdited,
    AccountDeleted,
    RegionCreated,
    RegionEdited,
    RegionDeleted,
    LimitRequested,
    LimitGranted,
    LimitDenied,
    LimitsReset,
    UserCreated,
    UserEdited,
    UserDeleted,
    UserReset,
    PasswordSet,
    TotpEnrolled,
    TotpRemoved,
    TokenCreated,
    TokenRevoked,
    AccessKeyCreated,
    AccessKeyEdited,
    AccessKeyDeleted,
    LoggedIn,
    LoginRefused,
    LoggedOut,
    SessionEnded,
    Verified,
    VerificationRefused,
    EnvoyDismissed,
    FirstStart,
    Restored,
}

impl AuditAction {
    /// The text that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyCreated => "key.created",
            Self::KeyImported => "key.imported",
            Self::KeyEdited => "key.edited",
            Self::KeyRevealed => "key.revealed",
            Self::KeyLookedUp => "key.looked_up",
            Self::KeyRotated => "key.rotated",
            Self::KeyReset => "key.reset",
            Self::GraceEnded => "key.grace_ended",
            Self::KeyDeleted => "key.deleted",
            Self::MasterKeyRotated => "master_key.rotated",
            Self::CatalogSet => "catalog.set",
            Self::CatalogRemoved => "catalog.removed",
            Self::CatalogImported => "catalog.imported",
            Self::AccountCreated => "account.created",
            Self::AccountEdited => "account.edited",
            Self::AccountDeleted => "account.deleted",
            Self::RegionCreated => "region.created",
            Self::RegionEdited => "region.edited",
            Self::RegionDeleted => "region.deleted",
            Self::LimitRequested => "limit.requested",
            Self::LimitGranted => "limit.granted",
            Self::LimitDenied => "limit.denied",
            Self::LimitsReset => "limits.reset",
            Self::UserCreated => "user.created",
            Self::UserEdited => "user.edited",
            Self::UserDeleted => "user.deleted",
            Self::UserReset => "user.reset",
            Self::PasswordSet => "user.password_set",
            Self::TotpEnrolled => "user.totp_enrolled",
            Self::TotpRemoved => "user.totp_removed",
            Self::TokenCreated => "token.created",
            Self::TokenRevoked => "token.revoked",
            Self::AccessKeyCreated => "access_key.created",
            Self::AccessKeyEdited => "access_key.edited",
            Self::AccessKeyDeleted => "access_key.deleted",
            Self::LoggedIn => "session.logged_in",
            Self::LoginRefused => "session.refused",
            Self::LoggedOut => "session.logged_out",
            Self::SessionEnded => "session.ended",
            Self::Verified => "verification.given",
            Self::VerificationRefused => "verification.refused",
            Self::EnvoyDismissed => "envoy.dismissed",
            Self::FirstStart => "installation.first_start",
            Self::Restored => "installation.restored",
        }
    }
}

// === impl Actor ===

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Token(id) => write!(f, "token:{id}"),
            Self::AccessKey(id) => write!(f, "access_key:{id}"),
            Self::System => f.write_str("system"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

// === impl AuditAction ===

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
