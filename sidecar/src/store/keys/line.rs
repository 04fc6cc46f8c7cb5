//! The line of a key: it, the key that it replaced, the one that replaces it. They share their limits.
//!
//! Does not rotate. Invariant: the keys of a line have one subject, which outlives the first of them.

use keytable::{KeyId, LimitSubject};

use crate::domain::key::Key;
use crate::store::error::StoreError;
use crate::store::feed::changes::ChangeEntry;
use crate::store::feed::told;
use crate::store::row::{Columns, integer};
use crate::store::sql::{Connection, OptionalExtension, params};

/// Whose limits a key has.
pub(super) fn subject_of(connection: &Connection, id: &KeyId) -> Result<KeyId, StoreError> {
    connection
        .prepare_cached("SELECT subject FROM keys WHERE id = ?1")?
        .query_row([id.as_str()], |row| {
            Columns::new(row, 0).read(|text: String| KeyId::parse(&text).ok())
        })
        .optional()?
        .ok_or(StoreError::NotFound)
}

/// The limits of a key were changed: so were those of the others of its line. Gives the changes of all.
pub(super) fn touch_others(
    connection: &Connection,
    key: &Key,
) -> Result<Vec<ChangeEntry>, StoreError> {
    connection
        .prepare_cached(
            "UPDATE keys SET revision = revision + 1, \
             updated_at = CASE WHEN updated_at < ?3 THEN ?3 ELSE updated_at END \
             WHERE subject = ?1 AND id <> ?2",
        )?
        .execute(params![
            key.subject.as_str(),
            key.id.as_str(),
            integer(key.updated_at.get())
        ])?;
    told::of_subject(connection, &LimitSubject::Key(key.subject.clone()))
}
