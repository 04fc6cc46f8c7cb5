//! Keys become records, records become frames. Pure: the same keys always give the same bytes.
//!
//! Does not read the store or answer anybody. Invariant: every frame from here is one that the
//! agent accepts, and the pages of one snapshot cover every bucket exactly once.

use std::iter::Peekable;

use keytable::limits::{BUCKETS, FRAME_BYTES_MAX, PAGE_BUCKETS_MAX, PAGE_BYTES_TARGET};
use keytable::{
    AccountRecord, Change, Delta, Epoch, FormatVersion, Generation, KeyHash, Page, Record,
    RecordError, RecordView, RecordedLimits, Status,
};

use crate::domain::clock::UnixMillis;
use crate::domain::key::Key;
use crate::domain::table_entry::{AccountEntry, KeyEntry, TableEntry};

/// A whole table, cut into frames.
#[derive(Debug)]
pub struct Snapshot {
    /// The generation of the table.
    pub generation: Generation,
    /// Its pages, in order.
    pub pages: Vec<EncodedPage>,
}

/// One page of a snapshot, as it is sent.
#[derive(Debug)]
pub struct EncodedPage {
    /// The first bucket that it covers.
    pub first_bucket: u32,
    /// The bytes of the frame.
    pub bytes: Vec<u8>,
}

/// Collects the records of a table.
#[derive(Debug, Default)]
pub struct TableBuilder {
    records: Vec<(u16, Vec<u8>)>,
    failed: Option<RecordError>,
}

impl TableBuilder {
    /// Adds a key or an account.
    pub fn add(&mut self, entry: &TableEntry) {
        match encode(entry) {
            Ok(bytes) => self.records.push((hash(entry).bucket(), bytes)),
            Err(error) => self.failed = Some(error),
        }
    }

    /// Cuts the table into pages; fails if a key did not fit into a record.
    pub fn finish(
        mut self,
        epoch: Epoch,
        generation: Generation,
        format: FormatVersion,
    ) -> Result<Snapshot, RecordError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        // By the bytes too: the same keys give the same pages, whatever order they came in.
        self.records.sort_unstable();
        // Records go as their page is made, so that the table is in memory once, not twice.
        let mut records = self.records.into_iter().peekable();
        let (mut pages, mut first_bucket) = (Vec::new(), 0);
        while first_bucket < BUCKETS {
            let (end, held) = cut_page(first_bucket, &mut records);
            let records = held.iter().map(|bytes| RecordView::parse(bytes));
            let page = Page {
                epoch,
                generation,
                first_bucket,
                buckets: end - first_bucket,
                records: records.collect::<Result<_, _>>()?,
            };
            let bytes = page.encode_as(format);
            pages.push(EncodedPage {
                first_bucket,
                bytes,
            });
            first_bucket = end;
        }
        Ok(Snapshot { generation, pages })
    }
}

/// The frame that leads from one generation to a later one; `None` if it would be too large and a
/// snapshot has to do.
pub fn delta(
    epoch: Epoch,
    from: Generation,
    to: Generation,
    changes: &[(KeyHash, Option<TableEntry>)],
    format: FormatVersion,
) -> Result<Option<Vec<u8>>, RecordError> {
    let encoded = changes
        .iter()
        .map(|(hash, entry)| Ok((*hash, entry.as_ref().map(encode).transpose()?)))
        .collect::<Result<Vec<_>, RecordError>>()?;
    let changes = encoded
        .iter()
        .map(|(hash, bytes)| match bytes {
            Some(bytes) => RecordView::parse(bytes).map(Change::Put),
            None => Ok(Change::Remove(*hash)),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let frame = Delta {
        epoch,
        from,
        to,
        changes,
    }
    .encode_as(format);
    Ok((frame.len() <= FRAME_BYTES_MAX).then_some(frame))
}

/// The frame that says "nothing new".
pub fn heartbeat(epoch: Epoch, generation: Generation, format: FormatVersion) -> Vec<u8> {
    let changes = Vec::new();
    Delta {
        epoch,
        from: generation,
        to: generation,
        changes,
    }
    .encode_as(format)
}

fn encode(entry: &TableEntry) -> Result<Vec<u8>, RecordError> {
    match entry {
        TableEntry::Key(entry) => record(entry).encode(),
        TableEntry::Account(entry) => account_record(entry).encode(),
    }
}

fn hash(entry: &TableEntry) -> KeyHash {
    match entry {
        TableEntry::Key(entry) => entry.key.hash,
        TableEntry::Account(entry) => KeyHash::of_account(&entry.account),
    }
}

/// The limits of an account, as Envoys get them.
pub fn account_record(entry: &AccountEntry) -> AccountRecord {
    AccountRecord {
        account: entry.account.clone(),
        limits: entry.limits.clone(),
    }
}

/// The policy of a key, as Envoys get it.
pub fn record(entry: &KeyEntry) -> Record {
    let key = &entry.key;
    let limits = (!entry.limits.is_empty()).then(|| RecordedLimits {
        subject: key.subject.clone(),
        limits: entry.limits.clone(),
    });
    Record {
        key_hash: key.hash,
        key_id: key.id.clone(),
        account: key.account.clone(),
        status: match entry.is_switched_off {
            true => Status::Disabled,
            false => key.policy.status,
        },
        expires_at_unix_ms: key.policy.expires_at.map(|at| expiry(key, at)),
        addresses: key.policy.addresses.clone(),
        scope: key.policy.scope.clone(),
        limits,
        is_account_limited: entry.is_account_limited,
    }
}

/// When a key is refused. One that had expired when it was written is refused since ever, so that
/// an Envoy whose clock is slow does not let it in.
fn expiry(key: &Key, at: UnixMillis) -> u64 {
    if at <= key.updated_at { 0 } else { at.get() }
}

/// Takes whole buckets off the front of `records` until the page is full; where it ends, and what
/// is on it. An empty bucket costs nothing, so only its number limits a page of them.
fn cut_page(
    first_bucket: u32,
    records: &mut Peekable<impl Iterator<Item = (u16, Vec<u8>)>>,
) -> (u32, Vec<Vec<u8>>) {
    let end_max = (first_bucket + PAGE_BUCKETS_MAX).min(BUCKETS);
    let (mut end, mut bytes, mut held) = (first_bucket, 0, Vec::new());
    while end < end_max && bytes < PAGE_BYTES_TARGET {
        while let Some((_, record)) = records.next_if(|(bucket, _)| u32::from(*bucket) == end) {
            bytes += record.len();
            held.push(record);
        }
        end += 1;
    }
    (end, held)
}

#[cfg(test)]
mod tests;
