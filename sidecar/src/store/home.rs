//! Which file a database lives in, so that a copy of it finds out that it is one.
//!
//! Does not see copies of a whole disk or machine. Invariant: a database that was opened before, in
//! another file, is a new history before anything else is done with it, so that no Envoy takes a
//! change of the one for a change of the other.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use rusqlite::{Connection, TransactionBehavior, params};

use crate::domain::entropy;
use crate::store::directory::at;
use crate::store::error::OpenError;

/// Notes where the database is; whether it had been somewhere else and is a new history now.
pub(super) fn settle(connection: &mut Connection, database: &Path) -> Result<bool, OpenError> {
    let here = file_of(database)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let home: Option<String> =
        transaction.query_row("SELECT home FROM meta", [], |row| row.get(0))?;
    if home.as_ref() == Some(&here) {
        return Ok(false);
    }
    let was_copied = home.is_some();
    if was_copied {
        let epoch = entropy::new_epoch().map_err(|_| OpenError::Entropy)?;
        let renewed = "UPDATE meta SET epoch = ?1";
        transaction.execute(renewed, [epoch.as_bytes().as_slice()])?;
        transaction.execute("UPDATE envoys SET generation = NULL", [])?;
    }
    transaction.execute("UPDATE meta SET home = ?1", params![here])?;
    transaction.commit()?;
    Ok(was_copied)
}

/// The number of a file and when it was made: a copy has others, a file that was renamed the same,
/// also after its machine was started anew. A file system that does not keep the time has the number.
fn file_of(path: &Path) -> Result<String, OpenError> {
    let metadata = path.metadata().map_err(at(path))?;
    let made = metadata.created().ok();
    let made = made.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let made_ns = made.map_or(0, |since| since.as_nanos());
    Ok(format!("{}:{made_ns}", metadata.ino()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::store::fixture::Scratch;

    #[test]
    fn a_copy_is_a_new_history_once_and_a_file_that_was_moved_is_the_same() {
        let (original, copy) = (Scratch::new(), Scratch::new());
        let epoch = original.open().epoch();
        fs::create_dir_all(&copy.0).unwrap();
        fs::copy(original.database(), copy.database()).unwrap();
        let copied = copy.open();
        assert!(copied.was_copied());
        assert_ne!(copied.epoch(), epoch);
        let its_epoch = copied.epoch();
        drop(copied);
        let again = copy.open();
        assert!(!again.was_copied());
        assert_eq!(again.epoch(), its_epoch);
        let (old, aside) = (original.database(), original.0.join("aside.db"));
        fs::rename(&old, &aside).unwrap();
        fs::rename(&aside, &old).unwrap();
        let moved = original.open();
        assert!(!moved.was_copied());
        assert_eq!(moved.epoch(), epoch);
    }
}
