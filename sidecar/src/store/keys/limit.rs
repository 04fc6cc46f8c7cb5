//! The key limit: how many keys an account may have.
//!
//! Does not add keys. Invariant: an account's limit counts its keys of origin `standard` that have no
//! successor, over all regions, in the transaction that adds one.

use keytable::AccountId;

use crate::domain::key::NewKey;
use crate::domain::origin::Origin;
use crate::store::error::StoreError;
use crate::store::row::Columns;
use crate::store::sql::Connection;
use crate::store::tenancy;

/// Refuses a new key whose account or region does not exist or whose account is full.
pub(crate) fn require_room(
    connection: &Connection,
    new: &NewKey,
    limit_default: u64,
) -> Result<(), StoreError> {
    let account = !tenancy::account_exists(connection, &new.account)?;
    let region = !tenancy::region_exists(connection, &new.region)?;
    if account || region {
        return Err(StoreError::UnknownTenant { account, region });
    }
    if new.origin != Origin::Standard {
        return Ok(());
    }
    let (counted, limit) = counted_keys(connection, &new.account)?;
    let limit = limit.unwrap_or(limit_default);
    if counted < limit {
        Ok(())
    } else {
        Err(StoreError::LimitReached { limit })
    }
}

/// How many keys count against the limit of an account, and its own limit. The schema keeps the
/// number, so that looking costs the same however many there are.
fn counted_keys(
    connection: &Connection,
    account: &AccountId,
) -> Result<(u64, Option<u64>), StoreError> {
    let counted = connection
        .prepare_cached("SELECT counted_keys, key_limit FROM accounts WHERE id = ?1")?
        .query_row([account.as_str()], |row| {
            let mut columns = Columns::new(row, 0);
            let counted = columns.unsigned()?;
            let limit: Option<i64> = columns.take()?;
            Ok((
                counted,
                limit.map(|limit| u64::try_from(limit).unwrap_or(0)),
            ))
        })?;
    Ok(counted)
}

#[cfg(test)]
mod tests;
