//! An act: who does something, from where, when. Each change is written down with the one it is.
//!
//! Does not say what is done. Invariant: what one act changes has one time, that of the act.

use std::net::IpAddr;

use keytable::AccountId;
use serde_json::Value;

use crate::domain::audit::{Actor, AuditAction, AuditEntry};
use crate::domain::clock::UnixMillis;

/// Somebody does something.
#[derive(Clone, Debug)]
pub struct Act {
    /// Who.
    pub actor: Actor,
    /// From where; `None` for what needs no network.
    pub address: Option<IpAddr>,
    /// When.
    pub at: UnixMillis,
}

impl Act {
    /// What is written down of it; `detail` is an object and holds no secret.
    pub fn entry(
        &self,
        action: AuditAction,
        account: Option<&AccountId>,
        target: &str,
        detail: Value,
    ) -> AuditEntry {
        AuditEntry {
            at: self.at,
            actor: self.actor.clone(),
            address: self.address,
            account: account.cloned(),
            action,
            target: target.into(),
            detail,
        }
    }
}
