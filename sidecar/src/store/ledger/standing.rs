//! How the limits of a key or an account stand, and new counters for them.
//!
//! Invariant: limits, sums and the generation of a reset are of one transaction.

use keytable::{AccountId, LimitSubject, RecordedLimit};
use serde_json::json;

use crate::domain::act::Act;
use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::limit::CountedLimits;
use crate::domain::region::RegionId;
use crate::store::error::StoreError;
use crate::store::feed::told;
use crate::store::keys::lifecycle::{self, Target};
use crate::store::limits::{figures, subjects};
use crate::store::sql::Connection;
use crate::store::{Store, Stored, audit, tenancy};

const NO_LIMITS: &str = "there are no limits whose counters could begin anew";

/// Whose limits are meant.
#[derive(Clone, Debug)]
pub enum LimitOwner {
    /// A key's, and so those of the keys that it replaced or that replace it.
    Key(Target),
    /// An account's.
    Account(AccountId),
}

/// The limits of a subject, and what was used of each.
#[derive(Clone, Debug)]
pub struct SubjectLimits {
    /// Whose they are.
    pub subject: LimitSubject,
    /// The key or account that was asked for.
    pub id: String,
    /// The account itself, or the key's.
    pub account: AccountId,
    /// Whose Envoys keep them; `None`: those of every region.
    pub region: Option<RegionId>,
    /// The limits.
    pub limits: CountedLimits,
    /// Each with the window of the moment and what was used in it.
    pub recorded: Vec<RecordedLimit>,
}

impl Store {
    /// How limits stand `now`.
    pub fn limits(&self, owner: &LimitOwner, now: UnixMillis) -> Result<SubjectLimits, StoreError> {
        self.read(|connection| standing(connection, owner, now))
    }

    /// Begins new counters for all limits of a key or an account.
    pub fn reset_limits(
        &self,
        owner: &LimitOwner,
        act: &Act,
    ) -> Result<Stored<SubjectLimits>, StoreError> {
        self.change(|connection| {
            let before = standing(connection, owner, act.at)?;
            if before.limits.is_empty() {
                return Err(StoreError::Conflict(NO_LIMITS));
            }
            subjects::reset(connection, &before.subject, act.at)?;
            let used: Vec<u64> = before.recorded.iter().map(|limit| limit.used).collect();
            let detail = json!({"limits": before.limits.shown(), "used": used});
            let (action, account) = (AuditAction::LimitsReset, Some(&before.account));
            audit::append(connection, &act.entry(action, account, &before.id, detail))?;
            let changes = told::of_subject(connection, &before.subject)?;
            Ok((standing(connection, owner, act.at)?, changes))
        })
    }
}

fn standing(
    connection: &Connection,
    owner: &LimitOwner,
    now: UnixMillis,
) -> Result<SubjectLimits, StoreError> {
    let (subject, id, account, region) = match owner {
        LimitOwner::Key(target) => {
            let key = lifecycle::find(connection, target)?;
            let subject = LimitSubject::Key(key.subject);
            (subject, key.id.to_string(), key.account, Some(key.region))
        }
        LimitOwner::Account(account) => {
            tenancy::require_account(connection, account)?;
            let subject = LimitSubject::Account(account.clone());
            (subject, account.to_string(), account.clone(), None)
        }
    };
    let limits = subjects::read(connection, &subject)?;
    Ok(SubjectLimits {
        recorded: figures::recorded(connection, &subject, &limits, now)?,
        subject,
        id,
        account,
        region,
        limits,
    })
}
