//! The whole table of one region, for whoever has only the place of the database.
//!
//! Does not make frames. Invariant: position and keys are of one moment, also while a sidecar
//! changes them.

use keytable::{Epoch, Generation};

use crate::domain::clock::UnixMillis;
use crate::domain::region::RegionId;
use crate::domain::table_entry::TableEntry;
use crate::store::error::OpenError;
use crate::store::feed::changes;
use crate::store::{StorePlace, inspection, position, tenancy};

/// Gives all that the table of a region has, in the database at `place`, to `each`, with limits as they are
/// used `now`; answers of which position it is, `None` if there is no such region.
pub fn read_table(
    place: &StorePlace,
    region: &RegionId,
    now: UnixMillis,
    each: impl FnMut(TableEntry),
) -> Result<Option<(Epoch, Generation)>, OpenError> {
    let read = inspection::inspect(place, |connection| {
        if !tenancy::region_exists(connection, region)? {
            return Ok(None);
        }
        let position = position(connection);
        changes::every_entry(connection, region, now, each)?;
        Ok(Some(position))
    });
    read?.transpose()
}
