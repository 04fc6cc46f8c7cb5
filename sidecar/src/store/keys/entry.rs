//! Keys as their records in the key table have them.
//!
//! Invariant: key, limits and what was used of them are of one moment.

use keytable::LimitSubject;

use crate::domain::clock::UnixMillis;
use crate::domain::key::Key;
use crate::domain::table_entry::KeyEntry;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::lifecycle::{self, Target};
use crate::store::limits::{figures, subjects};
use crate::store::sql::Connection;
use crate::store::tenancy;

impl Store {
    /// These keys, each as its record has it that is made `now`.
    pub fn key_entries(
        &self,
        keys: Vec<Key>,
        now: UnixMillis,
    ) -> Result<Vec<KeyEntry>, StoreError> {
        self.read(|connection| {
            let entries = keys.into_iter().map(|key| entry(connection, key, now));
            entries.collect()
        })
    }

    /// A key as its record has it that is made `now`.
    pub fn key_entry(&self, target: &Target, now: UnixMillis) -> Result<KeyEntry, StoreError> {
        self.read(|connection| {
            let key = lifecycle::find(connection, target)?;
            entry(connection, key, now)
        })
    }
}

fn entry(connection: &Connection, key: Key, now: UnixMillis) -> Result<KeyEntry, StoreError> {
    let subject = LimitSubject::Key(key.subject.clone());
    Ok(KeyEntry {
        limits: figures::recorded(connection, &subject, &key.limits, now)?,
        is_account_limited: subjects::is_account_limited(connection, &key.account)?,
        is_switched_off: tenancy::is_switched_off(connection, &key.id)?,
        key: Box::new(key),
    })
}
