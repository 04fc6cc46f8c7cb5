//! Copies of the database: made while it is in use, put in place as a new history.
//!
//! Does not copy master keys: those are elsewhere on purpose. Invariant: a copy is there whole or
//! not at all; what was deleted or revoked in the database that a copy replaces stays so.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::audit::AuditEntry;
use crate::domain::secrets::entropy;
use crate::store::audit::{self, AuditFinding};
use crate::store::error::{OpenError, of_store};
use crate::store::file::connect;
use crate::store::file::copies;
use crate::store::file::directory::{self, DataDirectory};
use crate::store::file::migrate;
use crate::store::sql;

/// What became of what was deleted since the copy was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarriedOver {
    /// There was no database of this installation in the directory.
    Nothing,
    /// The keys that were deleted since are deleted in the copy too: so many.
    Deletions(u64),
    /// The database could not be read: check which keys, tokens and users the copy brings back.
    Unreadable,
}

/// Copies the database in `data` to the new file `to`, also while a sidecar uses it.
pub fn backup(data: &Path, to: &Path) -> Result<(), OpenError> {
    let source = inspect_in(data)?;
    if exists(to)? {
        return Err(OpenError::Exists(to.into()));
    }
    let draft = with_suffix(to, ".new");
    copy(&source, &draft)?;
    copies::leave(connect::writable(&draft)?)?;
    check_whole(&draft)?;
    directory::sync(&draft)?;
    fs::rename(&draft, to).map_err(directory::at(to))?;
    match to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => directory::sync(parent),
        None => directory::sync(Path::new(".")),
    }
}

/// Puts the copy `from` in place in `data`, where no sidecar may be running. The database that was
/// there stays beside it, with `.replaced` behind its name.
pub fn restore(data: &Path, from: &Path, entry: &AuditEntry) -> Result<CarriedOver, OpenError> {
    let directory = DataDirectory::open(data)?;
    let source = connect::inspect(from)?;
    check_whole(from)?;
    let database = directory.database();
    let old = exists(&database)?.then_some(database.as_path());
    let mut carried = CarriedOver::Nothing;
    directory.prepare_database(|draft| {
        copy(&source, draft)?;
        let mut copied = connect::writable(draft)?;
        migrate::migrate(&mut copied)?;
        carried = renew(&copied, old, entry)?;
        copied.close().map_err(|(_, error)| error.into())
    })?;
    put_away(&database)?;
    directory.place_prepared()?;
    Ok(carried)
}

/// A connection that only reads, to the database in a data directory that a sidecar may be using.
pub(crate) fn inspect_in(data: &Path) -> Result<Connection, OpenError> {
    let database = directory::database_in(data);
    if !exists(&database)? {
        return Err(OpenError::Missing(database));
    }
    connect::inspect(&database)
}

