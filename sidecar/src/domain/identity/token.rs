//! An API token: how a script proves who it is.
//!
//! Does not hold its value, only the hash of it. Invariant: a token without an account is an
//! operator's; its capabilities never change.

use keytable::{AccountId, KeyHash};

use crate::domain::clock::UnixMillis;
use crate::domain::identity::role::{Capabilities, Role};
use crate::domain::name::KeyName;

/// A stored token.
#[derive(Clone, Debug)]
pub struct ApiToken {
    /// Its public handle.
    pub id: String,
    /// The hash of its value.
    pub hash: KeyHash,
    /// Where it may act; `None`: in every account.
    pub account: Option<AccountId>,
    /// What it is called.
    pub name: KeyName,
    /// What it may do.
    pub capabilities: Capabilities,
    /// Who made it.
    pub creator: String,
    /// The id of the user who made it and with whom it dies.
    pub user: Option<String>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// From when on it is refused; `None` = never.
    pub expires_at: Option<UnixMillis>,
}

impl ApiToken {
    /// The role that its account gives it.
    pub const fn role(&self) -> Role {
        match self.account {
            None => Role::Operator,
            Some(_) => Role::Owner,
        }
    }

    /// Whether it may still be used.
    pub fn is_live(&self, now: UnixMillis) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}
