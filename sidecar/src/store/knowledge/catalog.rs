//! The catalogs of all regions.
//!
//! Does not say who may call what. Invariant: a catalog has at most [`CATALOG_ENTRIES_MAX`]
//! entries, and each change of it has its audit row.

use keytable::Scope;
use serde_json::json;

use crate::domain::act::Act;
use crate::domain::audit::AuditAction;
use crate::domain::catalog::{CATALOG_ENTRIES_MAX, Catalog, CatalogEntry, ResourceName};
use crate::domain::region::RegionId;
use crate::store::error::StoreError;
use crate::store::row::{Columns, integer, json_list, list, millis};
use crate::store::sql::{self, Connection, OptionalExtension, Row, ToValue, params};
use crate::store::{Store, audit, tenancy};

const COLUMNS: &str = "name, display_name, aliases, created_at, updated_at, revision";
const FULL: &str = "the region's catalog has as many entries as it may have: remove some first";

/// Which entries of a catalog are shown.
#[derive(Clone, Debug, Default)]
pub struct CatalogFilter {
    /// Of this kind only: `model` or `service`.
    pub kind: Option<&'static str>,
    /// Behind this name only.
    pub after: Option<String>,
}

impl Store {
    /// At most `limit` entries of a region's catalog, by name.
    pub fn catalog(
        &self,
        region: &RegionId,
        filter: &CatalogFilter,
        limit: usize,
    ) -> Result<Vec<CatalogEntry>, StoreError> {
        self.read(|connection| {
            tenancy::require_region(connection, region)?;
            let of_kind = filter.kind.map_or("", |_| " AND kind = ?4");
            let sql = format!(
                "SELECT {COLUMNS} FROM catalog WHERE region = ?1 AND name > ?2{of_kind} \
                 ORDER BY name LIMIT ?3"
            );
            let after = filter.after.as_deref().unwrap_or_default();
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut values = vec![region.as_str().value(), after.value(), limit.into()];
            values.extend(filter.kind.as_ref().map(ToValue::value));
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map(values, entry)?)
        })
    }

    /// The names of a region's catalog.
    pub fn catalog_names(&self, region: &RegionId) -> Result<Catalog, StoreError> {
        self.read(|connection| names(connection, region))
    }

    /// One entry of a catalog.
    pub fn catalog_entry(
        &self,
        region: &RegionId,
        name: &ResourceName,
    ) -> Result<CatalogEntry, StoreError> {
        self.read(|connection| {
            find(connection, region, name)?.ok_or(StoreError::Unknown("catalog entry"))
        })
    }

    /// Adds an entry, or changes the one of this name; `revisions`: only in one of these.
    pub fn set_catalog_entry(
        &self,
        region: &RegionId,
        new: CatalogEntry,
        revisions: Option<&[u64]>,
        act: &Act,
    ) -> Result<CatalogEntry, StoreError> {
        self.write(|connection| {
            tenancy::require_region(connection, region)?;
            let before = find(connection, region, &new.name)?;
            check_revision(before.as_ref(), revisions)?;
            let entry = put(connection, region, new, before)?;
            require_room(connection, region)?;
            let detail = json!({
                "display_name": entry.display_name,
                "aliases": entry.aliases.iter().map(ResourceName::as_str).collect::<Vec<_>>(),
            });
            let target = format!("{region}/{}", entry.name);
            let done = act.entry(AuditAction::CatalogSet, None, &target, detail);
            audit::append(connection, &done)?;
            Ok(entry)
        })
    }

    /// Removes an entry. Scopes that name it stay as they are.
    pub fn remove_catalog_entry(
        &self,
        region: &RegionId,
        name: &ResourceName,
        revisions: Option<&[u64]>,
        act: &Act,
    ) -> Result<(), StoreError> {
        self.write(|connection| {
            let before = find(connection, region, name)?;
            let before = before.ok_or(StoreError::Unknown("catalog entry"))?;
            check_revision(Some(&before), revisions)?;
            connection
                .prepare_cached("DELETE FROM catalog WHERE region = ?1 AND name = ?2")?
                .execute([region.as_str(), name.as_str()])?;
            let target = format!("{region}/{name}");
            let detail = json!({"display_name": before.display_name});
            let done = act.entry(AuditAction::CatalogRemoved, None, &target, detail);
            audit::append(connection, &done)
        })
    }

    /// Adds those of `entries` that are not there yet; answers how many that were.
    pub fn import_catalog(
        &self,
        region: &RegionId,
        entries: Vec<CatalogEntry>,
        act: &Act,
    ) -> Result<usize, StoreError> {
        self.write(|connection| {
            tenancy::require_region(connection, region)?;
            let mut added = 0;
            for entry in entries {
                if find(connection, region, &entry.name)?.is_none() {
                    put(connection, region, entry, None)?;
                    added += 1;
                }
            }
            require_room(connection, region)?;
            let detail = json!({"added": added});
            let done = act.entry(AuditAction::CatalogImported, None, region.as_str(), detail);
            audit::append(connection, &done)?;
            Ok(added)
        })
    }
}

