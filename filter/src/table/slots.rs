//! The slots of the key table in Envoy's shared data: how they are named, read and written.
//!
//! Does not decide what is written when. Invariant: there is one slot per bucket, one head, one
//! change log, one lease and one pulse, whatever happens to keys, so shared data, which cannot forget a name,
//! stays bounded.

use keytable::{Change, KeyHash, Page, RecordView, TableHead, bucket};

use crate::host::{Host, HostError};
use crate::table::checksums::Checksums;

const HEAD: &str = "latchkey.head";
const CHANGES: &str = "latchkey.changes";
const LEASE: &str = "latchkey.lease";
const PULSE: &str = "latchkey.pulse";

/// Why the table could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotError {
    /// Envoy failed the call.
    Host(HostError),
    /// What a slot holds is damaged.
    Damaged,
    /// A bucket is not what the agent wrote.
    Altered,
}

/// The bucket that holds a key, as it stands.
pub fn read_bucket(host: &impl Host, key_hash: &KeyHash) -> Result<Option<Vec<u8>>, SlotError> {
    host.slot(&name(key_hash.bucket())).map_err(SlotError::Host)
}

/// Looks at one bucket: `false` if it is not what the agent wrote.
pub fn inspect(host: &impl Host, bucket: u16, written: &Checksums) -> Result<bool, SlotError> {
    let bytes = host.slot(&name(bucket)).map_err(SlotError::Host)?;
    Ok(written.fits(bucket, &bytes.unwrap_or_default()))
}

/// The head; `None` before the first table.
pub fn read_head(host: &impl Host) -> Result<Option<TableHead>, SlotError> {
    match host.slot(HEAD).map_err(SlotError::Host)? {
        None => Ok(None),
        Some(bytes) => TableHead::decode(&bytes)
            .map(Some)
            .ok_or(SlotError::Damaged),
    }
}

/// The change log as it stands.
pub fn read_changes(host: &impl Host) -> Result<Option<Vec<u8>>, SlotError> {
    host.slot(CHANGES).map_err(SlotError::Host)
}

/// Replaces the change log. Before the head.
pub fn write_changes(host: &impl Host, log: &[u8]) -> Result<(), SlotError> {
    host.set_slot(CHANGES, log).map_err(SlotError::Host)
}

/// Replaces the head: from then on, this is the table.
pub fn write_head(host: &impl Host, head: &TableHead) -> Result<(), SlotError> {
    host.set_slot(HEAD, &head.encode()).map_err(SlotError::Host)
}

/// Until when the table may be used, in milliseconds of the monotonic clock: what this process's
/// own agent has said, whatever else is in the gauge; 0 before it has said anything.
pub fn read_lease(host: &impl Host) -> Result<u64, SlotError> {
    Ok(read_time(host, LEASE)?.unwrap_or(0))
}

/// Replaces the lease. Before its gauge.
pub fn write_lease(host: &impl Host, until_ms: u64) -> Result<(), SlotError> {
    write_time(host, LEASE, until_ms)
}

/// When this process's agent last ran, in milliseconds of the monotonic clock; `None` if it never did.
pub fn read_pulse(host: &impl Host) -> Result<Option<u64>, SlotError> {
    read_time(host, PULSE)
}

/// The agent runs now.
pub fn write_pulse(host: &impl Host, now_ms: u64) -> Result<(), SlotError> {
    write_time(host, PULSE, now_ms)
}

fn read_time(host: &impl Host, slot: &str) -> Result<Option<u64>, SlotError> {
    let Some(bytes) = host.slot(slot).map_err(SlotError::Host)? else {
        return Ok(None);
    };
    let (time, sum) = bytes.split_first_chunk::<8>().ok_or(SlotError::Damaged)?;
    match sum == crc32fast::hash(time).to_le_bytes() {
        true => Ok(Some(u64::from_le_bytes(*time))),
        false => Err(SlotError::Damaged),
    }
}

fn write_time(host: &impl Host, slot: &str, time: u64) -> Result<(), SlotError> {
    let time = time.to_le_bytes();
    let sum = crc32fast::hash(&time).to_le_bytes();
    host.set_slot(slot, &[&time[..], &sum].concat())
        .map_err(SlotError::Host)
}

/// Writes every bucket that a page covers, whole; gives the number of records written.
pub fn write_page(
    host: &impl Host,
    page: &Page<'_>,
    written: &mut Checksums,
) -> Result<u64, SlotError> {
    for (bucket, bytes) in page.bucket_contents() {
        let slot = name(bucket);
        // A slot that does not exist must not be created to hold nothing.
        let needless = bytes.is_empty() && host.slot(&slot).map_err(SlotError::Host)?.is_none();
        let is_kept = mutant!(KeepOldBuckets) && bytes.is_empty();
        if !needless && !is_kept {
            host.set_slot(&slot, &bytes).map_err(SlotError::Host)?;
        }
        if !is_kept {
            written.note(bucket, &bytes);
        }
    }
    Ok(u64::try_from(page.records.len()).unwrap_or(u64::MAX))
}

/// Applies one change, to what the agent wrote; gives by how much the number of records changes: -1, 0 or 1.
pub fn write_change(
    host: &impl Host,
    change: &Change<'_>,
    written: &mut Checksums,
) -> Result<i64, SlotError> {
    let record = match change {
        Change::Put(record) => Some(record),
        Change::Remove(_) => None,
    };
    let key_hash = key_hash_of(change);
    let old = read_bucket(host, &key_hash)?.unwrap_or_default();
    if !written.fits(key_hash.bucket(), &old) {
        return Err(SlotError::Altered);
    }
    let new = with_record(&old, &key_hash, record)?;
    host.set_slot(&name(key_hash.bucket()), &new)
        .map_err(SlotError::Host)?;
    written.note(key_hash.bucket(), &new);
    Ok(records(&new)?.saturating_sub(records(&old)?))
}

/// Whose record a change changes.
pub fn key_hash_of(change: &Change<'_>) -> KeyHash {
    match change {
        Change::Put(record) => record.key_hash(),
        Change::Remove(key_hash) => *key_hash,
    }
}

fn with_record(
    old: &[u8],
    key_hash: &KeyHash,
    record: Option<&RecordView<'_>>,
) -> Result<Vec<u8>, SlotError> {
    bucket::with_record(old, key_hash, record).map_err(|_| SlotError::Damaged)
}

fn records(bytes: &[u8]) -> Result<i64, SlotError> {
    let count = bucket::count(bytes).map_err(|_| SlotError::Damaged)?;
    i64::try_from(count).map_err(|_| SlotError::Damaged)
}

fn name(bucket: u16) -> String {
    format!("latchkey.{bucket:04x}")
}
