//! Tenancy: which accounts and regions there are, and whether keys in them are served.
//!
//! Does not hold keys. Invariant: neither goes away while there is a key in it.

use keytable::{AccountId, KeyId};

use crate::domain::clock::UnixMillis;
use crate::domain::region::RegionId;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::row::{Columns, integer};
use crate::store::sql::{Connection, params};

/// Whether a key is in an account or in a region that is disabled, of `keys AS k`.
pub(super) const IS_SWITCHED_OFF: &str = "(EXISTS (SELECT 1 FROM accounts AS o WHERE o.id = k.account AND \
     o.status = 'disabled') OR EXISTS (SELECT 1 FROM regions AS r WHERE r.id = k.region AND r.status = 'disabled'))";

impl Store {
    /// Makes an account if it is missing.
    pub fn seed_account(&self, account: &AccountId, now: UnixMillis) -> Result<(), StoreError> {
        self.write(|connection| seed_account(connection, account, now))
    }

    /// Makes a region if it is missing.
    pub fn seed_region(&self, region: &RegionId, now: UnixMillis) -> Result<(), StoreError> {
        self.write(|connection| seed_region(connection, region, now))
    }

    /// Whether there is such an account.
    pub fn has_account(&self, account: &AccountId) -> Result<bool, StoreError> {
        self.read(|connection| account_exists(connection, account))
    }

    /// Refuses an account that does not exist.
    pub fn require_account(&self, account: &AccountId) -> Result<(), StoreError> {
        self.read(|connection| require_account(connection, account))
    }

    /// Every region, by id.
    pub fn regions(&self) -> Result<Vec<RegionId>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT id FROM regions ORDER BY id")?;
            Ok(statement.query_map(params![], |row| {
                Columns::new(row, 0).read(|text: String| RegionId::parse(&text).ok())
            })?)
        })
    }

    /// Whether there is such a region.
    pub fn has_region(&self, region: &RegionId) -> Result<bool, StoreError> {
        self.read(|connection| region_exists(connection, region))
    }
}

/// Makes an account if it is missing.
pub(super) fn seed_account(
    connection: &Connection,
    account: &AccountId,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO accounts (id, name, created_at, updated_at) VALUES (?1, ?1, ?2, ?2) \
               ON CONFLICT DO NOTHING";
    connection
        .prepare_cached(sql)?
        .execute(params![account.as_str(), integer(now.get())])?;
    Ok(())
}

/// Makes a region if it is missing.
pub(super) fn seed_region(
    connection: &Connection,
    region: &RegionId,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO regions (id, created_at, updated_at) VALUES (?1, ?2, ?2) ON CONFLICT DO NOTHING";
    connection.execute(sql, params![region.as_str(), integer(now.get())])?;
    Ok(())
}

pub(super) fn account_exists(
    connection: &Connection,
    account: &AccountId,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM accounts WHERE id = ?1 AND deleted_at IS NULL";
    Ok(connection.prepare_cached(sql)?.exists([account.as_str()])?)
}

/// Whether an account exists, or did once.
pub(super) fn account_existed(
    connection: &Connection,
    account: &AccountId,
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM accounts WHERE id = ?1")?;
    Ok(statement.exists([account.as_str()])?)
}

/// Whether the account or the region of a key is disabled.
pub(super) fn is_switched_off(connection: &Connection, key: &KeyId) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM keys AS k WHERE k.id = ?1 AND {IS_SWITCHED_OFF}");
    Ok(connection.prepare_cached(&sql)?.exists([key.as_str()])?)
}

/// Refuses an account that does not exist.
pub(super) fn require_account(
    connection: &Connection,
    account: &AccountId,
) -> Result<(), StoreError> {
    account_exists(connection, account)?
        .then_some(())
        .ok_or(StoreError::Unknown("account"))
}

pub(super) fn region_exists(
    connection: &Connection,
    region: &RegionId,
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM regions WHERE id = ?1")?;
    Ok(statement.exists([region.as_str()])?)
}

/// Refuses a region that does not exist.
pub(super) fn require_region(connection: &Connection, region: &RegionId) -> Result<(), StoreError> {
    region_exists(connection, region)?
        .then_some(())
        .ok_or(StoreError::Unknown("region"))
}
