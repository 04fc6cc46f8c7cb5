//! Which file a database lives in, so that a copy of it finds out that it is one.
//!
//! Every start draws a mark, which is kept in the database and in the lock file beside it: a
//! database that is put back over its own file has an older one. Does not see copies of a whole
//! disk, machine or directory. Invariant: a database that was opened before, in another file or
//! before the last start, is a new history before anything else is done with it, so that no Envoy
//! takes a change of the one for a change of the other. A crash leaves it at home.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::domain::secrets::entropy;
use crate::store::error::OpenError;
use crate::store::file::directory::{DataDirectory, at};

/// The mark of a database that was never opened by a program that draws marks.
const NO_MARK: &str = "00000000000000000000000000000000";
/// The home of a backup: no file has it.
const NOWHERE: &str = "backup";

/// Notes where the database is; whether it had been somewhere else and is a new history now.
pub(crate) fn settle(
    connection: &mut Connection,
    directory: &DataDirectory,
) -> Result<bool, OpenError> {
    let file = file_of(&directory.database())?;
    let mark = new_mark()?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let home: Option<String> =
        transaction.query_row("SELECT home FROM meta", [], |row| row.get(0))?;
    let marks = directory.marks()?;
    let earlier = home
        .as_deref()
        .and_then(|home| mark_at_home(home, &file, &marks));
    let was_copied = home.is_some() && earlier.is_none();
    if was_copied {
        let epoch = entropy::new_epoch().map_err(|_| OpenError::Entropy)?;
        let renewed = "UPDATE meta SET epoch = ?1";
        transaction.execute(renewed, [epoch.as_bytes().as_slice()])?;
        transaction.execute("UPDATE envoys SET generation = NULL", [])?;
    }
    // Until the new mark is in the database, the earlier one is good, too.
    directory.set_marks([earlier.unwrap_or(&mark), &mark])?;
    transaction.execute("UPDATE meta SET home = ?1", [format!("{file}:{mark}")])?;
    transaction.commit()?;
    directory.set_marks([&mark, &mark])?;
    Ok(was_copied)
}

/// Makes a copy one that is at home nowhere. One of an old schema does not know of homes.
pub(crate) fn leave(copy: Connection) -> Result<(), OpenError> {
    let column = "SELECT 1 FROM pragma_table_info('meta') WHERE name = 'home'";
    let knows: Option<i64> = copy.query_row(column, [], |row| row.get(0)).optional()?;
    if knows.is_some() {
        copy.execute("UPDATE meta SET home = ?1", [NOWHERE])?;
    }
    copy.close().map_err(|(_, error)| error.into())
}

/// The mark of a database whose `home` is this `file`, beside a lock file with these `marks`; `None`
/// if it is a copy.
fn mark_at_home<'h>(home: &'h str, file: &str, marks: &str) -> Option<&'h str> {
    let mut parts = home.split(':');
    let (number, made_ns) = (parts.next()?, parts.next()?);
    let mark = parts.next().unwrap_or(NO_MARK);
    let (number_here, made_ns_here) = file.split_once(':')?;
    let is_known = |made_ns: &str| made_ns != "0";
    let is_same_file = number == number_here
        && (made_ns == made_ns_here || !(is_known(made_ns) && is_known(made_ns_here)));
    let is_newest = match marks.is_empty() {
        true => mark == NO_MARK,
        false => marks.lines().any(|other| other == mark),
    };
    (is_same_file && is_newest).then_some(mark)
}

/// The number of a file and when it was made: a copy has others, a file that was renamed the same,
/// also after its machine was started anew. A file system that does not keep the time has 0.
fn file_of(path: &Path) -> Result<String, OpenError> {
    let metadata = path.metadata().map_err(at(path))?;
    let made = metadata.created().ok();
    let made = made.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let made_ns = made.map_or(0, |since| since.as_nanos());
    Ok(format!("{}:{made_ns}", metadata.ino()))
}

/// A mark, as long as any other.
fn new_mark() -> Result<String, OpenError> {
    let mut bytes = [0; 16];
    entropy::fill(&mut bytes).map_err(|_| OpenError::Entropy)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests;
