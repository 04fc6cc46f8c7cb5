//! The sealed values of keys: taken out for the one who may see them.
//!
//! Does not open them. Invariant: a value is handed out only together with a committed audit row
//! that says to whom.

use crate::domain::act::Act;
use crate::domain::audit::AuditAction;
use crate::domain::key::Key;
use crate::domain::key_detail;
use crate::domain::secrets::sealed::{SealContext, Sealed};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::lifecycle::{self, Target, note};
use crate::store::sql::OptionalExtension;

/// The table and the column of a key's sealed value.
const PLACE: (&str, &str) = ("keys", "sealed");

/// Where the value of a key is sealed for.
pub fn place(id: &str, key_version: u32) -> SealContext<'_> {
    let (table, column) = PLACE;
    SealContext {
        table,
        row: id,
        column,
        key_version,
    }
}

impl Store {
    /// Whether a value could be revealed, so that nothing is spent on one that cannot. A name that
    /// is given as confirmation must be the key's.
    pub fn check_reveal(&self, target: &Target, confirm: Option<&str>) -> Result<(), StoreError> {
        let key = self.get(target)?;
        if confirm.is_some() {
            lifecycle::check_confirmed(&key, confirm)?;
        }
        key.recoverable
            .then_some(())
            .ok_or(StoreError::NotRecoverable)
    }

    /// The sealed value of a key, for `act` to reveal it.
    pub fn reveal(&self, target: &Target, act: &Act) -> Result<(Key, Sealed), StoreError> {
        self.write(|connection| {
            let key = lifecycle::find(connection, target)?;
            let sealed: Option<Option<Vec<u8>>> = connection
                .prepare_cached("SELECT sealed FROM keys WHERE id = ?1")?
                .query_row([key.id.as_str()], |row| row.get(0))
                .optional()?;
            let sealed = sealed.flatten().ok_or(StoreError::NotRecoverable)?;
            let detail = key_detail::named(&key);
            note(connection, act, AuditAction::KeyRevealed, &key, detail)?;
            Ok((key, Sealed::from_bytes(sealed)))
        })
    }
}
