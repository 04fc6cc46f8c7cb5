//! The whole table of one region, for whoever has only the place of the database.
//!
//! Does not make frames. Invariant: position and keys are of one moment, also while a sidecar
//! changes them.

use keytable::{Epoch, Generation};

use crate::domain::key::Key;
use crate::domain::region::RegionId;
use crate::store::error::OpenError;
use crate::store::feed::changes;
use crate::store::{StorePlace, inspection, position, tenancy};

/// Gives every key of a region of the database at `place` to `each`; answers of which position they
/// are, `None` if there is no such region.
pub fn read_table(
    place: &StorePlace,
    region: &RegionId,
    each: impl FnMut(Key),
) -> Result<Option<(Epoch, Generation)>, OpenError> {
    let read = inspection::inspect(place, |connection| {
        if !tenancy::region_exists(connection, region)? {
            return Ok(None);
        }
        let position = position(connection);
        changes::every_key(connection, region, each)?;
        Ok(Some(position))
    });
    read?.transpose()
}
