//! The operator's credential: only its hash is here.
//!
//! Does not mint or compare it. Invariant: it is set once, when there is none.

use keytable::KeyHash;

use crate::store::Store;
use crate::store::error::StoreError;

impl Store {
    /// The hash of the operator's credential; `None` before the first start is over.
    pub fn operator_hash(&self) -> Result<Option<KeyHash>, StoreError> {
        self.read(|connection| {
            let hash: Option<[u8; KeyHash::BYTES]> =
                connection.query_row("SELECT operator_hash FROM meta", [], |row| row.get(0))?;
            Ok(hash.map(KeyHash::from_bytes))
        })
    }

    /// Sets the operator's credential, if there is none.
    pub fn set_operator_hash(&self, hash: &KeyHash) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE meta SET operator_hash = ?1 WHERE operator_hash IS NULL",
                [hash.as_bytes()],
            )?;
            Ok(())
        })
    }
}
