//! Which master keys may have sealed what is stored, and the passage from one to the next.
//!
//! Does not hold master keys. Invariant: a master key is noted before the first value is sealed
//! with it, and forgotten after the last; so that a ring without one of them is found out at once,
//! and a passage that was killed anywhere can be gone through again.

use serde_json::json;

use crate::domain::act::Act;
use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::secrets::keyring::Keyring;
use crate::domain::secrets::sealed::{MasterKeyId, SealContext, SealError, Sealed};
use crate::store::error::StoreError;
use crate::store::row::integer;
use crate::store::sql::{Connection, params};
use crate::store::{Store, audit};

/// Values that are sealed anew in one transaction.
const VALUES_AT_ONCE: usize = 100;

/// A column of sealed values.
struct SealedColumn {
    table: &'static str,
    /// What names the row in the value's [`SealContext`].
    row: &'static str,
    column: &'static str,
    version: &'static str,
}

/// Every column of sealed values.
const SEALED_COLUMNS: [SealedColumn; 4] = [
    SealedColumn::new("keys", "id", "sealed", "key_version"),
    SealedColumn::new("users", "id", "totp_seed", "1"),
    SealedColumn::new("access_keys", "id", "secret", "1"),
    SealedColumn::new("once", "target", "secret", "1"),
];

/// One sealed value where it stands.
struct SealedValue {
    row: String,
    key_version: u32,
    sealed: Sealed,
}

impl Store {
    /// The master keys that may have sealed something.
    pub fn master_keys(&self) -> Result<Vec<MasterKeyId>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT id FROM master_keys")?;
            Ok(statement.query_map(params![], |row| row.get(0).map(MasterKeyId::from_bytes))?)
        })
    }

    /// Notes that `id` seals from now on.
    pub fn note_master_key(&self, id: MasterKeyId, now: UnixMillis) -> Result<(), StoreError> {
        let sql = "INSERT INTO master_keys (id, first_used) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        self.write(|connection| {
            connection.execute(sql, params![id.as_bytes(), integer(now.get())])?;
            Ok(())
        })
    }

    /// Seals every value anew that is not sealed with the ring's current key; answers how many
    /// that were. May be repeated after it was interrupted.
    pub fn seal_anew(&self, ring: &Keyring, act: &Act) -> Result<u64, StoreError> {
        self.note_master_key(ring.current(), act.at)?;
        let mut total: u64 = 0;
        for place in &SEALED_COLUMNS {
            loop {
                let sealed = self.write(|connection| place.seal_some_anew(connection, ring))?;
                total = total.saturating_add(u64::try_from(sealed).unwrap_or(u64::MAX));
                if sealed < VALUES_AT_ONCE {
                    break;
                }
            }
        }
        self.write(|connection| finish(connection, ring, total, act))?;
        Ok(total)
    }
}

impl SealedColumn {
    const fn new(
        table: &'static str,
        row: &'static str,
        column: &'static str,
        version: &'static str,
    ) -> Self {
        Self {
            table,
            row,
            column,
            version,
        }
    }

    fn seal_some_anew(&self, connection: &Connection, ring: &Keyring) -> Result<usize, StoreError> {
        let found = self.sealed_with_others(connection, ring.current())?;
        for value in &found {
            let context = SealContext {
                table: self.table,
                row: &value.row,
                column: self.column,
                key_version: value.key_version,
            };
            let opened = ring.open(&context, &value.sealed)?;
            let anew = ring.seal(&context, opened.as_bytes())?;
            self.replace(connection, value, &anew)?;
        }
        Ok(found.len())
    }

    fn sealed_with_others(
        &self,
        connection: &Connection,
        current: MasterKeyId,
    ) -> Result<Vec<SealedValue>, StoreError> {
        let Self {
            table,
            row,
            column,
            version,
        } = self;
        let sql = format!(
            "SELECT {row}, {version}, {column} FROM {table} WHERE {column} IS NOT NULL \
             AND (substr({column}, 2, 8) < ?1 OR substr({column}, 2, 8) > ?1) LIMIT ?2"
        );
        let limit = i64::try_from(VALUES_AT_ONCE).unwrap_or(i64::MAX);
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(
            statement.query_map(params![current.as_bytes(), limit], |row| {
                Ok(SealedValue {
                    row: row.get(0)?,
                    key_version: row.get(1)?,
                    sealed: Sealed::from_bytes(row.get(2)?),
                })
            })?,
        )
    }

    /// Only the very value that was read is replaced.
    fn replace(
        &self,
        connection: &Connection,
        value: &SealedValue,
        anew: &Sealed,
    ) -> Result<(), StoreError> {
        let Self {
            table, row, column, ..
        } = self;
        let sql = format!("UPDATE {table} SET {column} = ?1 WHERE {row} = ?2 AND {column} = ?3");
        let replaced = connection.prepare_cached(&sql)?.execute(params![
            anew.as_bytes(),
            value.row,
            value.sealed.as_bytes()
        ])?;
        if replaced == 0 {
            return Err(StoreError::Sealed(SealError::Damaged));
        }
        Ok(())
    }
}

/// Writes down that all is sealed with one key, and forgets the others.
fn finish(
    connection: &Connection,
    ring: &Keyring,
    total: u64,
    act: &Act,
) -> Result<(), StoreError> {
    let current = ring.current();
    connection
        .prepare_cached("DELETE FROM master_keys WHERE id <> ?1")?
        .execute([current.as_bytes()])?;
    let detail = json!({"values": total});
    let target = current.to_string();
    let entry = act.entry(AuditAction::MasterKeyRotated, None, &target, detail);
    audit::append(connection, &entry)
}

#[cfg(test)]
mod tests;
