//! Regions: made, found, listed, changed, deleted.
//!
//! Does not know the catalog of one, but that it ends with it. Invariant: a region goes only when no key is in
//! it.

use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};

use keytable::Status;

use crate::domain::audit::AuditEntry;
use crate::domain::region::{Region, RegionId};
use crate::domain::status::status_word;
use crate::store::error::StoreError;
use crate::store::feed::told;
use crate::store::idempotency::{Idempotent, IdempotentCall};
use crate::store::pagination::require_revision;
use crate::store::row::{Columns, integer};
use crate::store::sql::{self, Connection, OptionalExtension, Row, params};
use crate::store::{Store, Stored, audit, tenancy};

const COLUMNS: &str = "id, status, created_at, updated_at, revision";

const STILL_HAS_KEYS: &str = "the region still has keys: delete these first";

/// Regions that exist, as far as somebody has looked.
#[derive(Debug, Default)]
pub(super) struct KnownRegions {
    ids: BTreeSet<RegionId>,
    /// How many were deleted since the start.
    deletions: u64,
}

impl Store {
    /// Makes a region.
    pub fn insert_region(
        &self,
        id: &RegionId,
        once: Option<&IdempotentCall>,
        entry: &AuditEntry,
    ) -> Result<Idempotent<Region>, StoreError> {
        self.make_once(once, entry, |transaction| {
            if tenancy::region_exists(transaction, id)? {
                return Err(StoreError::Taken("id"));
            }
            tenancy::seed_region(transaction, id, entry.at)?;
            find(transaction, id)
        })
    }

    /// Finds a region.
    pub fn region(&self, id: &RegionId) -> Result<Region, StoreError> {
        self.read(|connection| find(connection, id))
    }

    /// Every region, by id.
    pub fn all_regions(&self) -> Result<Vec<Region>, StoreError> {
        self.read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM regions ORDER BY id");
            Ok(connection
                .prepare_cached(&sql)?
                .query_map(params![], read)?)
        })
    }

    /// Whether it is known without a look that there is such a region.
    pub fn knows_region(&self, id: &RegionId) -> bool {
        self.known_regions().ids.contains(id)
    }

    /// Refuses a region that does not exist; what does is known from then on.
    pub fn require_region(&self, id: &RegionId) -> Result<(), StoreError> {
        let deletions = self.known_regions().deletions;
        self.read(|connection| tenancy::require_region(connection, id))?;
        let mut known = self.known_regions();
        // A region that went since the look would be known for ever.
        if known.deletions == deletions {
            known.ids.insert(id.clone());
        }
        Ok(())
    }

    /// Held for an instant only: every request of an agent looks.
    fn known_regions(&self) -> MutexGuard<'_, KnownRegions> {
        let known = self.0.known_regions.lock();
        known.unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a region that has one of these revisions: with its status, the record of each of its keys.
    pub fn edit_region(
        &self,
        id: &RegionId,
        revisions: Option<&[u64]>,
        status: Option<Status>,
        entry: &AuditEntry,
    ) -> Result<Stored<Region>, StoreError> {
        self.change(|transaction| {
            let region = meant(transaction, id, revisions)?;
            let Some(status) = status.filter(|status| *status != region.status) else {
                return Ok((region, Vec::new()));
            };
            transaction.execute(
                "UPDATE regions SET status = ?2, updated_at = CASE WHEN updated_at < ?3 THEN ?3 \
                 ELSE updated_at END, revision = revision + 1 WHERE id = ?1",
                params![id.as_str(), status_word(status), integer(entry.at.get())],
            )?;
            audit::append(transaction, entry)?;
            let changes = told::of_region(transaction, id)?;
            Ok((find(transaction, id)?, changes))
        })
    }

    /// Deletes a region without keys that has one of these revisions, with its catalog. Whether an Envoy may
    /// still serve it the fleet knows.
    pub fn delete_region(
        &self,
        id: &RegionId,
        revisions: Option<&[u64]>,
        entry: &AuditEntry,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            meant(transaction, id, revisions)?;
            let keys = "SELECT 1 FROM keys WHERE region = ?1";
            if transaction.prepare_cached(keys)?.exists([id.as_str()])? {
                return Err(StoreError::Conflict(STILL_HAS_KEYS));
            }
            transaction.execute("DELETE FROM catalog WHERE region = ?1", [id.as_str()])?;
            transaction.execute("DELETE FROM regions WHERE id = ?1", [id.as_str()])?;
            audit::append(transaction, entry)
        })?;
        let mut known = self.known_regions();
        known.deletions += 1;
        known.ids.remove(id);
        Ok(())
    }
}

/// The region that is meant, if it is in one of these states.
fn meant(
    connection: &Connection,
    id: &RegionId,
    revisions: Option<&[u64]>,
) -> Result<Region, StoreError> {
    let region = find(connection, id)?;
    require_revision(revisions, region.revision)?;
    Ok(region)
}

fn find(connection: &Connection, id: &RegionId) -> Result<Region, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM regions WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let region = statement.query_row([id.as_str()], read).optional()?;
    region.ok_or(StoreError::Unknown("region"))
}

fn read(row: &Row<'_>) -> sql::Result<Region> {
    let mut columns = Columns::new(row, 0);
    Ok(Region {
        id: columns.read(|text: String| RegionId::parse(&text).ok())?,
        status: columns.status()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        revision: columns.unsigned()?,
    })
}