/// Refuses a scope that names what is not in the region's catalog.
pub(crate) fn require_listed(
    connection: &Connection,
    region: &RegionId,
    scope: &Scope,
) -> Result<(), StoreError> {
    if scope.models.entries().is_empty() && scope.services.entries().is_empty() {
        return Ok(());
    }
    let unlisted = names(connection, region)?.unlisted(scope);
    if unlisted.is_empty() {
        Ok(())
    } else {
        Err(StoreError::Unlisted(unlisted))
    }
}

fn names(connection: &Connection, region: &RegionId) -> Result<Catalog, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT name FROM catalog WHERE region = ?1 ORDER BY name")?;
    let names = statement.query_map([region.as_str()], |row| {
        Columns::new(row, 0).read(|text: String| ResourceName::parse(&text).ok())
    })?;
    Ok(Catalog::of(names))
}

fn find(
    connection: &Connection,
    region: &RegionId,
    name: &ResourceName,
) -> Result<Option<CatalogEntry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM catalog WHERE region = ?1 AND name = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row([region.as_str(), name.as_str()], entry);
    Ok(found.optional()?)
}

fn entry(row: &Row<'_>) -> sql::Result<CatalogEntry> {
    let mut columns = Columns::new(row, 0);
    let aliases = |text: String| {
        let aliases = list(&text)?.into_iter();
        aliases
            .map(|alias| ResourceName::parse(&alias).ok())
            .collect()
    };
    Ok(CatalogEntry {
        name: columns.read(|text: String| ResourceName::parse(&text).ok())?,
        display_name: columns.take()?,
        aliases: columns.read(aliases)?,
        created_at: columns.read(millis)?,
        updated_at: columns.read(millis)?,
        revision: columns.unsigned()?,
    })
}

fn put(
    connection: &Connection,
    region: &RegionId,
    new: CatalogEntry,
    before: Option<CatalogEntry>,
) -> Result<CatalogEntry, StoreError> {
    let (created_at, revision) = match before {
        Some(before) => (before.created_at, before.revision.saturating_add(1)),
        None => (new.created_at, 1),
    };
    let entry = CatalogEntry {
        created_at,
        revision,
        ..new
    };
    connection
        .prepare_cached(
            "INSERT INTO catalog (region, name, kind, display_name, aliases, created_at, \
             updated_at, revision) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
             ON CONFLICT (region, name) DO UPDATE SET kind = ?3, display_name = ?4, \
             aliases = ?5, created_at = ?6, updated_at = ?7, revision = ?8",
        )?
        .execute(params![
            region.as_str(),
            entry.name.as_str(),
            entry.name.kind(),
            entry.display_name,
            json_list(&entry.aliases),
            integer(entry.created_at.get()),
            integer(entry.updated_at.get()),
            integer(entry.revision),
        ])?;
    Ok(entry)
}

fn check_revision(
    before: Option<&CatalogEntry>,
    revisions: Option<&[u64]>,
) -> Result<(), StoreError> {
    let Some(expected) = revisions else {
        return Ok(());
    };
    match before {
        Some(entry) if expected.contains(&entry.revision) => Ok(()),
        _ => Err(StoreError::Stale),
    }
}

fn require_room(connection: &Connection, region: &RegionId) -> Result<(), StoreError> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM catalog WHERE region = ?1")?
        .query_row([region.as_str()], |row| row.get(0))?;
    let fits = usize::try_from(count).is_ok_and(|count| count <= CATALOG_ENTRIES_MAX);
    fits.then_some(()).ok_or(StoreError::Conflict(FULL))
}

#[cfg(test)]
mod tests;
