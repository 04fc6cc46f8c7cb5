//! The whole table of one region, for whoever has only the data directory.
//!
//! Does not make frames. Invariant: position and keys are of one moment, also while a sidecar
//! changes them.

use std::path::Path;

use keytable::{Epoch, Generation};

use crate::domain::key::Key;
use crate::domain::region::RegionId;
use crate::store::error::OpenError;
use crate::store::feed::changes;
use crate::store::file::backup;
use crate::store::position;
use crate::store::sql::Connection;

/// Gives every key of a region of the database in `data` to `each`; answers of which position they
/// are, `None` if there is no such region.
pub fn read_table(
    data: &Path,
    region: &RegionId,
    each: impl FnMut(Key),
) -> Result<Option<(Epoch, Generation)>, OpenError> {
    let connection = backup::inspect_in(data)?;
    let transaction = connection.unchecked_transaction()?;
    let transaction = Connection::Sqlite(&transaction);
    let known = transaction
        .prepare("SELECT 1 FROM regions WHERE id = ?1")?
        .exists([region.as_str()])?;
    if !known {
        return Ok(None);
    }
    let position = position(&transaction)?;
    changes::every_key(&transaction, region, each).map_err(backup::of_store)?;
    Ok(Some(position))
}
