//! The record of an account: its limits, in the bucket of its hash.
//!
//! Laid out like a key's record, of a key that is disabled and may call nothing. Does not hold the
//! account's keys; theirs say that there is this one. Invariant: it never permits a request.

use alloc::vec::Vec;

use super::{FLAG_ACCOUNT, FLAG_LIMITED, Record, RecordError, RecordView, Status};
use crate::address::AddressList;
use crate::key_hash::KeyHash;
use crate::key_id::{AccountId, KeyId};
use crate::limit::{LimitSubject, RecordedLimit};
use crate::scope::{Axis, Scope};

/// The limits of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// Whose they are.
    pub account: AccountId,
    /// They; none, if it had some once.
    pub limits: Vec<RecordedLimit>,
}

impl AccountRecord {
    /// The bytes of the record; an error if [`RecordView::parse`] would refuse them.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        let nothing = Record {
            key_hash: KeyHash::of_account(&self.account),
            // What may stand in an account's id may stand in a key's.
            key_id: KeyId::parse(self.account.as_str()).map_err(|_| RecordError::Value)?,
            account: self.account.clone(),
            status: Status::Disabled,
            expires_at_unix_ms: None,
            addresses: AddressList::default(),
            scope: Scope {
                models: Axis::Listed(Vec::new()),
                services: Axis::Listed(Vec::new()),
            },
            limits: None,
            is_account_limited: false,
        };
        let limits = (self.account.as_str(), self.limits.as_slice());
        nothing.encode_with(Some(limits), FLAG_ACCOUNT)
    }
}

impl RecordView<'_> {
    /// The record of an account as the sidecar wrote it; `None` for a key's.
    pub fn to_account_record(&self) -> Option<AccountRecord> {
        match self.limits()? {
            (LimitSubject::Account(account), limits) => Some(AccountRecord { account, limits }),
            (LimitSubject::Key(_), _) => None,
        }
    }

    /// Whether an account's record has nothing of a key's.
    pub(super) fn is_of_its_kind(&self) -> bool {
        if !self.is_account() {
            return true;
        }
        let permits_nothing = self.status == Status::Disabled
            && self.flags & !FLAG_LIMITED == FLAG_ACCOUNT
            && self.models.is_empty()
            && self.services.is_empty()
            && !self.has_address_list()
            && self.expires_at_unix_ms().is_none();
        let names_one = |account: AccountId| {
            self.key_id == self.account
                && self.account == account.as_str()
                && self.key_hash == KeyHash::of_account(&account)
        };
        let record = self.to_account_record();
        permits_nothing && record.is_some_and(|record| names_one(record.account))
    }
}
