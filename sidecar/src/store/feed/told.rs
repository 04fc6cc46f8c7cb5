//! Which records of the key table say what the limits of a subject are, or that an account or a region is
//! disabled.
//!
//! Does not change these. Invariant: when they change, these records are compiled anew in the same generation.

use keytable::{AccountId, KeyHash, KeyId, LimitSubject};

use crate::domain::region::RegionId;
use crate::store::error::StoreError;
use crate::store::feed::changes::{ChangeEntry, ChangeKind};
use crate::store::row::Columns;
use crate::store::sql::{Connection, params};

/// The records of a subject: of its keys, or of the account in each region.
pub(crate) fn of_subject(
    connection: &Connection,
    subject: &LimitSubject,
) -> Result<Vec<ChangeEntry>, StoreError> {
    match subject {
        LimitSubject::Key(first) => of_line(connection, first),
        LimitSubject::Account(account) => of_account(connection, account),
    }
}

/// The records of all keys of an account, which say whether it is disabled, and whether there is a record of it.
pub(crate) fn of_keys(
    connection: &Connection,
    account: &AccountId,
) -> Result<Vec<ChangeEntry>, StoreError> {
    let sql = "SELECT region, key_hash FROM keys WHERE account = ?1";
    entries(connection, sql, account.as_str())
}

/// The records of all keys of a region.
pub(crate) fn of_region(
    connection: &Connection,
    region: &RegionId,
) -> Result<Vec<ChangeEntry>, StoreError> {
    let sql = "SELECT region, key_hash FROM keys WHERE region = ?1";
    entries(connection, sql, region.as_str())
}

fn of_line(connection: &Connection, first: &KeyId) -> Result<Vec<ChangeEntry>, StoreError> {
    let sql = "SELECT region, key_hash FROM keys WHERE subject = ?1";
    entries(connection, sql, first.as_str())
}

fn of_account(
    connection: &Connection,
    account: &AccountId,
) -> Result<Vec<ChangeEntry>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id FROM regions")?;
    Ok(statement.query_map(params![], |row| {
        Ok(ChangeEntry {
            region: Columns::new(row, 0).read(|text: String| RegionId::parse(&text).ok())?,
            hash: KeyHash::of_account(account),
            kind: ChangeKind::Put,
        })
    })?)
}

fn entries(connection: &Connection, sql: &str, of: &str) -> Result<Vec<ChangeEntry>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_map([of], |row| {
        let mut columns = Columns::new(row, 0);
        Ok(ChangeEntry {
            region: columns.read(|text: String| RegionId::parse(&text).ok())?,
            hash: columns.hash()?,
            kind: ChangeKind::Put,
        })
    })?)
}
