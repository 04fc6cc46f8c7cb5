//! A key's record in the table: its bucket is read, and the whole hash is compared.
//!
//! Does not know whether the table may be used ([`super::TableReader`]) and remembers nothing. Invariant: a
//! bucket that cannot be read is [`Unavailable`], never "no such key".

use keytable::{KeyHash, bucket};

use super::record::{CheckedRecord, Unavailable};
use super::slots;
use crate::host::Host;

/// Looks a key up under an edition that was opened just before.
pub fn look_up(host: &impl Host, key_hash: &KeyHash) -> Result<Option<CheckedRecord>, Unavailable> {
    let bytes = slots::read_bucket(host, key_hash).map_err(|_| Unavailable::Damaged)?;
    let bytes = bytes.unwrap_or_default();
    let found = bucket::find(&bytes, key_hash).map_err(|_| Unavailable::Damaged)?;
    Ok(found.map(|view| CheckedRecord::new(&view)))
}