/// Copies without free pages, so that nothing that was deleted goes along.
fn copy(source: &Connection, to: &Path) -> Result<(), OpenError> {
    directory::remove_if_there(to).map_err(directory::at(to))?;
    directory::private_file(to).map_err(directory::at(to))?;
    source.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

fn check_whole(copy: &Path) -> Result<(), OpenError> {
    let connection = connect::inspect(copy)?;
    let finding: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if finding != "ok" {
        return Err(OpenError::Broken(copy.into(), finding));
    }
    match audit::verify(&sql::Connection::Sqlite(&connection)).map_err(of_store)? {
        AuditFinding::Whole { .. } => Ok(()),
        AuditFinding::Broken { seq } => Err(OpenError::Tampered(copy.into(), seq)),
        AuditFinding::Shortened { found, .. } => Err(OpenError::Tampered(copy.into(), found + 1)),
    }
}

/// Makes a copy a history of its own, in which nobody is logged in.
fn renew(
    copied: &Connection,
    old: Option<&Path>,
    entry: &AuditEntry,
) -> Result<CarriedOver, OpenError> {
    let epoch = entropy::new_epoch().map_err(|_| OpenError::Entropy)?;
    let transaction = copied.unchecked_transaction()?;
    let renewed = "UPDATE meta SET epoch = ?1, home = NULL";
    transaction.execute(renewed, [epoch.as_bytes().as_slice()])?;
    transaction.execute("UPDATE envoys SET generation = NULL", [])?;
    for table in ["changes", "sessions", "once"] {
        transaction.execute(&format!("DELETE FROM {table}"), [])?;
    }
    let carried = match old.map(|old| carry_over(&transaction, old)) {
        None => CarriedOver::Nothing,
        Some(Ok(carried)) => carried,
        Some(Err(_)) => CarriedOver::Unreadable,
    };
    audit::append(&sql::Connection::Sqlite(&transaction), entry).map_err(of_store)?;
    transaction.commit()?;
    Ok(carried)
}

/// Deletes in the copy what was deleted in the database that it replaces.
fn carry_over(copied: &Connection, old: &Path) -> Result<CarriedOver, OpenError> {
    let old = connect::inspect(old)?;
    if first_row(&old)? != first_row(copied)? {
        return Ok(CarriedOver::Nothing);
    }
    let mut dead = old.prepare("SELECT key_hash, died_at FROM dead_hashes")?;
    let mut rows = dead.query([])?;
    let mut deleted = 0;
    while let Some(row) = rows.next()? {
        let (hash, died_at): (Vec<u8>, i64) = (row.get(0)?, row.get(1)?);
        copied.execute(
            "INSERT INTO dead_hashes (key_hash, died_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![hash, died_at],
        )?;
        deleted += copied.execute("DELETE FROM keys WHERE key_hash = ?1", [hash])?;
    }
    for table in ["tokens", "access_keys", "users"] {
        delete_missing(copied, &old, table)?;
    }
    delete_accounts(copied, &old)?;
    carry_envoys_over(copied, &old)?;
    carry_ledger_over(copied, &old)?;
    let deleted = u64::try_from(deleted).unwrap_or(u64::MAX);
    Ok(CarriedOver::Deletions(deleted))
}

/// Accounts that were deleted stay so.
fn delete_accounts(copied: &Connection, old: &Connection) -> rusqlite::Result<()> {
    let has_any = "SELECT 1 FROM pragma_table_info('accounts') WHERE name = 'deleted_at'";
    if !old.prepare(has_any)?.exists([])? {
        return Ok(());
    }
    let mut deleted =
        old.prepare("SELECT id, deleted_at FROM accounts WHERE deleted_at IS NOT NULL")?;
    let mut rows = deleted.query([])?;
    while let Some(row) = rows.next()? {
        let (id, at): (String, i64) = (row.get(0)?, row.get(1)?);
        let delete = "UPDATE accounts SET deleted_at = ?2 WHERE id = ?1 AND deleted_at IS NULL";
        copied.execute(delete, params![id, at])?;
    }
    Ok(())
}

/// The Envoys that follow this installation now are those of the database that is replaced. Those
/// of the copy may be among them, so they stay until their lease has run out.
fn carry_envoys_over(copied: &Connection, old: &Connection) -> rusqlite::Result<()> {
    let mut table = old.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'envoys'")?;
    if !table.exists([])? {
        return Ok(());
    }
    let columns = "region, instance, node, lease_s, version, heard_at";
    let mut envoys = old.prepare(&format!("SELECT {columns} FROM envoys"))?;
    let mut rows = envoys.query([])?;
    while let Some(row) = rows.next()? {
        let texts: [String; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
        let lease_s: Option<i64> = row.get(3)?;
        let version: Option<String> = row.get(4)?;
        let heard_at: i64 = row.get(5)?;
        copied.execute(
            &format!("INSERT OR REPLACE INTO envoys ({columns}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
            params![texts[0], texts[1], texts[2], lease_s, version, heard_at],
        )?;
    }
    Ok(())
}

/// What was used stays used: of each counter that the copy has, too, the larger figure counts. A counter
/// that is begun gets a number that neither had.
fn carry_ledger_over(copied: &Connection, old: &Connection) -> rusqlite::Result<()> {
    let mut table = old.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'ledger'")?;
    if !table.exists([])? {
        return Ok(());
    }
    let mut ledger = old.prepare(
        "SELECT subject, unit, window_kind, resets, start_ms, used, charged_at FROM ledger",
    )?;
    let mut rows = ledger.query([])?;
    while let Some(row) = rows.next()? {
        let subject: String = row.get(0)?;
        let kind: [i64; 3] = [row.get(1)?, row.get(2)?, row.get(3)?];
        let figures: [i64; 3] = [row.get(4)?, row.get(5)?, row.get(6)?];
        let ([unit, window, resets], [start_ms, used, charged_at]) = (kind, figures);
        copied.execute(
            "INSERT INTO ledger (subject, unit, window_kind, resets, start_ms, used, charged_at) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM meta, limits \
             WHERE limits.subject = ?1 AND ?4 <= meta.counters \
             ON CONFLICT (subject, unit, window_kind, resets, start_ms) \
             DO UPDATE SET used = max(ledger.used, excluded.used)",
            params![subject, unit, window, resets, start_ms, used, charged_at],
        )?;
    }
    let counters: i64 = old.query_row("SELECT counters FROM meta", [], |row| row.get(0))?;
    copied.execute("UPDATE meta SET counters = max(counters, ?1)", [counters])?;
    carry_sources_over(copied, old)
}

/// What the database that is replaced has charged is not charged again.
fn carry_sources_over(copied: &Connection, old: &Connection) -> rusqlite::Result<()> {
    let mut sources = old.prepare("SELECT source, sequence, applied_at FROM ledger_sources")?;
    let mut rows = sources.query([])?;
    while let Some(row) = rows.next()? {
        let (source, sequence): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let applied_at: i64 = row.get(2)?;
        copied.execute(
            "INSERT INTO ledger_sources (source, sequence, applied_at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (source) DO UPDATE SET sequence = max(ledger_sources.sequence, \
             excluded.sequence), applied_at = max(ledger_sources.applied_at, excluded.applied_at)",
            params![source, sequence, applied_at],
        )?;
    }
    Ok(())
}

/// Which installation it is: no two have the same first row.
fn first_row(connection: &Connection) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .query_row("SELECT hash FROM audit WHERE seq = 1", [], |row| row.get(0))
        .optional()
}

fn delete_missing(copied: &Connection, old: &Connection, table: &str) -> rusqlite::Result<()> {
    let mut ids = copied.prepare(&format!("SELECT id FROM {table}"))?;
    let ids: Vec<String> = ids
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut is_there = old.prepare(&format!("SELECT 1 FROM {table} WHERE id = ?1"))?;
    for id in ids {
        if !is_there.exists([&id])? {
            copied.execute(&format!("DELETE FROM {table} WHERE id = ?1"), [&id])?;
        }
    }
    Ok(())
}

/// Leaves the database that is replaced beside its place, and no log of it in its place: such a
/// log would be played into the copy.
fn put_away(database: &Path) -> Result<(), OpenError> {
    if !exists(database)? {
        return Ok(());
    }
    // A database that is whole puts its log away; one that is damaged cannot.
    if let Ok(connection) = connect::writable(database) {
        let mode = "PRAGMA wal_checkpoint(TRUNCATE)";
        let _ = connection.query_row(mode, [], |_| Ok(()));
        let _ = connection.close();
    }
    let replaced = with_suffix(database, ".replaced");
    directory::remove_if_there(&replaced).map_err(directory::at(&replaced))?;
    fs::hard_link(database, &replaced).map_err(directory::at(&replaced))?;
    let log = with_suffix(database, "-wal");
    if exists(&log)? {
        let kept = with_suffix(&replaced, "-wal");
        fs::rename(&log, &kept).map_err(directory::at(&kept))?;
    }
    let index = with_suffix(database, "-shm");
    directory::remove_if_there(&index).map_err(directory::at(&index))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn exists(path: &Path) -> Result<bool, OpenError> {
    path.try_exists().map_err(directory::at(path))
}

#[cfg(test)]
mod tests;
